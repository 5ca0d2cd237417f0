package batch_test

// Chunks beside which other results pass, and several chunks side by side.

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// beside sends some records to a chunk, and the others past it.
func beside(s texts, toChunk func(index int) bool, f func(context.Context, []string) error) texts {
	return func(yield func(batch.Result[string]) bool) {
		around := func(chunk func(batch.Result[string]) bool) {
			for r := range s {
				to := yield
				if toChunk(r.Record().Index) {
					to = chunk
				}
				if !to(r) {
					return
				}
			}
		}
		batch.TryEachChunk(around, 1000, f)(yield)
	}
}

// When time is short, nothing arrives for the chunk with record 0. Its record is reported, since the source does not come to an end.
func TestWhatPassesAChunkDoesNotMakeItWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var w writes
		response, err := runFor(t, 4, 6, time.Second, func(before slow, s texts) texts {
			return beside(before(s), func(index int) bool { return index == 0 }, w.write)
		})
		is.NoErr(err)
		is.Equal(w.all, 0)
		is.Equal(listed(response), []string{"r0", "r3", "r4", "r5"})
	})
}

// Results are fetched ahead. Without lanes, the stages after that have one goroutine, which is at work all the time.
func TestAChunkIsWrittenOnTheGoroutineFromWhichItGetsResults(t *testing.T) {
	each := 200 * time.Millisecond
	everyFifth := func(index int) bool { return index%5 == 4 }
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		running, most := 0, 0 // without a lock, which the race detector would notice
		busy := func(d time.Duration) {
			running++
			most = max(most, running)
			time.Sleep(d)
			running--
		}
		f := func(context.Context, string) error { busy(each); return nil }
		response, err := runFor(t, 10, 40, 0, func(_ slow, s texts) texts {
			s = beside(batch.TryEach(prefetching(2)(s), f), everyFifth, func(context.Context, []string) error { busy(time.Millisecond); return nil })
			return thenEach(s, f) // a loop over the results, which must not be entered twice at once
		})
		is.NoErr(err)
		is.Equal(most, 1)
		is.True(len(listed(response)) < 25)
	})
}

// The lane that has written record 0 hangs. Record 3 is of the group of record 2, which has left the lane, and the other lane is free.
func TestAWriteThatHangsInALaneHoldsBackNoOtherGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stuck := stuckOn(t, "0")
		takes := map[string]time.Duration{"1": 9150 * time.Millisecond, "2": 9100 * time.Millisecond}
		source := grouped(ctx, []string{"a", "b", "c", "c"}, batch.WithPolicy(batch.StopGroup))
		response, err := batch.Run(source, func(s texts) texts {
			return batch.Parallel(s, 2, func(s texts) texts {
				s = batch.TryEach(s, func(_ context.Context, v string) error { time.Sleep(10*time.Millisecond + takes[v]); return nil })
				return beside(s, func(index int) bool { return index == 0 }, func(ctx context.Context, vs []string) error { return stuck(ctx, vs[0]) })
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0"})
	})
}

// sideBySide has a chunk of its own, on a goroutine of its own, for the results of each key. done(key) says when its input ends, and
// may return nil.
func sideBySide(s texts, key func(index int) int, done func(key int) <-chan struct{}, f func(context.Context, []string) error) texts {
	return func(yield func(batch.Result[string]) bool) {
		out := make(chan batch.Result[string])
		go func() {
			defer close(out)
			inputs := map[int]chan batch.Result[string]{}
			var chunks sync.WaitGroup
			defer chunks.Wait()
			defer func() {
				for _, in := range inputs {
					close(in)
				}
			}()
			for r := range s {
				k := key(r.Record().Index)
				if inputs[k] == nil {
					in := make(chan batch.Result[string])
					inputs[k] = in
					chunks.Go(func() {
						for r := range batch.TryEachChunk(receiving(in, done(k)), 1000, f) {
							out <- r
						}
					})
				}
				inputs[k] <- r
			}
		}()
		for r := range out {
			if !yield(r) {
				panic("the consumer is to take everything")
			}
		}
	}
}

// receiving sends what it receives.
func receiving(in <-chan batch.Result[string], done <-chan struct{}) texts {
	return func(yield func(batch.Result[string]) bool) {
		for {
			select {
			case <-done:
				return
			case r, ok := <-in:
				if !ok || !yield(r) {
					return
				}
			}
		}
	}
}

// When time runs short after 9s, the first chunk is written, which takes 20ms. Meanwhile the input of the second one ends. The lanes
// must go on.
func TestAChunkThatHasEndedStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ended := make(chan struct{})
		time.AfterFunc(9010*time.Millisecond, func() { close(ended) })
		response, err := runFor(t, 10, 90, 104*time.Millisecond, func(each slow, s texts) texts {
			return sideBySide(batch.Parallel(s, 1, func(s texts) texts { return each(s) }), func(index int) int {
				if index == 1 {
					return 1
				}
				return 0
			}, func(key int) <-chan struct{} {
				if key == 1 {
					return ended
				}
				return nil
			}, func(_ context.Context, vs []string) error {
				if vs[0] != "1" {
					time.Sleep(20 * time.Millisecond)
				}
				return nil
			})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{})
	})
}

// The second chunk is being written for records 0 and 1, and hangs. Then the first one is written for record 2, on another goroutine.
func TestRecordsAreRunningInBothOfTwoChunksThatAreWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var report batch.Report
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		release := make(chan struct{})
		_, err := batch.Run(grouped(ctx, groupsInTurn(4, 4), reportInto(&report), batch.WithoutAllFailedError()), func(s texts) texts {
			s = batch.TryEachChunk(batch.TryEach(s, taking(3*time.Second)), 2, succeedAll)
			s = batch.TryEachChunk(prefetching(2)(s), 2, func(context.Context, []string) error { <-release; return nil })
			return s
		})
		close(release)
		time.Sleep(time.Minute)
		is.NoErr(err)
		var running []string
		for _, f := range report.Failures {
			if errors.Is(f.Err, batch.ErrRunning) {
				running = append(running, f.Record.ID)
			}
		}
		is.Equal(running, []string{"r0", "r1", "r3"})
	})
}

// A stage has kept a result of a batch that was answered a minute ago. It sends it to the chunk with the present batch.
func TestAResultOfAnEarlierBatchDoesNotKeepAChunkFromBeingWrittenInTime(t *testing.T) {
	for place, around := range map[string]func(func(texts) texts, texts) texts{
		"without lanes": func(stage func(texts) texts, s texts) texts { return stage(s) },
		"in a lane":     func(stage func(texts) texts, s texts) texts { return batch.Parallel(s, 1, stage) },
	} {
		t.Run(place, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				var old batch.Result[string]
				_, err := runFor(t, 10, 1, 0, func(_ slow, s texts) texts { return batch.Tap(s, func(r batch.Result[string]) { old = r }) })
				is.NoErr(err)
				var w writes
				response, err := runFor(t, 10, 25, 480*time.Millisecond, func(before slow, s texts) texts {
					return around(func(s texts) texts {
						return batch.TryEachChunk(func(yield func(batch.Result[string]) bool) {
							for r := range before(s) {
								if !yield(r) || r.Record().Index%10 == 0 && !yield(old) {
									return
								}
							}
						}, 25, w.write)
					}, s)
				})
				is.NoErr(err)
				is.Equal(w.sizes, []int{19})
				is.Equal(listed(response), []string{"r19", "r20", "r21", "r22", "r23", "r24"})
			})
		})
	}
}

// A chunk gets a result of a batch for which time is short, at first or after one of another batch for which it is not yet.
func TestTheTimeOfEachOfTwoBatchesThatAreUnderWayCountsForAChunk(t *testing.T) {
	for place, test := range map[string]struct {
		at    int // before which record of the batch that lasts longer
		sizes []int
	}{
		"first":        {0, []int{1, 16}},
		"after record": {1, []int{2, 15}},
	} {
		t.Run(place, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				var w writes
				response, err := runFor(t, 10, 25, 480*time.Millisecond, func(before slow, s texts) texts {
					return batch.TryEachChunk(func(yield func(batch.Result[string]) bool) {
						next, stop := iter.Pull(iter.Seq[batch.Result[string]](before(s)))
						defer stop()
						for range test.at {
							r, _ := next()
							yield(r)
						}
						ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
						defer cancel()
						for other := range grouped(ctx, groupsInTurn(1, 1)) {
							time.Sleep(1400 * time.Millisecond)
							yield(other)
							remaining(next)(yield)
						}
					}, 25, w.write)
				})
				is.NoErr(err)
				is.Equal(w.sizes, test.sizes)
				is.Equal(listed(response)[0], "r16")
			})
		})
	}
}

// Another batch ends first, but has no reserve, so time is short for it later than for the one with which it shares the chunk.
func TestABatchThatEndsFirstDoesNotKeepAChunkFromBeingWrittenInTimeForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var w writes
		response, err := runFor(t, 10, 25, 480*time.Millisecond, func(before slow, s texts) texts {
			return batch.TryEachChunk(func(yield func(batch.Result[string]) bool) {
				ctx, cancel := context.WithTimeout(context.Background(), 9490*time.Millisecond)
				defer cancel()
				for other := range grouped(ctx, groupsInTurn(1, 1), batch.WithReserve(0)) {
					yield(other)
					before(s)(yield)
				}
			}, 25, w.write)
		})
		is.NoErr(err)
		is.Equal(w.sizes, []int{20})
		is.Equal(listed(response)[0], "r19")
	})
}

// A chunk gets a result of a second range beside each one of the first. In the last half second there are a few chunks and not 500.
func TestChunksAreNotSmallBecauseTwoRangesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var w writes
		_, err := runFor(t, 2, 1000, 1999*time.Microsecond, func(before slow, s texts) texts {
			return batch.TryEachChunk(func(yield func(batch.Result[string]) bool) {
				next, stop := iter.Pull(iter.Seq[batch.Result[string]](s))
				defer stop()
				for r := range before(s) {
					second, ok := next()
					if !ok || !yield(r) || !yield(second) {
						return
					}
				}
			}, 400, w.write)
		})
		is.NoErr(err)
		is.Equal(w.sizes, []int{400, 400, 201, 250, 126, 62, 32, 16, 8, 4})
	})
}

func TestAChunkPassesTheZeroResultOnUnchanged(t *testing.T) {
	is := is.New(t)
	zeros := 0
	for r := range batch.TryEachChunk(func(yield func(batch.Result[string]) bool) {
		for r := range batch.Of("a", "b") {
			if !yield(r) || !yield(batch.Result[string]{}) {
				return
			}
		}
	}, 10, succeedAll) {
		if r == (batch.Result[string]{}) {
			zeros++
		}
	}
	is.Equal(zeros, 2)
}
