package batch_test

// Chunks that are written before they are full because time runs short.

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// Here a goroutine of the user's waits until time runs short. The pipeline after the chunk must not end it.
func TestAPanicOrGoexitAfterAChunkWrittenInTimeEndsThePipelineAndNotTheWaitingGoroutine(t *testing.T) {
	for name, test := range map[string]struct {
		deed func()
		is   func(error) bool
	}{
		"panic":  {func() { panic(errBoom) }, func(err error) bool { return errors.Is(err, errBoom) }},
		"Goexit": {runtime.Goexit, func(err error) bool { return err == nil }},
	} {
		for place, between := range map[string]func(texts) texts{"piped": piped, "pulled": pulled, "plain": unchanged} {
			t.Run(name+" "+place, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					ctx, reserve := deadline(t)
					var written effects
					response, err := batch.Run(grouped(ctx, groupsInTurn(4, 4), reserve, batch.WithoutAllFailedError()), func(s texts) texts {
						s = inLanes(s, 4, stuckOn(t, "0"))
						s = batch.TryEachChunk(between(s), 25, func(_ context.Context, vs []string) error { written.note(vs...); return nil })
						return misbehavingAt(s, "2", func(func(batch.Result[string]) bool, batch.Result[string]) bool {
							test.deed()
							return true
						})
					})
					is.True(test.is(err))
					is.Equal(len(written.all), 3)
					if err == nil {
						for _, id := range []string{"r0", "r2"} {
							is.True(slices.Contains(listed(response), id))
						}
					}
				})
			})
		}
	}
}

// Time runs short in chunks in lanes and in a chunk after the lanes.
func TestAChunkIsWrittenInTimeHoweverStagesAroundItWait(t *testing.T) {
	ways := map[string]func(texts) texts{"plain": unchanged, "pulled": pulled, "piped": piped}
	for a, before := range ways {
		for b, after := range ways {
			for c, inside := range ways {
				t.Run("before "+a+", after "+b+", inside "+c, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						is := is.New(t)
						ctx, reserve := deadline(t)
						var written effects
						stuck := stuckOn(t, "5")
						response, err := batch.Run(grouped(ctx, groupsInTurn(40, 40), reserve), func(s texts) texts {
							s = batch.Parallel(s, 4, func(s texts) texts {
								s = batch.TryEach(inside(s), func(ctx context.Context, v string) error {
									time.Sleep(300 * time.Millisecond)
									return stuck(ctx, v)
								})
								return batch.TryEachChunk(inside(s), 3, func(context.Context, []string) error { return nil })
							})
							s = batch.TryEachChunk(before(s), 25, func(_ context.Context, vs []string) error { written.note(vs...); return nil })
							return after(s)
						})
						is.NoErr(err)
						is.True(slices.Contains(listed(response), "r5"))
						is.True(len(listed(response)) <= 10) // only what the stuck lane held
						is.True(len(listed(response))+len(written.sorted()) >= 40)
					})
				})
			}
		}
	}
}

// At 2s time runs short. Another goroutine brings the results to the chunk at 3s, when the one that waits for more of them has
// long found the chunk empty, and one more at 4s.
func TestAChunkIsWrittenInTimeThoughAnotherGoroutineBringsItsResultsLate(t *testing.T) {
	late := func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			n := 0
			for r := range prefetching(20)(s) {
				switch n++; n {
				case 1:
					time.Sleep(3 * time.Second)
				case 6:
					time.Sleep(time.Second)
				}
				if !yield(r) {
					return
				}
			}
		}
	}
	for name, stage := range map[string]func(s texts, stuck, write batch.Stage[string, string]) texts{
		"after lanes": func(s texts, stuck, write batch.Stage[string, string]) texts {
			return write(late(batch.Parallel(s, 4, stuck)))
		},
		"after lanes, twice": func(s texts, stuck, write batch.Stage[string, string]) texts {
			between := batch.TryEachChunk(late(batch.Parallel(s, 4, stuck)), 10, func(context.Context, []string) error { return nil })
			return write(piped(between))
		},
		"after a route": func(s texts, stuck, write batch.Stage[string, string]) texts {
			isStuck := func(v string) bool { return v == "6" }
			return write(late(batch.Route(s, isStuck, map[bool]batch.Stage[string, string]{true: stuck, false: unchanged})))
		},
		"in a lane": func(s texts, stuck, write batch.Stage[string, string]) texts {
			return batch.Parallel(stuck(s), 1, func(s texts) texts { return write(late(s)) })
		},
		"in a lane, after lanes": func(s texts, stuck, write batch.Stage[string, string]) texts {
			return batch.Parallel(s, 1, func(s texts) texts { return write(late(batch.Parallel(s, 4, stuck))) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				start := time.Now()
				ctx, reserve := deadline(t)
				written := make(map[time.Duration]int)
				response, err := batch.Run(grouped(ctx, groupsInTurn(7, 7), reserve), func(s texts) texts {
					return stage(s, batch.Each(stuckOn(t, "6")), func(s texts) texts {
						return batch.TryEachChunk(s, 10, func(_ context.Context, vs []string) error {
							written[time.Since(start)] += len(vs)
							return nil
						})
					})
				})
				is.NoErr(err)
				is.Equal(listed(response), []string{"r6"})
				is.Equal(written, map[time.Duration]int{3 * time.Second: 5, 4 * time.Second: 1})
			})
		})
	}
}

// One goroutine of a route writes the chunk while another adds to it. A mutex would stop virtual time.
func TestWaitingForAChunkBeingWrittenDoesNotStopTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		response, err := batch.Run(grouped(t.Context(), []string{"g", "h", "g", "g"}, batch.WithPolicy(batch.StopGroup)), func(s texts) texts {
			s = batch.TryEach(s, func(_ context.Context, v string) error {
				if v == "2" {
					time.Sleep(100 * time.Millisecond) // record 0 is in the chunk by then
				}
				return nil
			})
			return batch.Route(s, func(v string) bool { return v == "2" }, map[bool]batch.Stage[string, string]{
				true: batch.Each(succeed),
				false: func(s texts) texts {
					ahead := func(yield func(batch.Result[string]) bool) {
						for r := range prefetching(4)(s) {
							if r.Record().Index == 1 {
								time.Sleep(500 * time.Millisecond)
							}
							if !yield(r) {
								return
							}
						}
					}
					return batch.TryEachChunk(ahead, 10, func(context.Context, []string) error { time.Sleep(time.Second); return nil })
				},
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{})
		took := time.Since(start) // a second less if records 1 and 3 are written together
		is.True(took == 2100*time.Millisecond || took == 3100*time.Millisecond)
	})
}

// The stage after the chunk in each lane hides that the function has ended its goroutine.
func TestNoLaterRecordOfTheGroupIsWrittenAfterAFunctionOfAChunkHasEndedItsGoroutine(t *testing.T) {
	onOtherGoroutine := func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			results := make(chan batch.Result[string])
			go func() {
				defer close(results)
				s(func(r batch.Result[string]) bool { results <- r; return true })
			}()
			for r := range results {
				if !yield(r) {
					return
				}
			}
		}
	}
	is := is.New(t)
	var written effects
	var report batch.Report
	source := grouped(context.Background(), groupsInTurn(3, 1), batch.WithPolicy(batch.StopGroup), batch.WithoutAllFailedError(), reportInto(&report))
	response, err := batch.Run(source, func(s texts) texts {
		return batch.Parallel(s, 2, func(s texts) texts {
			return onOtherGoroutine(batch.TryEachChunk(s, 1, func(_ context.Context, vs []string) error {
				if vs[0] == "0" {
					runtime.Goexit()
				}
				written.note(vs[0])
				return nil
			}))
		})
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"r0", "r1", "r2"})
	is.Equal(len(written.all), 0)
	is.Equal(report.Failed, 1)
	is.Equal(report.Blocked, 2)
}

// At 2s time runs short, and the chunk with record 0 is written. What follows it in the lane then wants no more, or panics.
func TestALaneTakesNoMoreIfItsEndWantsNoMoreAfterAChunkWrittenInTime(t *testing.T) {
	for name, test := range map[string]struct {
		end      func(texts) texts
		reported []string
	}{
		"no more": {onlyFirst, []string{"r1", "r2"}},
		"panics":  {crashing, []string{"r0", "r1", "r2"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				var before, written effects
				source := grouped(ctx, make([]string, 3), reserve, batch.WithoutAllFailedError())
				slow := batch.Tap(source, func(batch.Result[string]) { time.Sleep(1500 * time.Millisecond) })
				response, err := batch.Run(slow, func(s texts) texts {
					return batch.Parallel(s, 1, func(s texts) texts {
						s = batch.TryEach(s, before.each)
						s = batch.TryEachChunk(s, 10, func(_ context.Context, vs []string) error { written.note(vs...); return nil })
						return test.end(s)
					})
				})
				is.NoErr(err)
				is.Equal(listed(response), test.reported)
				is.Equal(written.all, []string{"0"})
				is.Equal(before.all, []string{"0"})
			})
		})
	}
}

// At 2s time runs short while another goroutine writes the chunk. It is not written twice, and what arrives later is not lost.
func TestAChunkThatIsBeingWrittenWhenTimeRunsShortIsWrittenOnce(t *testing.T) {
	for _, place := range []string{"in a lane", "after lanes"} {
		around := chunkPlaces[place]
		t.Run(place, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				var written effects
				lastLate := batch.Tap(grouped(ctx, make([]string, 3), reserve), func(r batch.Result[string]) {
					if r.Record().Index == 2 {
						time.Sleep(4 * time.Second)
					}
				})
				response, err := batch.Run(lastLate, func(s texts) texts {
					return around(s, func(s texts) texts {
						return batch.TryEachChunk(prefetching(4)(s), 2, func(_ context.Context, vs []string) error {
							if len(vs) == 2 {
								time.Sleep(3 * time.Second)
							}
							written.note(vs...)
							return nil
						})
					})
				})
				is.NoErr(err)
				is.Equal(listed(response), []string{})
				is.Equal(written.all, []string{"0", "1", "2"})
			})
		})
	}
}

// At 2s time runs short. Record 1 would take until its context ends, at 6s.
func TestALoopThatStopsAtAResultOfAChunkWrittenInTimeDoesNotWaitForLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		ctx, reserve := deadline(t)
		s := inLanes(grouped(ctx, make([]string, 2), reserve), 2, func(ctx context.Context, v string) error {
			if v == "1" {
				<-ctx.Done()
			}
			return nil
		})
		for r := range batch.TryEachChunk(s, 10, func(context.Context, []string) error { return nil }) {
			is.Equal(r.Record().ID, "r0")
			break
		}
		is.Equal(time.Since(start), 2*time.Second)
	})
}

// At 2s time runs short, and a goroutine of the stage before writes the chunk, which takes until 5s. At 3s that stage ends.
func TestAChunkThatIsBeingWrittenWhenItsInputEndsIsWrittenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var written effects
		impatient := func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				results, quit := make(chan batch.Result[string]), make(chan struct{})
				defer close(quit)
				go s(func(r batch.Result[string]) bool {
					select {
					case results <- r:
						return true
					case <-quit:
						return false
					}
				})
				yield(<-results)
				time.Sleep(3 * time.Second)
			}
		}
		late := batch.Tap(grouped(ctx, make([]string, 2), reserve), func(r batch.Result[string]) {
			if r.Record().ID == "r1" {
				time.Sleep(4 * time.Second)
			}
		})
		response, err := batch.Run(late, func(s texts) texts {
			return batch.Parallel(s, 1, func(s texts) texts {
				return batch.TryEachChunk(impatient(s), 10, func(_ context.Context, vs []string) error {
					written.note(vs...)
					time.Sleep(3 * time.Second)
					return nil
				})
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r1"})
		is.Equal(written.noted(), []string{"0"})
	})
}
