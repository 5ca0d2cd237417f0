package redeliver_test

// Errors that look like a state, stages that end early, and messages that were delivered twice.

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/redeliver"
	"github.com/matryer/is"
)

// lastOfNestedBatch processes a batch inside its message and returns the error of that batch's last record,
// unwrapped.
func lastOfNestedBatch(ctx context.Context, _ events.SQSMessage) error {
	_, failures := batch.Partition(each(work)(batch.SQS(ctx, messages(fifo, "x/fail", "x/ok"))))
	return failures[len(failures)-1].Err
}

func TestAnErrorThatWrapsAStateDirectlyIsAFailureEvenIfOthersAreBlocked(t *testing.T) {
	for name, f := range map[string]func(context.Context, events.SQSMessage) error{
		"wraps":                  func(context.Context, events.SQSMessage) error { return fmt.Errorf("inside: %w", batch.ErrBlocked) },
		"joined, first":          func(context.Context, events.SQSMessage) error { return errors.Join(batch.ErrBlocked, errRefused) },
		"joined, second":         func(context.Context, events.SQSMessage) error { return errors.Join(errRefused, batch.ErrBlocked) },
		"last of an inner batch": lastOfNestedBatch,
	} {
		t.Run(name, func(t *testing.T) {
			c := new(client)
			h := batch.SQSHandler(each(f), redeliver.After(c, always(time.Minute)), batch.WithLogger(nil))
			invoke(t, t.Context(), h, messages(fifo, "a/", "a/", "b/"))
			is.New(t).Equal(c.waits(), map[string]int32{"m0": 60, "m1": 60, "m2": 60})
		})
	}
}

func TestMessagesUnfinishedByABrokenStageWaitEvenIfALaneIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c, release := new(client), make(chan struct{})
		stage := func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
			lanes := batch.Parallel(s, 2, each(func(_ context.Context, m events.SQSMessage) error {
				if m.Body == "stuck" {
					<-release
				}
				return nil
			}))
			return func(func(batch.Result[events.SQSMessage]) bool) {
				for range lanes {
					panic("broken")
				}
			}
		}
		h := batch.SQSHandler(stage, redeliver.After(c, always(time.Minute)), batch.WithLogger(nil))
		begin := time.Now()
		invoke(t, ctx, h, messages(standard, "stuck", "ok", "ok", "ok"))
		is := is.New(t)
		is.True(time.Since(begin) < time.Second) // it took an eighth of a second, so redelivery at once would be a hot loop
		close(release)
		synctest.Wait()
		is.Equal(c.waits(), map[string]int32{"m0": 60, "m1": 60, "m2": 60, "m3": 60})
	})
}

// The stage leaves its loop while time is left, so it will do so again. The time is over only when the contexts have ended.
func TestMessagesThatAStageDropsWaitHoweverLateItLeavesItsLoop(t *testing.T) {
	for at, want := range map[time.Duration]int32{time.Second: 60, 6 * time.Second: 60, 9 * time.Second: 60, 9600 * time.Millisecond: 0} {
		t.Run(at.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				c, release := new(client), make(chan struct{})
				stage := func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
					lanes := batch.Parallel(s, 2, each(func(_ context.Context, m events.SQSMessage) error {
						switch m.Body {
						case "stuck":
							<-release
						case "slow":
							time.Sleep(at)
						}
						return nil
					}))
					return func(yield func(batch.Result[events.SQSMessage]) bool) {
						for r := range lanes {
							yield(r)
							return
						}
					}
				}
				h := batch.SQSHandler(stage, redeliver.After(c, always(time.Minute)), batch.WithLogger(nil))
				invoke(t, ctx, h, messages(standard, "stuck", "slow", "ok"))
				close(release)
				synctest.Wait()
				is.New(t).Equal(c.waits(), map[string]int32{"m0": 60, "m2": want})
			})
		})
	}
}

// The contexts in lanes end when the stage leaves its loop, so no second function is called for the messages.
func TestMessagesThatEndedLanesDoNotStartWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c := new(client)
		work := func(_ context.Context, m events.SQSMessage) error {
			if m.Body != "first" {
				time.Sleep(50 * time.Millisecond)
			}
			return nil
		}
		stage := func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
			lanes := batch.Parallel(s, 2, func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
				return each(work)(each(work)(s))
			})
			return func(yield func(batch.Result[events.SQSMessage]) bool) {
				for r := range lanes {
					yield(r)
					synctest.Wait() // both lanes are at work
					return
				}
			}
		}
		notStarted := 0
		h := batch.SQSHandler(stage, redeliver.After(c, always(time.Minute)), batch.WithLogger(nil),
			batch.WithReport(func(_ context.Context, r batch.Report) { notStarted = r.NotStarted }))
		invoke(t, ctx, h, messages(standard, "first", "b", "c", "d"))
		is := is.New(t)
		is.True(notStarted > 0)
		is.Equal(c.waits(), map[string]int32{"m1": 60, "m2": 60, "m3": 60})
	})
}

func TestInAFIFOGroupNothingIsVisibleBeforeADuplicateMessage(t *testing.T) {
	c, event := new(client), messages(fifo, "a/fail", "a/fail", "a/fail")
	event.Records[2].MessageId = "m0"
	waits := []time.Duration{time.Second, 2 * time.Second, 9 * time.Second}
	wait := func(f batch.Failure) time.Duration { return waits[f.Record.Index] }
	h := batch.SQSHandler(each(work), redeliver.After(c, wait), batch.WithLogger(nil), batch.WithPolicy(batch.Continue))
	invoke(t, t.Context(), h, event)
	is.New(t).Equal(c.waits(), map[string]int32{"m0": 9, "m1": 9, "m2": 9})
}

func TestEachMessageWithoutAnIDWaitsItsOwnTime(t *testing.T) {
	c, event := new(client), messages(standard, "fail", "fail")
	event.Records[0].MessageId, event.Records[1].MessageId = "", ""
	wait := func(f batch.Failure) time.Duration { return time.Duration(f.Record.Index+1) * time.Second }
	invoke(t, t.Context(), batch.SQSHandler(each(work), redeliver.After(c, wait), batch.WithLogger(nil)), event)
	is.New(t).Equal(c.waits(), map[string]int32{"m0": 1, "m1": 2})
}

func TestOrderIsKeptEvenIfTheFirstMessageHasNoQueueARN(t *testing.T) {
	c, event := new(client), messages(fifo, "a/fail", "a/fail", "b/fail")
	event.Records[0].EventSourceARN = ""
	wait := func(f batch.Failure) time.Duration { return time.Duration(9-f.Record.Index) * time.Second }
	h := batch.SQSHandler(each(work), redeliver.After(c, wait), batch.WithLogger(nil), batch.WithPolicy(batch.Continue))
	invoke(t, t.Context(), h, event)
	is.New(t).Equal(c.waits(), map[string]int32{"m0": 9, "m1": 9, "m2": 7})
}

func TestNoWaitFunctionIsCalledAfterTheResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var n atomic.Int32
		wait := func(batch.Failure) time.Duration { n.Add(1); time.Sleep(time.Minute); return 0 }
		h := batch.SQSHandler(each(work), redeliver.After(new(client), wait, redeliver.WithLogger(nil)), batch.WithLogger(nil))
		invoke(t, ctx, h, failing(5))
		time.Sleep(time.Hour)
		is.New(t).Equal(n.Load(), int32(1))
	})
}

func TestTheResponseDoesNotWaitForTheRestOfTheInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		// Like *sqs.Client if the endpoint accepts connections and never responds: its transport has no
		// timeout.
		c := &client{respond: func(ctx context.Context, _ *input) (*output, error) { <-ctx.Done(); return nil, ctx.Err() }}
		h := batch.SQSHandler(each(work), redeliver.After(c, always(time.Second), redeliver.WithLogger(nil)), batch.WithLogger(nil))
		begin := time.Now()
		invoke(t, ctx, h, messages(standard, "ok", "fail"))
		if took := time.Since(begin); took > 10*time.Second {
			t.Fatalf("the work took no time, and the answer left after %v", took)
		}
	})
}
