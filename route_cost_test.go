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

// The records of one group take two routes in turn, and each route would rather wait for more of them.
func TestTheCostOfAGroupThatAlternatesBetweenRoutesIsLinear(t *testing.T) {
	bulk := func(s texts) texts {
		return batch.TryEachChunk(s, 1000, func(context.Context, []string) error { return nil })
	}
	for name, stage := range map[string]batch.Stage[string, string]{"in bulk": bulk, "in a stage that buffers": buffering(1000, inOrder)} {
		t.Run(name, func(t *testing.T) {
			times := growth(200, 100, func(n int) {
				response, err := batch.Run(grouped(context.Background(), groupsInTurn(n, 1), batch.WithPolicy(batch.StopGroup)), func(s texts) texts {
					return alternating(s, 2, stage)
				})
				if err != nil || len(response.BatchItemFailures) > 0 {
					t.Fatal(response, err)
				}
			})
			if times > 100 {
				t.Errorf("16 times as many are %.0f times the work", times)
			}
		})
	}
}
