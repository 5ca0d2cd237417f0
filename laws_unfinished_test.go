package batch_test

// One copy of a record may have arrived when the response leaves, while another is stuck or waits in a chunk or in lanes.

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/lanes"
	"github.com/matryer/is"
)

// onSecondCopy makes a function that calls f for the second copy of record 1.
func onSecondCopy(f func()) func(context.Context, string) error {
	n := 0
	return func(_ context.Context, v string) error {
		if v == "1" {
			if n++; n == 2 {
				f()
			}
		}
		return nil
	}
}

func TestARecordWithAStuckCopyIsReportedEvenIfAnotherCopyArrived(t *testing.T) {
	for name, stage := range map[string]func(texts, func(context.Context, string) error) texts{
		"alone":    func(s texts, f func(context.Context, string) error) texts { return batch.TryEach(repeating(s), f) },
		"in lanes": func(s texts, f func(context.Context, string) error) texts { return inLanes(repeating(s), 1, f) },
		"after lanes": func(s texts, f func(context.Context, string) error) texts {
			// The stuck copy would keep record 0 from arriving if it left the lanes first.
			arrived := make(chan struct{})
			arrive := sync.OnceFunc(func() { close(arrived) })
			s = inLanes(s, 4, func(_ context.Context, v string) error {
				if v != "0" {
					<-arrived
				}
				return nil
			})
			return batch.TryEach(repeating(s), func(ctx context.Context, v string) error {
				arrive()
				return f(ctx, v)
			})
		},
		"copied in lanes": func(s texts, f func(context.Context, string) error) texts {
			return batch.Parallel(s, 1, func(s texts) texts { return batch.TryEach(repeating(s), f) })
		},
		"in bulk": func(s texts, f func(context.Context, string) error) texts {
			return batch.TryEachChunk(repeating(s), 1, func(ctx context.Context, vs []string) error { return f(ctx, vs[0]) })
		},
		"after a chunk": func(s texts, f func(context.Context, string) error) texts {
			return batch.TryEach(batch.TryEachChunk(repeating(s), 4, func(context.Context, []string) error { return nil }), f)
		},
		"looked at": func(s texts, f func(context.Context, string) error) texts {
			return batch.Tap(repeating(s), func(r batch.Result[string]) {
				v, _ := r.Value()
				_ = f(context.Background(), v)
			})
		},
	} {
		for _, how := range []string{"is stuck", "ends its goroutine"} {
			t.Run(name+", "+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					ctx, reserve := deadline(t)
					free := make(chan struct{})
					defer close(free)
					deed := func() { <-free }
					if how == "ends its goroutine" {
						deed = runtime.Goexit
					}
					response, err := batch.Run(grouped(ctx, make([]string, 3), reserve), func(s texts) texts {
						return stage(s, onSecondCopy(deed))
					})
					is.NoErr(err)
					is.True(slices.Contains(listed(response), "r1"))
					is.True(!slices.Contains(listed(response), "r0"))
				})
			})
		}
	}
}

// An acknowledged copy passes the chunk at once, while the result itself waits in it.
func TestARecordWaitingInAChunkIsReportedEvenIfACopyArrived(t *testing.T) {
	for name, deed := range map[string]func(free chan struct{}){
		"another function is stuck":           func(free chan struct{}) { <-free },
		"another function ends its goroutine": func(chan struct{}) { runtime.Goexit() },
	} {
		for place, around := range map[string]func(texts, func(texts) texts) texts{
			"alone":    func(s texts, stage func(texts) texts) texts { return stage(s) },
			"in lanes": func(s texts, stage func(texts) texts) texts { return batch.Parallel(s, 1, stage) },
		} {
			t.Run(place+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					ctx, reserve := deadline(t)
					free := make(chan struct{})
					defer close(free)
					response, err := batch.Run(grouped(ctx, make([]string, 3), reserve, batch.WithoutAllFailedError()), func(s texts) texts {
						return around(s, func(s texts) texts {
							s = batch.TryEach(s, func(_ context.Context, v string) error {
								if v == "2" {
									deed(free)
								}
								return nil
							})
							first := func(yield func(batch.Result[string]) bool) {
								for r := range s {
									if !yield(r.Ack()) || !yield(r) {
										return
									}
								}
							}
							return batch.TryEachChunk(first, 100, func(context.Context, []string) error { t.Error("the chunk is written"); return nil })
						})
					})
					is.NoErr(err)
					is.Equal(listed(response), []string{"r0", "r1", "r2"})
				})
			})
		}
	}
}

// The second copies are still in the lanes when the function after the lanes is stuck.
func TestARecordWaitingInLanesIsReportedEvenIfACopyArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		stuck := stuckOn(t, "2")
		response, err := batch.Run(grouped(ctx, make([]string, 3), reserve, batch.WithoutAllFailedError()), func(s texts) texts {
			twice := func(yield func(batch.Result[string]) bool) {
				all := slices.Collect(s)
				slices.Values(slices.Concat(all, all))(yield)
			}
			return batch.TryEach(inLanes(twice, 1, succeed), stuck)
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0", "r1", "r2"})
	})
}

// The function after the lanes is stuck at record 1, and as many results wait for it as may wait. So the lane waits, too, when it
// sends a copy of record 0.
func TestARecordWaitingToLeaveItsLaneIsReportedEvenIfACopyArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		response, err := batch.Run(grouped(ctx, make([]string, 2+lanes.Behind), reserve, batch.WithoutAllFailedError()), func(s texts) texts {
			return batch.TryEach(batch.Parallel(s, 1, func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) {
					var first batch.Result[string]
					for r := range s {
						if !yield(r) {
							return
						}
						switch r.Record().Index {
						case 0:
							first = r
							time.Sleep(time.Second) // it arrives
						case 1:
							time.Sleep(time.Second) // the function hangs
						}
					}
					yield(first)
				}
			}), stuckOn(t, "1"))
		})
		is.NoErr(err)
		is.Equal(listed(response)[:2], []string{"r0", "r1"})
	})
}

func TestTheReportNamesTheRecordThatIsStuckAfterAChunk(t *testing.T) {
	chunk := func(s texts, size int) texts {
		return batch.TryEachChunk(s, size, func(context.Context, []string) error { return nil })
	}
	for name, stage := range map[string]func(texts, func(context.Context, string) error) texts{
		"full":     func(s texts, f func(context.Context, string) error) texts { return batch.TryEach(chunk(s, 3), f) },
		"the last": func(s texts, f func(context.Context, string) error) texts { return batch.TryEach(chunk(s, 100), f) },
		"from lanes": func(s texts, f func(context.Context, string) error) texts {
			return batch.TryEach(chunk(inLanes(s, 2, succeed), 100), f)
		},
		"in a lane": func(s texts, f func(context.Context, string) error) texts {
			return batch.Parallel(s, 1, func(s texts) texts { return batch.TryEach(chunk(s, 3), f) })
		},
		"the last in a lane": func(s texts, f func(context.Context, string) error) texts {
			return batch.Parallel(s, 1, func(s texts) texts { return batch.TryEach(chunk(s, 100), f) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				var report batch.Report
				source := grouped(ctx, make([]string, 6), reserve, reportInto(&report))
				_, _ = batch.Run(source, func(s texts) texts { return stage(s, stuckOn(t, "1")) })
				is.Equal(runningIDs(report), []string{"r1"})
			})
		})
	}
}

func TestAResultOfAnEndedBatchDoesNotEndLanesOfAnotherBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var kept []batch.Result[string]
		before, stop := context.WithTimeout(context.Background(), 10*time.Second)
		defer stop()
		_, err := batch.Run(grouped(before, []string{""}), func(s texts) texts {
			return batch.Tap(s, func(r batch.Result[string]) { kept = append(kept, r) })
		})
		is.NoErr(err)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		response, err := batch.Run(grouped(ctx, make([]string, 6)), func(s texts) texts {
			return inLanes(func(yield func(batch.Result[string]) bool) {
				if yield(kept[0]) {
					s(yield)
				}
			}, 2, taking(3*time.Second))
		})
		is.NoErr(err)
		is.Equal(len(listed(response)), 0)
	})
}

func TestALookAheadThroughLanesReportsNothingThatTheFullRangeFinishes(t *testing.T) {
	for name, ahead := range map[string]func(texts) texts{
		"quick": func(s texts) texts { return inLanes(s, 3, succeed) },
		"slow":  func(s texts) texts { return inLanes(s, 3, taking(time.Second)) },
		"nested": func(s texts) texts {
			return batch.Parallel(s, 1, func(s texts) texts { return inLanes(s, 3, succeed) })
		},
		"chunk": func(s texts) texts {
			return batch.TryEachChunk(inLanes(s, 3, succeed), 2, func(context.Context, []string) error { return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				response, err := batch.Run(grouped(context.Background(), make([]string, 10)), func(s texts) texts {
					s = ahead(s)
					for range s {
						break
					}
					return s
				})
				is.NoErr(err)
				is.Equal(len(listed(response)), 0)
			})
		})
	}
}

// The second lane hands record 1 over and ends. The third one sends it while record 0 is being processed.
func TestAResultThatOneLaneHandsToAnotherKeepsItsPlace(t *testing.T) {
	for _, policy := range everyPolicy {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			ctx, reserve := deadline(t)
			var after effects
			var mu sync.Mutex
			var handed []batch.Result[string]
			source := grouped(ctx, []string{"a", "b", "c"}, batch.WithPolicy(policy), reserve)
			response, err := batch.Run(source, func(s texts) texts {
				return batch.TryEach(batch.Parallel(s, 3, func(s texts) texts {
					return func(yield func(batch.Result[string]) bool) {
						for r := range s {
							switch r.Record().Index {
							case 0:
								time.Sleep(3 * time.Second)
							case 1:
								mu.Lock()
								handed = append(handed, r)
								mu.Unlock()
								return
							case 2:
								time.Sleep(time.Second)
								mu.Lock()
								yield(handed[0])
								mu.Unlock()
							}
							yield(r)
						}
					}
				}), after.each)
			})
			is.NoErr(err)
			is.Equal(len(listed(response)), 0)
			if policy == batch.StopBatch {
				is.Equal(after.all, []string{"0", "1", "2"})
			}
		})
	}
}

func TestASecondRangeThatOutlivesTheStageIsReportedAsRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		stuck := stuckOn(t, "1")
		response, err := batch.Run(grouped(ctx, make([]string, 4), reserve), func(s texts) texts {
			go func() {
				for range batch.TryEach(s, stuck) {
				}
			}()
			synctest.Wait()
			return batch.TryEach(s, succeed)
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r1"})
	})
}

// The goroutine that ranges over the source ends while the other one still waits to pass the last record to the lanes.
func TestAStageWithItsOwnGoroutineLeavesNoRecordRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
		defer cancel()
		response, err := batch.Run(grouped(ctx, make([]string, lanes.Ahead+1)), func(s texts) texts {
			return inLanes(piped(func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if !yield(r) {
						return
					}
					time.Sleep(time.Millisecond)
				}
			}), 1, taking(time.Second))
		})
		is.NoErr(err)
		is.Equal(len(listed(response)), 0)
	})
}

// The source ends on the other goroutine while the first result of the chunk is being sent on.
func TestAChunkAfterAStageWithItsOwnGoroutineLeavesNoRecordRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		response, err := batch.Run(grouped(ctx, make([]string, 2)), func(s texts) texts {
			s = batch.TryEachChunk(piped(lingering(s)), 2, func(context.Context, []string) error { return nil })
			return batch.TryEach(s, taking(2*time.Second))
		})
		is.NoErr(err)
		is.Equal(len(listed(response)), 0)
	})
}

func TestTheStagesAfterLanesSeeWhichRecordIsRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		seen := make(map[string]bool)
		_, err := batch.Run(grouped(ctx, []string{"a", "b", "b"}, reserve, batch.WithPolicy(batch.StopGroup)), func(s texts) texts {
			return batch.Tap(inLanes(s, 2, stuckOn(t, "1")), func(r batch.Result[string]) {
				seen[r.Record().ID] = errors.Is(r.Err(), batch.ErrRunning)
			})
		})
		is.NoErr(err)
		is.Equal(seen, map[string]bool{"r0": false, "r1": true, "r2": false})
	})
}
