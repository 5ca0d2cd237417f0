package batch_test

// Results that do not come straight from the range that a collector knows: carried out of lanes, of
// other ranges over the batch, or of other batches.

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// A stage in the lane shows record 0 to a stage after the lanes, which fails it before it looks at record 1.
func TestAFailureThatIsCarriedOutOfALaneHoldsBackRecordsAfterTheLane(t *testing.T) {
	for _, policy := range strictPolicies {
		t.Run(policy.String(), func(t *testing.T) {
			is := is.New(t)
			var stored effects
			source := grouped(t.Context(), []string{"g", "g", "g"}, batch.WithPolicy(policy), batch.WithoutAllFailedError())
			response, err := batch.Run(source, func(s texts) texts {
				var carried batch.Result[string]
				lanes := batch.Parallel(s, 1, func(s texts) texts {
					return batch.Tap(s, func(r batch.Result[string]) {
						if r.Record().Index == 0 {
							carried = r
						}
					})
				})
				return func(yield func(batch.Result[string]) bool) {
					for r := range lanes {
						if r.Record().Index == 0 {
							yield(carried.Fail(errBoom))
						} else {
							yield(batch.Then(r, sameValue(stored.each)))
						}
					}
				}
			})
			is.NoErr(err)
			is.Equal(stored.noted(), nil)
			is.Equal(listed(response), []string{"r0", "r1", "r2"})
		})
	}
}

// The stage ranges over the source that it was not given, although it was given the same one.
func TestAFailureInARangeThatBypassesRunIsReported(t *testing.T) {
	is := is.New(t)
	var j journal
	source := grouped(t.Context(), make([]string, 3), batch.WithLogger(slog.New(&j)))
	response, err := batch.Run(source, func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			s(yield)
			for r := range source {
				if r.Record().Index == 1 {
					r = r.Fail(errBoom)
				}
				yield(r)
			}
		}
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"r1"})
	is.Equal(j.lines, []string{"ERROR (r1) record failed record=r1 error=boom"})
}

func TestResultsOfAnEarlierRunOfTheSameBatchAreIgnored(t *testing.T) {
	is := is.New(t)
	var j journal
	source := grouped(t.Context(), make([]string, 3), batch.WithLogger(slog.New(&j)))
	var kept batch.Result[string]
	_, err := batch.Run(source, func(s texts) texts {
		return batch.Tap(s, func(r batch.Result[string]) { kept = r })
	})
	is.NoErr(err)
	response, err := batch.Run(source, func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) { s(yield); yield(kept) }
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{})
	is.Equal(j.lines, []string{"WARN () results of another batch were ignored results=1"})
}

// A collector in the stage has answered the first range. The stage sends the results of that range once more, after those
// of the second.
func TestAFailureInARangeThatACollectorInTheStageHasAnsweredIsReported(t *testing.T) {
	is := is.New(t)
	var j journal
	response, err := batch.Run(grouped(t.Context(), make([]string, 3), batch.WithLogger(slog.New(&j))), func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			var first []batch.Result[string]
			_, _ = batch.Collect(batch.Tap(s, func(r batch.Result[string]) { first = append(first, r) }))
			s(yield)
			yield(first[0])
			yield(first[1].Fail(errBoom))
			yield(first[2])
		}
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"r1"})
	is.Equal(j.lines, []string{"ERROR (r1) record failed record=r1 error=boom"})
}

// The source itself ranges twice over the batch. The stage only counts the results of the first range, and is stuck
// in the second.
func TestARangeThatHasEndedIsALookAheadEvenIfTheSourceGoesOnWithAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		once := grouped(ctx, make([]string, 3), reserve)
		twice := func(yield func(batch.Result[string]) bool) { once(yield); once(yield) }
		response, err := batch.Run(twice, func(s texts) texts {
			counted := 0
			second := func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if counted++; counted > 3 && !yield(r) {
						return
					}
				}
			}
			return batch.TryEach(second, stuckOn(t, "2"))
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r2"})
	})
}

// The first range only audits the records. The second stores all before it sends on any, and is stuck in record 1,
// before which the stage has looked ahead once more.
func TestALookAheadWithinARangeDoesNotMakeThatOneALookAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		source := grouped(ctx, make([]string, 3), reserve, batch.WithoutAllFailedError())
		store := stuckOn(t, "1")
		response, err := batch.Run(source, func(s texts) texts {
			stored := batch.TryEach(s, func(ctx context.Context, v string) error {
				if v == "1" {
					for range s {
						break
					}
				}
				return store(ctx, v)
			})
			return func(yield func(batch.Result[string]) bool) {
				s(yield)
				buffering(3, inOrder)(stored)(yield)
			}
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0", "r1", "r2"})
	})
}

// The source sends two batches. The first pass over both only audits them. The second stores all records before it
// sends on any, and is stuck in the second batch.
func TestAPassThatIsCutShortCountsForTheBatchesBeforeTheLastOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		one := batch.From(ctx, []string{"a", "b"}, byID, reserve, batch.WithoutAllFailedError())
		other := batch.From(ctx, []string{"x"}, byID, reserve)
		both := func(yield func(batch.Result[string]) bool) { one(yield); other(yield) }
		response, err := batch.Run(both, func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				s(yield)
				buffering(3, inOrder)(batch.TryEach(s, stuckOn(t, "x")))(yield)
			}
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"a", "b", "x"})
	})
}

// In the first pass the goroutine of the lane ends with record 0. In the second the function for it is stuck.
func TestARecordThatOnePassHasLostAndAnotherIsStuckInIsRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var report batch.Report
		exiting := func(s texts) texts {
			return func(func(batch.Result[string]) bool) {
				for range s {
					runtime.Goexit()
				}
			}
		}
		response, err := batch.Run(grouped(ctx, make([]string, 2), reserve, reportInto(&report), batch.WithoutAllFailedError()), func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				batch.Parallel(s, 1, exiting)(yield)
				batch.TryEach(s, stuckOn(t, "0"))(yield)
			}
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0", "r1"})
		is.Equal(report.Running, 1)
		is.Equal(runningIDs(report), []string{"r0"})
	})
}

// Both batches have a record in a lane that is stuck. That of the batch without a logger comes first.
func TestARunningRecordOfABatchWithoutALoggerDoesNotDisturbTheLogOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var j journal
		silent := batch.From(ctx, []string{"x"}, byID, reserve, batch.WithoutAllFailedError())
		own := batch.From(ctx, []string{"a"}, byID, reserve, batch.WithLogger(slog.New(&j)))
		both := func(yield func(batch.Result[string]) bool) { silent(yield); own(yield) }
		stuck := stuckOn(t, "x", "a")
		response, err := batch.Run(both, func(s texts) texts { return inLanes(s, 2, stuck) })
		is.NoErr(err)
		is.Equal(listed(response), []string{"x", "a"})
		is.Equal(j.lines, []string{"WARN () record still running record=a"})
	})
}

// No record tells Run of the batch, so it has no settings.
func TestAStageThatFailsOnAnEmptyBatchIsAnError(t *testing.T) {
	is := is.New(t)
	_, err := batch.Run(batch.Of[string](), func(texts) texts { panic(errBoom) })
	_, panicked := errors.AsType[*batch.PanicError](err)
	is.True(panicked)
	is.True(errors.Is(err, errBoom))

	_, err = batch.Run(batch.Of[string](), func(texts) texts { runtime.Goexit(); return nil })
	is.True(err != nil)
	is.True(strings.Contains(err.Error(), "called runtime.Goexit"))
}

// The stage has not begun to range when Run looks for the deadline.
func TestASourceThatPanicsWhileRunLooksForTheDeadlineFailsOnlyTheBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		source := func(func(batch.Result[string]) bool) { panic(errBoom) }
		_, err := batch.Run(source, func(s texts) texts { time.Sleep(time.Second); return s })
		_, panicked := errors.AsType[*batch.PanicError](err)
		is.True(panicked)
	})
}

func TestRunLooksForTheDeadlineOnlyInTheFirstRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var before effects
		source := batch.TryEach(grouped(t.Context(), make([]string, 3)), before.each)
		response, err := batch.Run(source, func(s texts) texts { time.Sleep(time.Second); return s })
		is.NoErr(err)
		is.Equal(listed(response), []string{})
		is.Equal(before.noted(), []string{"0", "0", "1", "2"})
	})
}

// The stage is stuck outside of every function.
func TestAStageThatWasLeftRunningIsToldThatNobodyWantsItsResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		free := make(chan struct{})
		var wanted []bool
		response, err := batch.Run(grouped(ctx, make([]string, 2), reserve), func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				all := slices.Collect(s)
				wanted = append(wanted, yield(all[0]))
				<-free
				wanted = append(wanted, yield(all[1]))
			}
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r1"})
		close(free)
		synctest.Wait()
		is.Equal(wanted, []bool{true, false})
	})
}
