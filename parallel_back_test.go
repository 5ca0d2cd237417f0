package batch_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
)

// A stage in lanes may give a result back to a stage before them for a second try. It may send the same result on as well.
func TestAResultMayReturnToItsLanes(t *testing.T) {
	for i := range 16 {
		lanes, sentOn, nested, policy := 1+i%2*2, i&2 > 0, i&4 > 0, []batch.Policy{batch.Continue, batch.StopGroup}[i/8]
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			back := make(chan batch.Result[string], 1)
			given := false
			stage := func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) {
					for r := range s {
						if v, _ := r.Value(); v == "0" && !given {
							given = true
							back <- r
							if !sentOn {
								continue
							}
						}
						if !yield(batch.Then(r, func(_ context.Context, v string) (string, error) { return v, nil })) {
							return
						}
						time.Sleep(time.Second) // meanwhile the result is handed on
					}
				}
			}
			response, err := batch.Run(grouped(ctx, []string{"a", "a", "b"}, batch.WithPolicy(policy)), func(s texts) texts {
				fed := func(yield func(batch.Result[string]) bool) {
					for r := range s {
						if !yield(r) {
							return
						}
					}
					yield(<-back)
				}
				return batch.Parallel(fed, lanes, func(s texts) texts {
					if nested {
						return batch.Parallel(s, lanes, stage)
					}
					return stage(s)
				})
			})
			if err != nil || len(response.BatchItemFailures) > 0 {
				t.Errorf("%d lanes, sent on: %v, nested: %v, %v: %v, %v", lanes, sentOn, nested, policy, err, listed(response))
			}
		})
	}
}

// A result that is given back may be Failed. Then it is reported, and so are the records that it holds back.
func TestAFailureMayReturnToItsLanes(t *testing.T) {
	for policy, want := range map[batch.Policy][]string{batch.Continue: {"r0"}, batch.StopGroup: {"r0", "r1"}} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			back, given := make(chan batch.Result[string], 1), false
			response, err := batch.Run(grouped(ctx, []string{"a", "a", "b"}, batch.WithPolicy(policy)), func(s texts) texts {
				fed := func(yield func(batch.Result[string]) bool) {
					for r := range s {
						if !yield(r) {
							return
						}
					}
					yield(<-back)
				}
				return batch.Parallel(fed, 1, func(s texts) texts {
					return func(yield func(batch.Result[string]) bool) {
						for r := range batch.TryEach(s, failingOn("0")) {
							if r.Record().ID == "r0" && !given {
								given = true
								back <- r
								continue
							}
							if !yield(r) {
								return
							}
						}
					}
				})
			})
			if err != nil || !slices.Equal(listed(response), want) {
				t.Errorf("%v: %v, %v", policy, err, listed(response))
			}
		})
	}
}
