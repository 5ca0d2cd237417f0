// Package tests does in its tests what would be a mistake elsewhere.
package tests

import (
	"context"

	"github.com/lambdabatch/batch"
)

func store(context.Context, int) error { return nil }

func process(s batch.Stream[int]) batch.Stream[int] {
	batch.Of(1) // want `the stream returned by batch.Of is unused`
	return s
}
