//go:build !race

package batch_test

// How what routes cost grows with the number of records. Not with the race detector, since most of the work would be its own.

import (
	"context"
	"testing"

	"github.com/lambdabatch/batch"
)

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
