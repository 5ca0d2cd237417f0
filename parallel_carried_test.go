package batch_test

// Stages that carry a result out of a lane, or hand it to another lane.

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func single(r batch.Result[string]) texts {
	return func(yield func(batch.Result[string]) bool) { yield(r) }
}

// carryingOut has a stage in a lane that keeps a record. When the lane has ended, a stage after the lanes sends the record in its
// place, before the next one.
func carryingOut(s texts, record int) texts {
	carried := make(chan batch.Result[string], 1)
	lanes := batch.Parallel(s, 1, func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				if r.Record().Index == record {
					carried <- r
				} else if !yield(r) {
					return
				}
			}
		}
	})
	return func(yield func(batch.Result[string]) bool) {
		for r := range lanes {
			if r.Record().Index == record+1 {
				time.Sleep(time.Second)
				if !yield(<-carried) {
					return
				}
				time.Sleep(time.Second) // its context ends when the lanes are over
			}
			if !yield(r) {
				return
			}
		}
	}
}

// writingAside writes each result in a pipeline that it throws away, and sends the result itself on.
func writingAside(s texts, f func(context.Context, string) error) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			for range batch.TryEach(single(r), f) {
			}
			if !yield(r) {
				return
			}
		}
	}
}

func TestAFailureOfACarriedOutResultIsNotForgotten(t *testing.T) {
	for _, policy := range strictPolicies {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			source := grouped(t.Context(), []string{"g", "g", "g"}, batch.WithPolicy(policy), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts { return writingAside(carryingOut(s, 1), failingOn("1")) })
			is.NoErr(err)
			is.Equal(listed(response), []string{"r1", "r2"})
		})
	}
}

// The lane of record 1 hands it over and ends. The lane of record 2 writes it and sends it.
func TestAFailureOfAResultHandedToAnotherLaneIsNotForgotten(t *testing.T) {
	for _, policy := range everyPolicy {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			handed := make(chan batch.Result[string], 1)
			source := grouped(t.Context(), []string{"a", "b", "c"}, batch.WithPolicy(policy), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts {
				return batch.Parallel(s, 3, func(s texts) texts {
					return writingAside(func(yield func(batch.Result[string]) bool) {
						for r := range s {
							switch r.Record().Index {
							case 1:
								handed <- r
								return
							case 2:
								time.Sleep(time.Second)
								yield(<-handed)
							}
							yield(r)
						}
					}, failingOn("1"))
				})
			})
			is.NoErr(err)
			is.True(slices.Contains(listed(response), "r1"))
		})
	}
}

// Record 1 fails after the lanes out of which it was carried. Record 2 is in the same group.
func TestAFailureOfACarriedOutResultHoldsBackItsGroup(t *testing.T) {
	type function = func(context.Context, string) error
	for name, after := range map[string]func(s texts, f function) texts{
		"a stage": func(s texts, f function) texts { return batch.TryEach(s, f) },
		"a stage, then a chunk": func(s texts, f function) texts {
			return batch.TryEachChunk(batch.TryEach(s, f), 10, func(context.Context, []string) error { return nil })
		},
		"a stage, then lanes": func(s texts, f function) texts { return inLanes(batch.TryEach(s, f), 2, succeed) },
		"lanes":               func(s texts, f function) texts { return inLanes(s, 2, f) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, policy := range strictPolicies {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					var stored effects
					source := grouped(t.Context(), []string{"g", "g", "g"}, batch.WithPolicy(policy), batch.WithoutAllFailedError())
					response, err := batch.Run(source, func(s texts) texts { return after(carryingOut(s, 1), stored.refusing("1")) })
					is.NoErr(err)
					is.Equal(listed(response), []string{"r1", "r2"})
					is.Equal(stored.noted(), []string{"0"})
				})
			}
		})
	}
}

// Record 1 is handed over, its lane ends, and another lane sends it after record 2 of the same group.
func TestAResultHandedToAnotherLaneThatLeavesTooLateIsReported(t *testing.T) {
	for name, hand := range map[string]func(r batch.Result[string], yield func(batch.Result[string]) bool, to chan<- batch.Result[string]){
		"as it is": func(r batch.Result[string], _ func(batch.Result[string]) bool, to chan<- batch.Result[string]) {
			to <- r
		},
		"after a copy, when a function has returned": func(r batch.Result[string], yield func(batch.Result[string]) bool, to chan<- batch.Result[string]) {
			yield(r.Ack())
			began := make(chan struct{})
			go func() {
				to <- batch.Then(r, func(_ context.Context, v string) (string, error) {
					close(began)
					time.Sleep(2 * time.Second)
					return v, nil
				})
			}()
			<-began
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, policy := range strictPolicies {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					ctx, reserve := deadline(t)
					var after effects
					handed := make(chan batch.Result[string], 1)
					source := grouped(ctx, []string{"g", "h", "g"}, reserve, batch.WithPolicy(policy), batch.WithoutAllFailedError())
					response, err := batch.Run(source, func(s texts) texts {
						return batch.TryEach(batch.Parallel(s, 3, func(s texts) texts {
							return func(yield func(batch.Result[string]) bool) {
								for r := range s {
									switch r.Record().Index {
									case 0:
										hand(r, yield, handed)
										return
									case 1:
										time.Sleep(4 * time.Second)
										yield(r)
										yield(<-handed)
									case 2:
										yield(r)
									}
								}
							}
						}), after.each)
					})
					is.NoErr(err)
					is.True(!slices.Contains(after.noted(), "0"))
					is.True(slices.Contains(listed(response), "r0"))
				})
			}
		})
	}
}
