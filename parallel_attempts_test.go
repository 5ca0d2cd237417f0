package batch_test

// Results that were carried out of lanes, and fail there at a first attempt, or as a copy.

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// A copy of record 0 is kept by one of two inner lanes, which ends. It is written after the inner lanes, in the outer lane, and
// fails.
func TestAFailureOfACopyCarriedOutOfInnerLanesHoldsBackRecordsAfterTheOuterOnes(t *testing.T) {
	for _, policy := range strictPolicies {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			var after effects
			source := grouped(t.Context(), []string{"g", "g", "g"}, batch.WithPolicy(policy), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts {
				return batch.TryEach(batch.Parallel(s, 2, func(s texts) texts {
					kept := make(chan batch.Result[string], 1)
					inner := batch.Parallel(s, 2, func(s texts) texts {
						return func(yield func(batch.Result[string]) bool) {
							for r := range s {
								if r.Record().Index == 0 {
									kept <- r
									yield(r)
									return
								}
								if !yield(r) {
									return
								}
							}
						}
					})
					return func(yield func(batch.Result[string]) bool) {
						for r := range inner {
							if r.Record().Index == 0 {
								time.Sleep(time.Second)
								for range batch.TryEach(single(<-kept), failingOn("0")) {
								}
							}
							if !yield(r) {
								return
							}
						}
					}
				}), after.each)
			})
			is.Equal(listed(response), []string{"r0", "r1", "r2"})
			is.NoErr(err)
			is.Equal(listed(response), []string{"r0", "r1", "r2"})
			is.Equal(after.noted(), []string{"0"})
		})
	}
}

// Record 0 passes lanes in a lane, is carried out, fails at a first attempt and is dropped. The others must not be written.
func TestAFailedAttemptAfterLanesWithinALaneThatHasEndedHoldsBackRecords(t *testing.T) {
	for _, policy := range strictPolicies {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			var after effects
			source := grouped(t.Context(), []string{"g", "g", "g"}, batch.WithPolicy(policy), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts {
				carried := make(chan batch.Result[string], 1)
				lanes := batch.Parallel(s, 2, func(s texts) texts {
					inner := inLanes(s, 1, succeed)
					return func(yield func(batch.Result[string]) bool) {
						for r := range inner {
							if r.Record().Index == 0 {
								carried <- r
								return
							}
							if !yield(r) {
								return
							}
						}
					}
				})
				return batch.TryEach(func(yield func(batch.Result[string]) bool) {
					first := true
					for r := range lanes {
						if first {
							first = false
							time.Sleep(time.Second)
							k := <-carried
							out := batch.Then(k, sameValue(failingOn("0")))
							if out.Err() == nil {
								t.Error("no failure")
							}
						}
						if !yield(r) {
							return
						}
					}
				}, after.each)
			})
			is.Equal(listed(response), []string{"r0", "r1", "r2"})
			is.NoErr(err)
			is.Equal(after.noted(), nil)
		})
	}
}

// Record 0 is carried out. Its first attempt fails while record 3 is before the lanes. The second succeeds.
func TestAFailedAttemptForACarriedOutResultHoldsBackNothingBeforeTheLanes(t *testing.T) {
	for _, policy := range strictPolicies {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			var before, after effects
			source := grouped(t.Context(), []string{"g", "h", "k", "g"}, batch.WithPolicy(policy), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts {
				carried := make(chan batch.Result[string], 1)
				s = batch.TryEach(s, func(_ context.Context, v string) error {
					if v == "2" {
						time.Sleep(5 * time.Second)
					}
					before.note(v)
					return nil
				})
				lanes := batch.Parallel(s, 2, func(s texts) texts {
					return func(yield func(batch.Result[string]) bool) {
						for r := range s {
							if r.Record().Index == 0 {
								carried <- r
								return
							}
							if !yield(r) {
								return
							}
						}
					}
				})
				return batch.TryEach(func(yield func(batch.Result[string]) bool) {
					first := true
					for r := range lanes {
						if first {
							first = false
							kept := <-carried
							time.Sleep(time.Second)
							out := batch.Then(kept, sameValue(failingOn("0")))
							if out.Err() == nil {
								t.Error("no failure")
							}
							time.Sleep(10 * time.Second)
							out = batch.Then(kept, sameValue(succeed))
							if !yield(out) {
								return
							}
						}
						if !yield(r) {
							return
						}
					}
				}, after.each)
			})
			t.Log(policy, listed(response), before.noted(), after.noted())
			is.NoErr(err)
			is.Equal(listed(response), []string{})
		})
	}
}
