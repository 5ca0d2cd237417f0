// Package tests has mistakes in its tests, where they are none.
package tests

import (
	"context"

	"github.com/lambdabatch/batch"
)

func store(context.Context, int) error { return nil }

func process(s batch.Stream[int]) batch.Stream[int] {
	batch.Of(1) // want `nothing ranges over`
	return s
}
