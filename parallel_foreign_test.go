package batch_test

// Stages that the library does not have, before, in and after lanes.

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestResultsWithoutARecordPassThroughLanes(t *testing.T) {
	is := is.New(t)
	source := batch.Of("a", "b", "c")
	zeros := func(yield func(batch.Result[string]) bool) {
		for r := range source {
			if !yield(batch.Result[string]{}) || !yield(r) {
				return
			}
		}
	}
	all := slices.Collect(inLanes(zeros, 2, func(context.Context, string) error { return nil }))
	is.Equal(len(all), 6)
	of := map[string]int{}
	for _, r := range all {
		of[r.Record().ID]++
	}
	is.Equal(of, map[string]int{"": 3, "0": 1, "1": 1, "2": 1})
}

// A lane sends results of another batch. They have no place in the order, but are not lost.
func TestLanesPassOnResultsOfAnotherBatch(t *testing.T) {
	is := is.New(t)
	other := slices.Collect(batch.Of("x", "y"))
	values, failures := batch.Partition(batch.Parallel(batch.Of("a", "b"), 1, func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				if !yield(r) || !yield(other[0]) {
					return
				}
			}
			yield(other[1])
		}
	}))
	is.Equal(len(failures), 0)
	is.Equal(values, []string{"a", "b", "x", "y"})
}

// A stage keeps the results in a lane, and sends them on when the lanes are over.
func TestResultsThatAStageCarriesOutOfALaneCountOnce(t *testing.T) {
	for _, policy := range everyPolicy {
		t.Run(policy.String(), func(t *testing.T) {
			is := is.New(t)
			source := grouped(t.Context(), []string{"g", "g", "h", "g"}, batch.WithPolicy(policy))
			response, err := batch.Run(source, func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) {
					var carried []batch.Result[string]
					for r := range batch.Parallel(s, 1, func(s texts) texts {
						return func(func(batch.Result[string]) bool) { carried = slices.Collect(s) }
					}) {
						yield(r)
					}
					for _, r := range carried {
						if r.Record().Index == 1 {
							r = r.Fail(errBoom)
						}
						yield(r)
					}
				}
			})
			is.NoErr(err)
			is.Equal(listed(response), map[batch.Policy][]string{
				batch.Continue:  {"r1"},
				batch.StopGroup: {"r1", "r3"},
				batch.StopBatch: {"r1", "r2", "r3"},
			}[policy])
		})
	}
}

// The results of another batch have no deadline, or their contexts have ended. They take turns with those of the batch.
func TestResultsOfAnotherBatchDoNotChangeWhenLanesAreGivenUp(t *testing.T) {
	for name, ctx := range map[string]context.Context{"without a deadline": context.Background(), "ended": endedContext()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				start := time.Now()
				own, reserve := deadline(t)
				others := slices.Collect(grouped(ctx, make([]string, 3)))
				response, err := batch.Run(grouped(own, make([]string, 3), reserve), func(s texts) texts {
					mixed := func(yield func(batch.Result[string]) bool) {
						for r := range s {
							if !yield(r) || !yield(others[r.Record().Index]) {
								return
							}
						}
					}
					return batch.Parallel(mixed, 4, batch.Each(stuckOn(t, "1")))
				})
				is.NoErr(err)
				is.Equal(listed(response), []string{"r1"})
				is.Equal(time.Since(start), 7*time.Second) // a quarter of the reserve after the contexts have ended
			})
		})
	}
}

// Record 0 has failed in the lane and waits there when the lane takes record 1.
func TestResultsOfAnotherBatchDoNotSeparateAGroupInALane(t *testing.T) {
	is := is.New(t)
	others := slices.Collect(batch.Of("x", "y", "z"))
	var called effects
	response, err := batch.Run(grouped(t.Context(), []string{"g", "g", "h"}, batch.WithPolicy(batch.StopGroup)), func(s texts) texts {
		mixed := func(yield func(batch.Result[string]) bool) {
			for r := range s {
				if !yield(r) || !yield(others[r.Record().Index]) {
					return
				}
			}
		}
		return batch.Parallel(mixed, 1, func(s texts) texts {
			return buffering(6, inOrder)(batch.TryEach(s, called.refusing("0")))
		})
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"r0", "r1"})
	is.Equal(called.all, []string{"x", "y", "2", "z"})
}

// The lane panics before it takes anything, so the result leaves when all is over. The stages before have panicked, too.
func TestALoopOverLanesMayStopAtAResultThatNoLaneHasTaken(t *testing.T) {
	is := is.New(t)
	crashing := func(yield func(batch.Result[string]) bool) {
		batch.Of("a")(yield)
		panic(errBoom)
	}
	var got []error
	for r := range batch.Parallel(crashing, 1, func(texts) texts {
		return func(func(batch.Result[string]) bool) { panic(errBoom) }
	}) {
		got = append(got, r.Err())
		break
	}
	is.Equal(len(got), 1)
	_, panicked := errors.AsType[*batch.PanicError](got[0])
	is.True(panicked)
}

// The lane that takes record 13 ends or drops it. The other lanes go on.
func TestAForeignStageInALaneLosesNoMoreThanItHad(t *testing.T) {
	for name, do := range misdeeds {
		t.Run(name, func(t *testing.T) {
			for _, policy := range everyPolicy {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					source := grouped(context.Background(), groupsInTurn(100, 10), batch.WithPolicy(policy))
					response, err := batch.Run(source, func(s texts) texts {
						return batch.Parallel(s, 4, func(s texts) texts {
							s = batch.TryEach(s, func(context.Context, string) error { time.Sleep(time.Millisecond); return nil })
							return misbehavingAt(s, "13", do)
						})
					})
					is.NoErr(err)
					switch {
					case name == "sends it, and panics":
						is.Equal(listed(response), []string{})
					case policy == batch.Continue || name == "stops early" && policy == batch.StopGroup:
						is.Equal(listed(response)[0], "r13")
						if policy == batch.Continue {
							is.Equal(len(listed(response)), 1)
						}
					case policy == batch.StopGroup:
						is.Equal(listed(response), []string{"r13", "r23", "r33", "r43", "r53", "r63", "r73", "r83", "r93"})
					case policy == batch.StopBatch:
						is.Equal(len(listed(response)), 100-13)
					}
				})
			}
		})
	}
}

func TestAPanicInALaneFailsTheRecordsOfThatLane(t *testing.T) {
	is := is.New(t)
	// Each lane panics when it holds two results.
	_, failures := batch.Partition(batch.Parallel(batch.Of("a", "b", "c", "d", "e"), 2, func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			var held []batch.Result[string]
			for r := range s {
				if held = append(held, r); len(held) == 2 {
					panic(errBoom)
				}
			}
		}
	}))
	is.Equal(len(failures), 5)
	for _, f := range failures {
		var panicked *batch.PanicError
		is.True(errors.As(f.Err, &panicked) || errors.Is(f.Err, batch.ErrUnreached))
	}
	is.True(errors.Is(failures[0].Err, errBoom))
}

func TestAPanicBeforeTheLanesReachesTheirConsumer(t *testing.T) {
	is := is.New(t)
	crashing := func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				if r.Record().Index == 3 {
					panic(errBoom)
				}
				if !yield(r) {
					return
				}
			}
		}
	}
	var reached []int
	stage := func(s texts) texts {
		lanes := inLanes(crashing(s), 4, func(context.Context, string) error { return nil })
		return batch.Tap(lanes, func(r batch.Result[string]) { reached = append(reached, r.Record().Index) })
	}
	var panicked *batch.PanicError
	_, err := batch.Run(batch.Of("a", "b", "c", "d", "e"), stage)
	is.True(errors.As(err, &panicked))
	is.True(errors.Is(err, errBoom))
	slices.Sort(reached)
	is.Equal(reached, []int{0, 1, 2})
	panicked, _ = panicOf(func() { _, _ = batch.Collect(stage(batch.Of("a", "b", "c", "d", "e"))) }).(*batch.PanicError)
	is.True(panicked != nil && errors.Is(panicked, errBoom))
	is.True(strings.Contains(string(panicked.Stack), "crashing") || strings.Contains(string(panicked.Stack), "TestAPanicBeforeTheLanes"))
}

func TestAStageThatCannotBeBuiltFailsEveryRecord(t *testing.T) {
	is := is.New(t)
	_, failures := batch.Partition(batch.Parallel(batch.Of("a", "b", "c"), 2, func(texts) texts {
		panic(errBoom)
	}))
	is.Equal(len(failures), 3)
	is.True(errors.Is(failures[0].Err, errBoom))
	for _, f := range failures { // no lane takes the records that arrive after all lanes have ended
		is.True(errors.Is(f.Err, errBoom) || errors.Is(f.Err, batch.ErrUnreached))
	}
	response, err := batch.Run(batch.Of("a", "b", "c"), func(s texts) texts {
		return batch.Parallel(s, 8, func(texts) texts { return nil })
	})
	is.Equal(listed(response), []string{"0", "1", "2"})
	var all *batch.AllFailedError
	is.True(errors.As(err, &all))
}

// No lane takes anything. Record 0 has failed before, and record 1 is held back.
func TestAStageThatCannotBeBuiltReplacesFailuresAndChangesNoUnprocessedRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		s := batch.TryEach(grouped(t.Context(), []string{"g", "g"}, batch.WithPolicy(batch.StopGroup)), failingOn("0"))
		_, failures := batch.Partition(batch.Parallel(s, 1, crashBeforeTheFirst))
		is.Equal(failedIDs(failures), []string{"r0", "r1"})
		is.True(errors.Is(failures[0].Err, errDrawn))
		is.True(errors.Is(failures[1].Err, batch.ErrBlocked))
	})
}

func TestGoexitNeverHangsAndAcknowledgesNothingUnfinished(t *testing.T) {
	exits := func(value string) func(context.Context, string) error {
		return func(_ context.Context, v string) error {
			if v == value {
				runtime.Goexit()
			}
			return nil
		}
	}
	for name, stage := range map[string]func(texts) texts{
		"in a lane": func(s texts) texts { return inLanes(s, 2, exits("3")) },
		"before": func(s texts) texts {
			return inLanes(batch.TryEach(s, exits("3")), 2, succeed)
		},
		"after": func(s texts) texts {
			return batch.TryEach(inLanes(s, 2, succeed), exits("3"))
		},
		"before, first": func(s texts) texts {
			return inLanes(batch.TryEach(s, exits("0")), 2, succeed)
		},
		"in a lane of a lane": func(s texts) texts {
			return batch.Parallel(s, 2, func(s texts) texts { return inLanes(s, 2, exits("3")) })
		},
		"before a lane of a lane": func(s texts) texts {
			return batch.Parallel(s, 2, func(s texts) texts {
				return inLanes(batch.TryEach(s, exits("3")), 2, succeed)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				response, _ := batch.Run(grouped(context.Background(), make([]string, 6)), stage)
				if lost := "r" + map[bool]string{true: "0", false: "3"}[name == "before, first"]; !slices.Contains(listed(response), lost) {
					t.Fatalf("%s is acknowledged: %v", lost, listed(response))
				}
			})
		})
	}
}

// Without lanes, Goexit would end that goroutine, too.
func TestGoexitBeforeLanesEndsTheGoroutineRangingOverThem(t *testing.T) {
	is := is.New(t)
	returned, ended := false, make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = batch.Collect(inLanes(batch.TryEach(batch.Of("a", "b"), func(context.Context, string) error {
			runtime.Goexit()
			return nil
		}), 2, succeed))
		returned = true
	}()
	<-ended
	is.True(!returned)
}

// A stage may send several batches, one after the other. Lanes in lanes accept the results of each.
func TestSeveralBatchesGoThroughLanesInLanes(t *testing.T) {
	for range 50 {
		all := func(yield func(batch.Result[string]) bool) {
			for range 4 {
				grouped(t.Context(), make([]string, 20))(yield)
			}
		}
		n := 0
		for range batch.Parallel(all, 1, func(s texts) texts { return inLanes(s, 2, succeed) }) {
			n++
		}
		if n != 80 {
			t.Fatalf("%d of 80 results leave the lanes", n)
		}
	}
}

// The goroutine that prefetches and the one that feeds the lanes may both note at the same moment which record is running,
// so this takes many rounds.
func TestAFinishedRecordIsNotReportedAsRunning(t *testing.T) {
	for range 5000 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		response, err := batch.Run(grouped(ctx, make([]string, 6)), func(s texts) texts {
			return inLanes(prefetching(2)(s), 2, succeed)
		})
		cancel()
		if err != nil || len(response.BatchItemFailures) > 0 {
			t.Fatal(listed(response), err)
		}
	}
}
