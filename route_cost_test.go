package batch_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/lambdabatch/batch"
)

// alternating sends values through the routes in turn.
func alternating(s texts, routes int, stage batch.Stage[string, string]) texts {
	stages := make(map[int]batch.Stage[string, string])
	for k := range routes {
		stages[k] = stage
	}
	return batch.Route(s, func(v string) int { return indexOf(v) % routes }, stages)
}

// BenchmarkRoute compares routes with lanes.
func BenchmarkRoute(b *testing.B) {
	const n = 1000
	source := grouped(context.Background(), make([]string, n))
	each := batch.Each(succeed)
	for _, routes := range []int{1, 4, 100} {
		b.Run(fmt.Sprintf("routes=%d", routes), func(b *testing.B) {
			perRecord(b, n, func() { _, _ = batch.Collect(alternating(source, routes, each)) })
		})
	}
	b.Run("lanes=4", func(b *testing.B) {
		perRecord(b, n, func() { _, _ = batch.Collect(batch.Parallel(source, 4, each)) })
	})
}
