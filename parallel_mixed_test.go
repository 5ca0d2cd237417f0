package batch_test

// Lanes that get results of no record, of several batches, or of other lanes.

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestResultsWithoutARecordAreTheSameAfterLanes(t *testing.T) {
	var zero batch.Result[string]
	zeros := func(yield func(batch.Result[string]) bool) {
		_ = yield(zero) && yield(zero.Ack()) && yield(zero.Fail(io.EOF))
	}
	for name, through := range map[string]func(texts, batch.Stage[string, string]) texts{
		"Parallel": func(s texts, stage batch.Stage[string, string]) texts { return batch.Parallel(s, 1, stage) },
		"Route": func(s texts, stage batch.Stage[string, string]) texts {
			return batch.Route(s, func(string) int { return 0 }, map[int]batch.Stage[string, string]{0: stage})
		},
		"a Route without routes": func(s texts, _ batch.Stage[string, string]) texts {
			return batch.Route(s, func(string) int { return 0 }, map[int]batch.Stage[string, string]{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var errs []error
			for r := range through(zeros, identity) {
				errs = append(errs, r.Err())
			}
			is.Equal(errs, []error{zero.Err(), nil, io.EOF})
		})
	}
}

// No record ever enters the lanes.
func TestLanesPassOnAResultThatNeverEnteredThem(t *testing.T) {
	is := is.New(t)
	x := one(batch.Of("x"))
	zeros := func(yield func(batch.Result[string]) bool) { yield(batch.Result[string]{}) }
	values, failures := batch.Partition(batch.Parallel(zeros, 1, func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			for range s {
				yield(x)
			}
		}
	}))
	is.Equal(values, []string{"x"})
	is.Equal(len(failures), 0)
}

// The lane of another Parallel waits until its result has passed through these lanes.
func TestAResultThatIsInsideOtherLanesStaysThereWhileItPassesThroughLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		inside, passed := make(chan batch.Result[string]), make(chan struct{})
		go func() {
			for range batch.Parallel(batch.Of("x"), 1, func(s texts) texts {
				return batch.Tap(s, func(r batch.Result[string]) {
					inside <- r
					<-passed
				})
			}) {
			}
		}()
		x := <-inside
		var out []batch.Result[string]
		for r := range batch.Parallel(batch.Of("a"), 1, func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				for range s {
					yield(x)
				}
			}
		}) {
			out = append(out, r)
		}
		close(passed)
		is.Equal(len(out), 1)
		is.True(out[0].Context() == x.Context())
	})
}

// The first record arrives when the consumer of the lanes has long been waiting. Before the second one does, the invocation is
// cancelled.
func TestLanesAreGivenUpInTimeThoughTheirFirstRecordCameLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		parent, reserve := deadline(t)
		ctx, cancel := context.WithCancel(parent)
		time.AfterFunc(1500*time.Millisecond, cancel)
		start := time.Now()
		_, failures := batch.Partition(inLanes(batch.Tap(grouped(ctx, make([]string, 2), reserve), func(batch.Result[string]) {
			time.Sleep(time.Second)
		}), 1, stuckOn(t, "0")))
		is.Equal(time.Since(start), 2500*time.Millisecond) // a quarter of the reserve after the contexts have ended
		is.Equal(failedIDs(failures), []string{"r0", "r1"})
	})
}

// A batch that was answered long ago has the earlier deadline. Chunks are written early because of that of the other.
func TestChunksInLanesAreNotWrittenBecauseOfTheDeadlineOfAnEarlierBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		var written time.Duration
		hang := stuckOn(t, "source")
		both := func(yield func(batch.Result[string]) bool) {
			for _, d := range []time.Duration{10 * time.Second, time.Minute} {
				ctx, cancel := context.WithTimeout(t.Context(), d)
				t.Cleanup(cancel)
				grouped(ctx, make([]string, 1), batch.WithReserve(2*time.Second))(yield)
			}
			_ = hang(t.Context(), "source")
		}
		for range batch.Parallel(both, 1, func(s texts) texts {
			return batch.TryEachChunk(s, 10, func(context.Context, []string) error {
				written = time.Since(start)
				return nil
			})
		}) {
			break
		}
		is.Equal(written, 56*time.Second) // one reserve before the contexts end
	})
}

// Record 1 belongs to the batch with the deadline, and its lane hangs after it has sent it. The other batch has no deadline.
func TestARecordAtWhichALaneHangsIsRunningThoughTheLaneHasSeenAnotherBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		hang := stuckOn(t, "r1")
		other := one(batch.Of("x"))
		var report batch.Report
		_, err := batch.Run(grouped(ctx, make([]string, 2), reserve, reportInto(&report), batch.WithoutAllFailedError()), func(s texts) texts {
			mixed := func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if !yield(r) || r.Record().ID == "r0" && !yield(other) {
						return
					}
				}
			}
			return batch.Parallel(mixed, 1, func(s texts) texts {
				return func(yield func(batch.Result[string]) bool) {
					for r := range s {
						if !yield(r) {
							return
						}
						_ = hang(ctx, r.Record().ID)
					}
				}
			})
		})
		is.NoErr(err)
		is.Equal(runningIDs(report), []string{"r1"})
	})
}
