package batch_test

// Laws where two features meet: failures and lanes, copies and failures, several ranges over one batch.

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestAFailureThatGoesIntoLanesCountsForTheStagesBefore(t *testing.T) {
	slowly := func(s texts) texts {
		s = batch.Tap(s, func(batch.Result[string]) { time.Sleep(time.Second) }) // keeps the failure in the lanes for a while
		return batch.TryEach(s, succeed)
	}
	for name, stage := range map[string]func(texts, *effects) texts{
		"before lanes": func(s texts, e *effects) texts {
			return batch.Parallel(batch.TryEach(s, e.refusing("0")), 4, slowly)
		},
		"in lanes before lanes": func(s texts, e *effects) texts {
			return batch.Parallel(inLanes(s, 4, e.refusing("0")), 4, slowly)
		},
		"in lanes, before lanes in them": func(s texts, e *effects) texts {
			return batch.Parallel(s, 2, func(s texts) texts {
				return batch.Parallel(batch.TryEach(s, e.refusing("0")), 2, slowly)
			})
		},
		"between lanes": func(s texts, e *effects) texts {
			return batch.Parallel(batch.TryEach(inLanes(s, 4, succeed), e.refusing("0")), 4, slowly)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, policy := range strictPolicies {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					var taken effects
					source := grouped(context.Background(), []string{"g", "g", "g", "g"}, batch.WithPolicy(policy), batch.WithoutAllFailedError())
					response, err := batch.Run(source, func(s texts) texts { return stage(s, &taken) })
					is.NoErr(err)
					is.Equal(taken.sorted(), nil)
					is.Equal(listed(response), []string{"r0", "r1", "r2", "r3"})
				})
			}
		})
	}
}

// The failure counts for the stages before the lanes, but in the lanes it is undecided.
func TestAFailureThatGoesIntoLanesHoldsBackNoRecordThere(t *testing.T) {
	for _, policy := range strictPolicies {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			var taken effects
			source := grouped(context.Background(), []string{"g", "h", "g", "h"}, batch.WithPolicy(policy))
			failed := func(yield func(batch.Result[string]) bool) {
				for r := range source {
					if r.Record().Index == 0 {
						r = r.Fail(errBoom)
					}
					if !yield(r) {
						return
					}
				}
			}
			response, err := batch.Collect(batch.Parallel(failed, 4, func(s texts) texts {
				s = batch.Catch(s, func(context.Context, error) error { time.Sleep(time.Second); return nil })
				return batch.TryEach(s, taken.each)
			}))
			is.NoErr(err)
			is.Equal(listed(response), []string{})
			is.Equal(taken.sorted(), []string{"1", "2", "3"})
		})
	}
}

// The lane that takes the failed record 0 ends, before a stage of the library has seen the failure in it.
func TestAFailureThatIsDroppedAtOnceInALaneCountsOutside(t *testing.T) {
	for _, policy := range strictPolicies {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			var before effects
			source := grouped(context.Background(), []string{"g", "g", "g"}, batch.WithPolicy(policy), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts {
				s = batch.TryEach(lingering(s), before.refusing("0"))
				return batch.Parallel(s, 4, func(s texts) texts {
					return func(yield func(batch.Result[string]) bool) {
						for r := range s {
							if r.Err() != nil || !yield(r) {
								return
							}
						}
					}
				})
			})
			is.NoErr(err)
			is.Equal(before.noted(), nil)
			is.Equal(listed(response), []string{"r0", "r1", "r2"})
		})
	}
}

func TestACopyThatIsNotFailedSettlesNothing(t *testing.T) {
	type sink = func(context.Context, string) (string, error)
	fails := func(_ context.Context, v string) (string, error) {
		if v == "0" {
			return "", errBoom
		}
		return v, nil
	}
	tee := func(s texts, a, b sink) texts {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				if !yield(batch.Then(r, a)) || !yield(batch.Then(r, b)) {
					return
				}
			}
		}
	}
	for name, stage := range map[string]func(texts, sink) texts{
		"the first fails":  func(s texts, noting sink) texts { return tee(s, fails, noting) },
		"the second fails": func(s texts, noting sink) texts { return tee(s, noting, fails) },
		"held": func(s texts, noting sink) texts {
			tapped := batch.Tap(tee(s, fails, noting), func(batch.Result[string]) {})
			return func(yield func(batch.Result[string]) bool) { slices.Values(slices.Collect(tapped))(yield) }
		},
		"acknowledged": func(s texts, noting sink) texts {
			failed := batch.TryMap(s, fails)
			both := func(yield func(batch.Result[string]) bool) {
				for r := range failed {
					if !yield(r) || !yield(r.Ack()) {
						return
					}
				}
			}
			return batch.TryMap(both, noting)
		},
		"acknowledged first": func(s texts, noting sink) texts {
			failed := batch.TryMap(s, fails)
			both := func(yield func(batch.Result[string]) bool) {
				for r := range failed {
					if !yield(r.Ack()) || !yield(r) {
						return
					}
				}
			}
			return batch.TryMap(both, noting)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, policy := range strictPolicies {
				is := is.New(t)
				var taken effects
				noting := func(_ context.Context, v string) (string, error) { taken.note(v); return v, nil }
				source := grouped(context.Background(), []string{"g", "g", "g"}, batch.WithPolicy(policy), batch.WithoutAllFailedError())
				response, err := batch.Run(source, func(s texts) texts { return stage(s, noting) })
				is.NoErr(err)
				is.Equal(listed(response), []string{"r0", "r1", "r2"})
				for _, v := range taken.sorted() {
					is.Equal(v, "0") // a copy of record 0 may take effect, but no later record
				}
			}
		})
	}
}

// The lane sends a failed copy of record 0 after it has finished with that record.
func TestACopyThatLeavesALaneLateCountsOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var stored effects
		source := grouped(context.Background(), []string{"g", "g", "g", "g"}, batch.WithPolicy(batch.StopGroup), batch.WithoutAllFailedError())
		response, err := batch.Run(source, func(s texts) texts {
			s = batch.Parallel(s, 1, func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) {
					var first batch.Result[string]
					for r := range s {
						switch r.Record().Index {
						case 0:
							first = r
						case 1:
							if !yield(first.Fail(errBoom)) {
								return
							}
						}
						if !yield(r) {
							return
						}
					}
				}
			})
			return batch.TryEach(s, stored.each)
		})
		is.NoErr(err)
		is.Equal(stored.sorted(), []string{"0"})
		is.Equal(listed(response), []string{"r0", "r1", "r2", "r3"})
	})
}

// One copy of record 0 fails and is dropped in the lane. The other copy leaves the lane.
func TestAFailureThatIsThrownAwayInALaneCountsOutside(t *testing.T) {
	for _, lanes := range []int{1, 4} {
		is := is.New(t)
		var taken effects
		source := grouped(context.Background(), []string{"g", "g", "h", "g"}, batch.WithPolicy(batch.StopGroup))
		response, err := batch.Run(source, func(s texts) texts {
			return batch.Parallel(s, lanes, func(s texts) texts {
				first := true
				tried := batch.TryEach(repeating(s), func(_ context.Context, v string) error {
					taken.note(v)
					if v == "0" && first {
						first = false
						return errBoom
					}
					return nil
				})
				return func(yield func(batch.Result[string]) bool) {
					for r := range tried {
						if r.Err() != errBoom && !yield(r) {
							return
						}
					}
				}
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0", "r1", "r3"})
		is.Equal(taken.sorted(), []string{"0", "0", "2", "2"})
	}
}

func TestFailuresInAPipelineThatIsThrownAwayCount(t *testing.T) {
	for name, stage := range map[string]func(texts) texts{
		"a stage": func(s texts) texts {
			for range batch.TryEach(s, failingOn("1")) {
			}
			return s
		},
		"Then": func(s texts) texts {
			for r := range s {
				batch.Then(r, func(ctx context.Context, v string) (string, error) { return v, failingOn("1")(ctx, v) })
			}
			return s
		},
		"lanes": func(s texts) texts {
			for range inLanes(s, 3, failingOn("1")) {
			}
			return s
		},
		"in bulk": func(s texts) texts {
			for range batch.TryEachChunk(s, 2, func(_ context.Context, vs []string) error {
				return batch.ItemErrors{slices.Index(vs, "1"): map[bool]error{true: errBoom}[slices.Contains(vs, "1")]}
			}) {
			}
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var report batch.Report
			source := grouped(context.Background(), make([]string, 4), reportInto(&report))
			response, err := batch.Run(source, stage)
			is.NoErr(err)
			is.Equal(listed(response), []string{"r1"})
			is.Equal(report.Failed, 1)
			is.Equal(report.Failures[0].Err, errBoom)
		})
	}
}

func TestAStageThatCountsItsBatchFirstAndIsStuckLaterReportsOnlyTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		stuck := stuckOn(t, "5")
		response, err := batch.Run(grouped(ctx, make([]string, 10), reserve), func(s texts) texts {
			n := 0
			for range s {
				n++
			}
			is.Equal(n, 10)
			return batch.TryEach(s, stuck)
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r5", "r6", "r7", "r8", "r9"})
	})
}

// Copies are split again and wait in chunks. No other lane may take a record of the group before all of them have left.
func TestCopiesOfSplitRecordsKeepTheOrderOfTheirGroup(t *testing.T) {
	for seed := range 200 {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			written := map[string][]int{}
			groups := groupsInTurn(20, 3)
			source := grouped(context.Background(), groups, batch.WithPolicy(batch.StopGroup))
			_, err := batch.Run(source, func(s texts) texts {
				return batch.Parallel(s, 1+seed%5, func(s texts) texts {
					s = batch.FlatMap(repeating(s), func(v string) []string { return []string{v, v} })
					s = batch.TryEach(repeating(s), taking(time.Duration(seed%3)*time.Millisecond))
					return batch.TryEachChunk(s, 2+seed%7, func(_ context.Context, vs []string) error {
						time.Sleep(time.Duration((seed+indexOf(vs[0]))%4) * time.Millisecond)
						mu.Lock()
						defer mu.Unlock()
						for _, v := range vs {
							g := groups[indexOf(v)]
							written[g] = append(written[g], indexOf(v))
						}
						return nil
					})
				})
			})
			is.New(t).NoErr(err)
			for g, all := range written {
				if !slices.IsSorted(all) {
					t.Fatalf("seed %d, group %s: %v", seed, g, all)
				}
			}
		})
	}
}

func TestResultsOfAnotherBatchAreNotReported(t *testing.T) {
	kept := slices.Collect(grouped(context.Background(), make([]string, 2)))
	for name, stage := range map[string]func(texts) texts{
		"kept": func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) { slices.Values(kept)(yield); s(yield) }
		},
		"failed": func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) { yield(kept[0].Fail(errBoom)); s(yield) }
		},
		"made": func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				batch.TryEach(batch.Of("x"), failingOn("x"))(yield)
				s(yield)
			}
		},
		"instead": func(texts) texts {
			return batch.Of("x", "y")
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			want := []string{}
			if name == "instead" {
				want = []string{"m0", "m1", "m2"}
			}
			var j journal
			describe := func(v string) batch.Record { return batch.Record{ID: "m" + v} }
			source := batch.From(t.Context(), []string{"0", "1", "2"}, describe, batch.WithLogger(slog.New(&j)), batch.WithoutAllFailedError())
			response, err := batch.Run(source, stage)
			is.NoErr(err)
			is.Equal(listed(response), want)
			n := map[string]int{"kept": 2, "failed": 1, "made": 1, "instead": 2}[name]
			is.True(slices.Contains(j.lines, "WARN () results of another batch were ignored results="+strconv.Itoa(n)))
		})
	}
}
