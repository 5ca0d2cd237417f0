package redeliver_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/redeliver"
	"github.com/matryer/is"
)

func TestAFailedMessageWaitsAndAnAcknowledgedOneIsNotNamed(t *testing.T) {
	is := is.New(t)
	c := new(client)
	h := batch.SQSHandler(each(work), redeliver.After(c, always(90*time.Second)))
	invoke(t, t.Context(), h, messages(standard, "ok", "fail", "a/panic", "a/ok", "ok"))
	is.Equal(c.waits(), map[string]int32{"m1": 90, "m2": 90})
	is.Equal(len(c.calls), 1)
	is.Equal(*c.calls[0].QueueUrl, "https://sqs.eu-west-1.amazonaws.com/123456789012/orders")
}

func TestWithoutFailuresThereIsNoCall(t *testing.T) {
	is := is.New(t)
	c, l := new(client), new(logbook)
	h := batch.SQSHandler(each(work), redeliver.After(c, always(time.Second), redeliver.WithLogger(l.logger())))
	is.Equal(invoke(t, t.Context(), h, messages(standard, "ok", "ok")), `{"batchItemFailures":[]} <nil>`)
	is.Equal(len(c.calls), 0)
	is.Equal(l.lines(), nil)
}

func TestInAFIFOGroupNothingIsVisibleBeforeTheFailedMessage(t *testing.T) {
	is := is.New(t)
	c := new(client)
	h := batch.SQSHandler(each(work), redeliver.After(c, always(5*time.Second)))
	invoke(t, t.Context(), h, messages(fifo, "a/ok", "a/fail", "a/ok", "b/ok", "b/ok", "c/panic", "c/ok"))
	is.Equal(c.waits(), map[string]int32{"m1": 5, "m2": 5, "m5": 5, "m6": 5})
}

func TestALaterFailureInAFIFOGroupWaitsForTheLongerTime(t *testing.T) {
	is := is.New(t)
	c := new(client)
	waits := []time.Duration{9 * time.Second, 3 * time.Second, 12 * time.Second, 0, time.Second}
	wait := func(f batch.Failure) time.Duration { return waits[f.Record.Index] }
	h := batch.SQSHandler(each(work), redeliver.After(c, wait), batch.WithPolicy(batch.Continue))
	invoke(t, t.Context(), h, messages(fifo, "a/fail", "a/fail", "a/fail", "a/fail", "b/fail"))
	is.Equal(c.waits(), map[string]int32{"m0": 9, "m1": 9, "m2": 12, "m3": 12, "m4": 1})
}

func TestAMessageHeldBackByAnotherIsVisibleAtOnce(t *testing.T) {
	is := is.New(t)
	c := new(client)
	h := batch.SQSHandler(each(work), redeliver.After(c, always(time.Minute)), batch.WithPolicy(batch.StopBatch))
	invoke(t, t.Context(), h, messages(standard, "ok", "fail", "ok", "ok"))
	is.Equal(c.waits(), map[string]int32{"m1": 60, "m2": 0, "m3": 0})
}

func TestAMessageNotStartedInTimeIsVisibleAtOnce(t *testing.T) {
	for behavior, want := range map[string]map[string]int32{
		"waits until the end": {"m0": 60, "m1": 0, "m2": 0}, // m1 and m2 are not started
		"is stuck":            {"m0": 60, "m1": 0, "m2": 0}, // m1 and m2 are unreached, m0 is running
	} {
		t.Run(behavior, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				release := make(chan struct{})
				defer close(release)
				c := new(client)
				h := batch.SQSHandler(each(func(ctx context.Context, _ events.SQSMessage) error {
					if behavior == "is stuck" {
						<-release
					}
					<-ctx.Done()
					return ctx.Err()
				}), redeliver.After(c, always(time.Minute)), batch.WithLogger(nil))
				invoke(t, ctx, h, messages(standard, "", "", ""))
				is.Equal(c.waits(), want)
			})
		})
	}
}

func TestADroppedMessageWaitsLikeAFailedOne(t *testing.T) {
	is := is.New(t)
	c := new(client)
	h := batch.SQSHandler(dropping, redeliver.After(c, always(time.Minute)), batch.WithLogger(nil))
	invoke(t, t.Context(), h, messages(standard, "ok", "drop", "ok"))
	is.Equal(c.waits(), map[string]int32{"m1": 60})
}

func TestAMessageUnfinishedByABrokenStageWaitsLikeAFailedOne(t *testing.T) {
	is := is.New(t)
	c := new(client)
	breaking := func(batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		return func(func(batch.Result[events.SQSMessage]) bool) { panic("broken") }
	}
	h := batch.SQSHandler(breaking, redeliver.After(c, always(time.Minute)), batch.WithLogger(nil))
	invoke(t, t.Context(), h, messages(standard, "ok", "ok"))
	is.Equal(c.waits(), map[string]int32{"m0": 60, "m1": 60})
}

// nestedBatch processes a batch inside its message and returns that batch's error.
func nestedBatch(ctx context.Context, _ events.SQSMessage) error {
	_, err := batch.Run(batch.SQS(ctx, messages(fifo, "x/fail", "x/ok")), each(work))
	return err
}

func TestAnErrorThatWrapsAStateIsAFailureAllTheSame(t *testing.T) {
	for name, err := range map[string]error{
		"blocked":               fmt.Errorf("inside: %w", batch.ErrBlocked),
		"not started":           fmt.Errorf("inside: %w", batch.ErrNotStarted),
		"unreached":             fmt.Errorf("inside: %w", batch.ErrUnreached),
		"joined":                errors.Join(batch.ErrNotStarted, batch.ErrUnreached),
		"of an inner batch":     nestedBatch(t.Context(), events.SQSMessage{}),
		"that is a nil pointer": (*nilError)(nil),
	} {
		t.Run(name, func(t *testing.T) {
			c := new(client)
			h := batch.SQSHandler(each(func(context.Context, events.SQSMessage) error { return err }),
				redeliver.After(c, always(time.Minute)), batch.WithLogger(nil))
			invoke(t, t.Context(), h, messages(fifo, "a/", "b/", "c/"))
			is.New(t).Equal(c.waits(), map[string]int32{"m0": 60, "m1": 60, "m2": 60})
		})
	}
}

func TestAnErrorThatWrapsAStateIsAFailureEvenIfOthersAreBlocked(t *testing.T) {
	for name, f := range map[string]func(context.Context, events.SQSMessage) error{
		"of an inner batch":   nestedBatch,
		"whose method panics": func(context.Context, events.SQSMessage) error { return panickingError{} },
	} {
		t.Run(name, func(t *testing.T) {
			c := new(client)
			h := batch.SQSHandler(each(f), redeliver.After(c, always(time.Minute)), batch.WithLogger(nil))
			invoke(t, t.Context(), h, messages(fifo, "a/", "a/", "b/"))
			is.New(t).Equal(c.waits(), map[string]int32{"m0": 60, "m1": 60, "m2": 60})
		})
	}
}

// panickingError is an error whose methods for errors.Is panic.
type panickingError struct{}

func (panickingError) Error() string   { return "panickingError" }
func (panickingError) Is(error) bool   { panic("Is") }
func (panickingError) Unwrap() []error { panic("Unwrap") }

type nilError struct{ text string }

func (s *nilError) Error() string { return s.text }

func TestTheTimeSinceTheReceiveCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		c := new(client)
		h := batch.SQSHandler(each(func(_ context.Context, m events.SQSMessage) error {
			time.Sleep(5*time.Minute + 500*time.Millisecond)
			return errRefused
		}), redeliver.After(c, always(12*time.Hour)), batch.WithLogger(nil))
		invoke(t, t.Context(), h, messages(standard, "", ""))
		is.Equal(c.waits(), map[string]int32{"m0": 12*3600 - 600 - 601, "m1": 12*3600 - 600 - 601})
	})
}

func TestTheWaitFunctionSeesTheFailure(t *testing.T) {
	is := is.New(t)
	c := new(client)
	wait := func(f batch.Failure) time.Duration {
		is.Equal(f.Record.ID, "m1")
		is.Equal(f.Record.Attempt, 1)
		is.True(errors.Is(f.Err, errRefused))
		_, ok := f.Record.Source.(*events.SQSMessage)
		is.True(ok)
		return 1200 * time.Millisecond
	}
	invoke(t, t.Context(), batch.SQSHandler(each(work), redeliver.After(c, wait)), messages(standard, "ok", "fail"))
	is.Equal(c.waits(), map[string]int32{"m1": 2})
}

func TestADuplicateMessageWaitsTheLongerTimeUnderBothHandles(t *testing.T) {
	is := is.New(t)
	c := new(client)
	event := messages(standard, "fail", "ok", "fail", "fail")
	event.Records[1].MessageId = "m0" // the service delivered it twice
	event.Records[3].ReceiptHandle = event.Records[2].ReceiptHandle
	wait := func(f batch.Failure) time.Duration { return time.Duration(f.Record.Index+1) * time.Second }
	invoke(t, t.Context(), batch.SQSHandler(each(work), redeliver.After(c, wait)), event)
	is.Equal(c.waits(), map[string]int32{"m0": 1, "m1": 1, "m2": 4}) // by handle, one entry per handle
}

func TestRedeliverWorksWithRunAndWithOtherSources(t *testing.T) {
	is := is.New(t)
	c := new(client)
	_, err := batch.Run(batch.SQS(t.Context(), messages(fifo, "a/fail", "a/ok"), redeliver.After(c, always(time.Second))), each(work))
	is.True(err != nil) // all failed
	describe := func(m events.SQSMessage) batch.Record { return batch.Record{ID: m.MessageId} }
	_, err = batch.Run(batch.From(t.Context(), messages(standard, "ok", "ok", "fail").Records, describe, redeliver.After(c, always(time.Second))), each(work))
	is.NoErr(err)
	is.Equal(c.waits(), map[string]int32{"m0": 1, "m1": 1, "m2": 1})
}

func TestBadArgumentsPanicWhereTheOptionIsMade(t *testing.T) {
	for complaint, f := range map[string]func(){
		"redeliver: After: client is nil":                                                func() { redeliver.After(nil, always(0)) },
		"redeliver: After: wait is nil":                                                  func() { redeliver.After(new(client), nil) },
		"redeliver: Option: it is nil":                                                   func() { redeliver.After(new(client), always(0), nil) },
		"redeliver: WithQueueURL: url is empty":                                          func() { redeliver.WithQueueURL("") },
		"redeliver: Exponential: first is not positive":                                  func() { redeliver.Exponential(0, time.Hour) },
		"redeliver: Exponential: most is less than first":                                func() { redeliver.Exponential(time.Minute, time.Second) },
		"redeliver: Exponential: most is longer than 12 hours, which SQS does not allow": func() { redeliver.Exponential(time.Minute, 13*time.Hour) },
	} {
		func() {
			defer func() { is.New(t).Equal(recover(), complaint) }()
			f()
		}()
	}
}
