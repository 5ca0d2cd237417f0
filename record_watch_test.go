package batch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// A stage sends the copies late, when the source has gone on to another record or has ended.
func TestARecordWithALateStuckCopyIsReportedEvenIfAnotherCopyArrived(t *testing.T) {
	late := func(s texts) texts { // sends the copy of each result after the next one
		return func(yield func(batch.Result[string]) bool) {
			var kept []batch.Result[string]
			for r := range s {
				if !yield(r) || len(kept) > 0 && !yield(kept[0]) {
					return
				}
				kept = []batch.Result[string]{r}
			}
			slices.Values(kept)(yield)
		}
	}
	type function = func(context.Context, string) error
	for name, stage := range map[string]func(texts, function) texts{
		"alone": func(s texts, f function) texts { return batch.TryEach(late(s), f) },
		"only the copies": func(s texts, f function) texts {
			return func(yield func(batch.Result[string]) bool) {
				var before batch.Result[string]
				for r := range s {
					v, _ := r.Value()
					_ = f(t.Context(), v) // not called by the library
					if !yield(r) || !yield(batch.Then(before, sameValue(f))) {
						return
					}
					before = r
				}
				yield(batch.Then(before, sameValue(f)))
			}
		},
		"by hand":    func(s texts, f function) texts { return thenEach(late(s), f) },
		"prefetched": func(s texts, f function) texts { return batch.TryEach(late(prefetching(8)(s)), f) },
		"in lanes": func(s texts, f function) texts {
			return batch.Parallel(s, 1, func(s texts) texts { return batch.TryEach(late(s), f) })
		},
		"after lanes":  func(s texts, f function) texts { return batch.TryEach(late(inLanes(s, 1, succeed)), f) },
		"before lanes": func(s texts, f function) texts { return inLanes(batch.TryEach(late(s), f), 4, succeed) },
		"in a filter": func(s texts, f function) texts {
			return batch.TryFilter(late(s), func(ctx context.Context, v string) (bool, error) { return true, f(ctx, v) })
		},
		"in a pure function": func(s texts, f function) texts {
			return batch.Map(late(s), func(v string) string { _ = f(t.Context(), v); return v })
		},
		"looked at": func(s texts, f function) texts {
			return batch.Tap(late(s), func(r batch.Result[string]) { v, _ := r.Value(); _ = f(t.Context(), v) })
		},
	} {
		for _, value := range []string{"0", "1", "2"} { // the first one, one with a neighbour on each side, and the last one
			t.Run(name+", "+value, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					ctx, reserve := deadline(t)
					stuck, calls := stuckOn(t, value), 0
					response, err := batch.Run(grouped(ctx, make([]string, 3), reserve, batch.WithoutAllFailedError()), func(s texts) texts {
						return stage(s, func(ctx context.Context, v string) error {
							if v != value {
								return nil
							}
							if calls++; calls == 1 {
								return nil
							}
							return stuck(ctx, v)
						})
					})
					is.NoErr(err)
					is.True(slices.Contains(listed(response), "r"+value))
					is.True(value == "0" || !slices.Contains(listed(response), "r0"))
				})
			})
		}
	}
}

// thenEach is Each by hand.
func thenEach(s texts, f func(context.Context, string) error) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			if !yield(batch.Then(r, sameValue(f))) {
				return
			}
		}
	}
}

// A stage has another goroutine fetch results, which sends each twice. The first copy has arrived when a function is called
// for the second one and hangs. The other goroutine is still at the record then, and goes on a second later.
func TestARecordWithAStuckCopyIsReportedThoughItsGoroutineGoesOn(t *testing.T) {
	type function = func(context.Context, string) error
	plain := func(s texts, f function) texts { return batch.TryEach(s, f) }
	for name, stage := range map[string]func(texts, function) texts{
		"alone": func(s texts, f function) texts { return plain(fetchingTwice(s), f) },
		"a part": func(s texts, f function) texts {
			return plain(fetchingTwice(batch.FlatMap(s, func(v string) []string { return []string{v, v} })), f)
		},
		"before parts": func(s texts, f function) texts { return splitInTwo(plain(fetchingTwice(s), f)) },
		"before parts in a chunk": func(s texts, f function) texts {
			return batch.TryEachChunk(splitInTwo(plain(fetchingTwice(s), f)), 2, func(context.Context, []string) error { return nil })
		},
		"before parts in lanes": func(s texts, f function) texts { return inLanes(splitInTwo(plain(fetchingTwice(s), f)), 2, succeed) },
		"before parts, in a lane": func(s texts, f function) texts {
			return batch.Parallel(s, 1, func(s texts) texts { return splitInTwo(plain(fetchingTwice(s), f)) })
		},
		"in the key of a route": func(s texts, f function) texts {
			key := func(v string) int { _ = f(t.Context(), v); return 0 }
			return batch.Route(fetchingTwice(s), key, map[int]batch.Stage[string, string]{0: batch.Each(succeed)})
		},
		"looked at": func(s texts, f function) texts {
			return batch.Tap(fetchingTwice(s), func(r batch.Result[string]) { v, _ := r.Value(); _ = f(t.Context(), v) })
		},
		"in a lane": func(s texts, f function) texts {
			return batch.Parallel(s, 1, func(s texts) texts { return plain(fetchingTwice(s), f) })
		},
		"in a lane in a lane": func(s texts, f function) texts {
			return batch.Parallel(s, 1, func(s texts) texts {
				return batch.Parallel(s, 1, func(s texts) texts { return plain(fetchingTwice(s), f) })
			})
		},
		"in a route": func(s texts, f function) texts {
			return batch.Route(s, func(string) int { return 0 }, map[int]batch.Stage[string, string]{
				0: func(s texts) texts { return plain(fetchingTwice(s), f) },
			})
		},
		"after lanes":  func(s texts, f function) texts { return plain(fetchingTwice(inLanes(s, 1, succeed)), f) },
		"before lanes": func(s texts, f function) texts { return inLanes(plain(fetchingTwice(s), f), 2, succeed) },
		"before a chunk that the consumer of lanes has written": func(s texts, f function) texts {
			lanes := inLanes(s, 1, func(ctx context.Context, v string) error {
				if v != "0" {
					<-ctx.Done() // so that the chunk is written before
				}
				return nil
			})
			return batch.TryEachChunk(plain(fetchingTwice(lanes), f), 10, func(context.Context, []string) error { return nil })
		},
	} {
		for _, records := range []int{1, 3} {
			t.Run(fmt.Sprint(name, ", ", records), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					ctx, reserve := deadline(t)
					calls, stuck := 0, stuckOn(t, "0")
					response, err := batch.Run(grouped(ctx, make([]string, records), reserve, batch.WithoutAllFailedError()), func(s texts) texts {
						return stage(s, func(ctx context.Context, v string) error {
							if calls++; calls == 2 {
								return stuck(ctx, v)
							}
							return nil
						})
					})
					is.NoErr(err)
					is.True(slices.Contains(listed(response), "r0"))
				})
			})
		}
	}
}

// Between the copies of a result there are others: another part of the record, or an earlier record that a stage has kept.
func TestARecordWithAStuckCopyIsReportedThoughOtherResultsHavePassed(t *testing.T) {
	type function = func(context.Context, string) error
	for name, test := range map[string]struct {
		stage func(texts, function) texts
		stuck int // the call that hangs
		want  string
	}{
		"another part": {func(s texts, f function) texts {
			return batch.TryEach(fetchingTogether(splitInTwo(s), 2), f)
		}, 3, "r0"},
		"an earlier part, without a function": {func(s texts, f function) texts {
			return func(yield func(batch.Result[string]) bool) {
				n := 0
				for r := range fetchingTogether(swappingPairs(splitInTwo(s)), 2) {
					if n++; n == 3 {
						r = batch.Then(r, sameValue(f))
					}
					if !yield(r) {
						return
					}
				}
			}
		}, 1, "r0"},
		"an earlier record": {func(s texts, f function) texts {
			return lateFirst(batch.TryEach(fetchingTwice(s), f))
		}, 4, "r1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				calls, hang := 0, stuckOn(t, "")
				response, err := batch.Run(grouped(ctx, make([]string, 3), reserve, batch.WithoutAllFailedError()), func(s texts) texts {
					return test.stage(s, func(ctx context.Context, _ string) error {
						if calls++; calls == test.stuck {
							return hang(ctx, "")
						}
						return nil
					})
				})
				is.NoErr(err)
				is.True(slices.Contains(listed(response), test.want))
			})
		})
	}
}

// A function is called for a record that the source, or the consumer of lanes, has left, and hangs. Only then does a copy
// arrive, the first one.
func TestARecordWithAStuckCopyIsReportedThoughTheSourceHadLeftIt(t *testing.T) {
	type function = func(context.Context, string) error
	for name, stage := range map[string]func(texts, function) texts{
		"source": func(s texts, f function) texts {
			return func(yield func(batch.Result[string]) bool) {
				kept := slices.Collect(s)
				go batch.Then(kept[0], sameValue(f))
				synctest.Wait()
				slices.Values(kept)(yield)
			}
		},
		"lanes": func(s texts, f function) texts {
			s = inLanes(s, 2, func(_ context.Context, v string) error {
				if v == "1" {
					time.Sleep(2 * time.Second)
				}
				return nil
			})
			return func(yield func(batch.Result[string]) bool) {
				var kept []batch.Result[string]
				for r := range s {
					if kept = append(kept, r); len(kept) == 1 {
						go func() {
							time.Sleep(time.Second) // the consumer waits for the other record
							batch.Then(r, sameValue(f))
						}()
					}
				}
				slices.Values(kept)(yield)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				response, err := batch.Run(grouped(ctx, make([]string, 2), reserve), func(s texts) texts {
					return stage(s, stuckOn(t, "0"))
				})
				is.NoErr(err)
				is.Equal(listed(response), []string{"r0"})
			})
		})
	}
}

// swappingPairs sends the second of two results before the first.
func swappingPairs(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		var first *batch.Result[string]
		for r := range s {
			if first == nil {
				first = &r
				continue
			}
			if !yield(r) || !yield(*first) {
				return
			}
			first = nil
		}
	}
}

// lateFirst sends the first result after the first one of record 1.
func lateFirst(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		var first *batch.Result[string]
		sent := false
		for r := range s {
			if first == nil {
				first = &r
				continue
			}
			if !yield(r) {
				return
			}
			if !sent && r.Record().Index == 1 {
				sent = true
				yield(*first)
			}
		}
	}
}

// fetchingTwice sends each result twice, from another goroutine, which asks for the next one a second later.
func fetchingTwice(s texts) texts { return fetchingTogether(s, 1) }

// fetchingTogether is fetchingTwice for n results at a time: it sends all of them, and all once more.
func fetchingTogether(s texts, n int) texts {
	return func(yield func(batch.Result[string]) bool) {
		fetched := make(chan batch.Result[string], 12)
		go func() {
			defer close(fetched)
			var all []batch.Result[string]
			for r := range s {
				if all = append(all, r); len(all) < n {
					continue
				}
				for _, r := range slices.Concat(all, all) {
					fetched <- r
				}
				all = nil
				time.Sleep(time.Second)
			}
		}()
		for r := range fetched {
			if !yield(r) {
				return
			}
		}
	}
}

// The copy is the last thing that is left of its record in its route. Once it has failed, the group may go on.
func TestAFailureOfACopyCountsBeforeTheNextRecordOfItsGroupStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var stored effects
		failsLate := func(context.Context, string) error { time.Sleep(time.Second); return errors.New("refused") }
		copying := func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				var copies sync.WaitGroup
				defer copies.Wait()
				s(func(r batch.Result[string]) bool {
					copies.Go(func() { batch.Then(r, sameValue(failsLate)) })
					synctest.Wait()
					return yield(r)
				})
			}
		}
		storing := func(s texts) texts { return batch.TryEach(s, stored.each) }
		source := grouped(ctx, []string{"z", "g", "g"}, reserve, batch.WithPolicy(batch.StopGroup))
		response, err := batch.Run(source, func(s texts) texts {
			return batch.Route(callingFirstLate(s), func(v string) bool { return v == "1" },
				map[bool]batch.Stage[string, string]{true: copying, false: storing})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r1", "r2"})
		is.Equal(stored.noted(), []string{"0"})
	})
}

// callingFirstLate calls a function for the first result when the source has gone on to the second. From then on every
// function holds its record.
func callingFirstLate(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		var first *batch.Result[string]
		for r := range s {
			if first == nil {
				first = &r
			} else {
				batch.Then(*first, sameValue(succeed))
			}
			if !yield(r) {
				return
			}
		}
	}
}
