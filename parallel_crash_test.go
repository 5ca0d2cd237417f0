package batch_test

// Lanes that end without having finished what they took: what becomes of copies, of failures that had entered, and of what
// no lane has taken.

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// twice sends each result two times.
func twice(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			for range 2 {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// The lane panics at the second copy of record 1, whose failure is settled. The first copy waits for its route, which hangs
// at record 0. The pipeline hangs at record 2, so nothing takes the copy out again.
func TestARecordIsNotAcknowledgedWhileACopyWaitsThoughTheFailureOfTheOtherIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		hang := stuckOn(t, "r2")
		response, err := batch.Run(grouped(ctx, make([]string, 3), reserve, batch.WithoutAllFailedError()), func(s texts) texts {
			lanes := batch.Parallel(twice(s), 1, func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) {
					n := 0
					for r := range s {
						if r.Record().ID == "r1" {
							if n++; n == 2 {
								panic(errBoom)
							}
						}
						yield(r)
					}
				}
			})
			settled := batch.Catch(lanes, func(context.Context, error) error { return nil })
			routed := batch.Route(settled, func(string) int { return 0 }, map[int]batch.Stage[string, string]{0: batch.Each(stuckOn(t, "0"))})
			return batch.Tap(routed, func(r batch.Result[string]) { _ = hang(ctx, r.Record().ID) })
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0", "r1", "r2"})
	})
}

// Record 0 has failed before the lanes, and the lane takes it.
func TestAFailureThatHasEnteredALaneThatCrashesIsReported(t *testing.T) {
	for name, test := range map[string]struct {
		crash func()
		want  error
	}{
		"panics": {func() { panic(errDrawn) }, errDrawn},
		"exits":  {runtime.Goexit, errBoom},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			_, failures := batch.Partition(batch.Parallel(batch.TryEach(batch.Of("a"), failingOn("a")), 1, func(s texts) texts {
				return func(func(batch.Result[string]) bool) {
					for range s {
						test.crash()
					}
				}
			}))
			is.Equal(len(failures), 1)
			is.True(errors.Is(failures[0].Err, test.want))
		})
	}
}

// The result has no record outside of the lane, either.
func TestALaneMayCrashAtAResultWithoutARecord(t *testing.T) {
	zero := func(yield func(batch.Result[string]) bool) { yield(batch.Result[string]{}) }
	for range batch.Parallel(zero, 1, func(s texts) texts {
		return func(func(batch.Result[string]) bool) {
			for range s {
				panic(errDrawn)
			}
		}
	}) {
		t.Error("the result leaves the lane")
	}
}

// crashBeforeTheFirst is a stage for a lane that panics before it takes anything, in a bubble and when all results wait for it.
func crashBeforeTheFirst(texts) texts {
	time.Sleep(time.Second)
	panic(errDrawn)
}

func TestAResultWithoutARecordThatNoLaneHasTakenIsTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		zeros := func(yield func(batch.Result[string]) bool) {
			_ = yield(batch.Result[string]{}) && yield(batch.Result[string]{}.Ack())
		}
		var errs []error
		for r := range batch.Parallel(zeros, 1, crashBeforeTheFirst) {
			errs = append(errs, r.Err())
		}
		is.Equal(errs, []error{batch.Result[string]{}.Err(), nil})
	})
}

// The lane settles the failure of record 0, keeps the result and exits. Record 1 has already run in the other lane, and waits
// for its turn. A stage after the lanes keeps record 0 once more, so that nothing else sees that it is Failed again.
func TestAFailureThatALaneHasSettledAndLostHoldsBackRecordsAfterTheLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var called effects
		source := grouped(t.Context(), make([]string, 2), batch.WithPolicy(batch.StopBatch), batch.WithoutAllFailedError())
		response, err := batch.Run(source, func(s texts) texts {
			failing := func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if r.Record().ID == "r0" {
						r = r.Fail(errBoom)
					}
					if !yield(r) {
						return
					}
				}
			}
			lanes := batch.Parallel(failing, 2, func(s texts) texts {
				s = batch.TryEach(batch.Catch(s, func(context.Context, error) error { return nil }), succeed)
				return func(yield func(batch.Result[string]) bool) {
					for r := range s {
						if r.Record().ID == "r0" {
							synctest.Wait()
							runtime.Goexit()
						}
						if !yield(r) {
							return
						}
					}
				}
			})
			return batch.TryEach(without(lanes, "r0"), called.each)
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r0", "r1"})
		is.Equal(called.all, []string(nil))
	})
}

// Record 0 has left the lane. Its failure after the lanes may be tried again until the result is sent on. The lane has
// panicked at record 1, which a stage after the lanes gives another value.
func TestARecordThatALaneHasLostIsHeldBackAfterTheLanesLikeOneThatHasLeft(t *testing.T) {
	is := is.New(t)
	var called effects
	source := grouped(t.Context(), []string{"g", "g"}, batch.WithPolicy(batch.StopGroup), batch.WithoutAllFailedError())
	response, err := batch.Run(source, func(s texts) texts {
		lanes := batch.Parallel(s, 1, func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if r.Record().ID == "r1" {
						panic(errDrawn)
					}
					yield(r)
				}
			}
		})
		trying := func(yield func(batch.Result[string]) bool) {
			var first batch.Result[string]
			for r := range lanes {
				if r.Record().ID == "r0" {
					first = batch.Then(r, sameValue(failingOn("0")))
					continue
				}
				yield(r)
			}
			yield(first)
		}
		s = batch.OrElse(trying, func(context.Context, error) (string, error) { return "else", nil })
		return batch.TryEach(s, called.each)
	})
	is.NoErr(err)
	is.Equal(called.all, []string{"else"})
	is.Equal(listed(response), []string{"r1"})
}

// Two lanes panic. The other records are in the group of the first.
func TestRecordsThatNoLaneHasTakenFailLikeTheLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		_, failures := batch.Partition(batch.Parallel(oneGroup(t.Context(), batch.StopGroup, "a", "b", "c"), 2, crashBeforeTheFirst))
		is.Equal(len(failures), 3)
		for _, f := range failures {
			is.True(errors.Is(f.Err, errDrawn))
		}
	})
}

// Both lanes have panicked before the source goes on, and the range over it ends.
// The source may learn that no lane is left with its first record or with its second one, which then fails like the first.
func TestRecordsThatTheSourceSendsAfterAllLanesHavePanickedAreUnreached(t *testing.T) {
	for _, lanes := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			source := oneGroup(t.Context(), batch.StopGroup, "a", "b", "c", "d")
			slow := batch.Tap(source, func(batch.Result[string]) { time.Sleep(time.Second) })
			_, failures := batch.Partition(batch.Parallel(slow, lanes, func(texts) texts { panic(errDrawn) }))
			is.Equal(len(failures), 4)
			is.True(errors.Is(failures[0].Err, errDrawn))
			is.True(errors.Is(failures[1].Err, errDrawn) || errors.Is(failures[1].Err, batch.ErrUnreached))
			is.True(errors.Is(failures[2].Err, batch.ErrUnreached))
			is.True(errors.Is(failures[3].Err, batch.ErrUnreached))
		})
	}
}

// The lanes end without a panic, and have dropped what no one took.
func TestResultsThatNoLaneHasTakenAreDroppedIfTheLanesHaveReturned(t *testing.T) {
	is := is.New(t)
	for r := range batch.Parallel(batch.Of("a", "b", "c"), 1, func(texts) texts { return func(func(batch.Result[string]) bool) {} }) {
		t.Errorf("%v leaves the lanes", r.Record())
	}
	response, err := batch.Run(grouped(t.Context(), make([]string, 2), batch.WithoutAllFailedError()), func(s texts) texts {
		return batch.Parallel(s, 1, func(texts) texts { return func(func(batch.Result[string]) bool) {} })
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"r0", "r1"})
}
