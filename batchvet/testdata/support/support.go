// Package support has helpers for tests.
package support

import (
	"testing"

	"github.com/lambdabatch/batch"
)

func Lazy(t *testing.T, stage func(batch.Stream[int]) batch.Stream[int]) {
	stage(func(func(batch.Result[int]) bool) { t.Error("ranged over") })
}

func Again(s batch.Stream[int]) batch.Stream[int] {
	for range s {
	}
	return s
}
