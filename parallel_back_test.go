package batch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
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

// The result has been in other lanes twice.
func TestAResultMayReturnToLanesAfterOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		back, given := make(chan batch.Result[string], 1), false
		response, err := batch.Run(grouped(ctx, []string{"a"}, batch.WithoutAllFailedError()), func(s texts) texts {
			return batch.Parallel(followedBy(batch.Parallel(batch.Parallel(s, 1, identity), 1, identity), back), 1, func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) {
					for r := range s {
						if !given {
							given = true
							back <- r
						} else if !yield(r) {
							return
						}
					}
				}
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{})
	})
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

// followedBy sends a result that arrives by a channel after the results of a stream.
func followedBy(s texts, back <-chan batch.Result[string]) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			if !yield(r) {
				return
			}
		}
		r := <-back
		time.Sleep(time.Second) // the stage has gone on by then
		yield(r)
	}
}

// The lane of record 0 sends it back and goes on with record 2, which takes an hour. The other lane is free after ten seconds.
func TestAResultThatReturnsToItsLanesDoesNotWaitForTheLaneThatItHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		back, given := make(chan batch.Result[string], 1), false
		took := map[string]time.Duration{"1": 10 * time.Second, "2": time.Hour}
		var called time.Duration
		source := grouped(t.Context(), []string{"a", "b", "c"}, batch.WithPolicy(batch.StopGroup))
		response, err := batch.Run(source, func(s texts) texts {
			return batch.Parallel(followedBy(s, back), 2, func(s texts) texts {
				return batch.TryEach(func(yield func(batch.Result[string]) bool) {
					for r := range s {
						if r.Record().ID == "r0" && !given {
							given = true
							time.Sleep(time.Second) // the other lane has taken record 1 by then
							back <- r
						} else if !yield(r) {
							return
						}
					}
				}, func(_ context.Context, v string) error {
					if v == "0" {
						called = time.Since(start)
					}
					time.Sleep(took[v])
					return nil
				})
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{})
		is.Equal(called, 10*time.Second)
	})
}

// A stage after the lanes tries record 0 again after a minute. Meanwhile its failure holds back only what has come as far, and
// record 1, which has returned to its lane, has not.
func TestAResultThatReturnsToItsLanesIsNotHeldBackByAFailureAfterThemThatMayBeTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		back, given := make(chan batch.Result[string], 1), false
		tries := 0
		source := grouped(t.Context(), []string{"a", "a"}, batch.WithPolicy(batch.StopGroup))
		response, err := batch.Run(source, func(s texts) texts {
			s = batch.Parallel(followedBy(s, back), 1, func(s texts) texts {
				return batch.TryEach(func(yield func(batch.Result[string]) bool) {
					for r := range s {
						if r.Record().ID == "r1" && !given {
							given = true
							time.Sleep(time.Second) // record 0 has failed by then
							back <- r
						} else if !yield(r) {
							return
						}
					}
				}, succeed)
			})
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					out := batch.Then(r, func(_ context.Context, v string) (string, error) {
						if tries++; tries == 1 {
							return v, errors.New("try again")
						}
						return v, nil
					})
					if tries == 1 {
						time.Sleep(time.Minute)
						out = batch.Then(r, sameValue(succeed))
					}
					if !yield(out) {
						return
					}
				}
			}
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{})
	})
}
