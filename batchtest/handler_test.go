package batchtest_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchtest"
)

// failingFirst delivers one message twice. The first invocation calls first and must fail, the second one
// succeeds.
func failingFirst(t *testing.T, config batchtest.QueueConfig, first function) *batchtest.Run {
	t.Helper()
	q := batchtest.NewQueue(config)
	q.Send(batchtest.Message{ID: "m-1"})
	var calls atomic.Int32 // the first call may still be running during the second
	run := q.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
		if calls.Add(1) == 1 {
			return first(ctx, payload)
		}
		return nil, nil
	}))
	is := is.NewRelaxed(t)
	is.Equal(outcomes(run), []batchtest.Outcome{batchtest.Failure, batchtest.Success})
	is.Equal(run.Deleted, []string{"m-1"})
	return run
}

func TestAPanicFailsTheInvocation(t *testing.T) {
	is := is.New(t)
	run := failingFirst(t, batchtest.QueueConfig{}, func(context.Context, []byte) ([]byte, error) { panic(errNoGood) })
	var caught *batchtest.PanicError
	is.True(errors.As(run.Invocations[0].Err, &caught))
	is.Equal(caught.Error(), "the handler panicked: no good")
	is.True(errors.Is(caught, errNoGood))
	is.True(strings.Contains(string(caught.Stack), "TestAPanicFailsTheInvocation"))
}

func TestAHandlerThatEndsItsGoroutineFailsTheInvocation(t *testing.T) {
	is := is.New(t)
	run := failingFirst(t, batchtest.QueueConfig{}, func(context.Context, []byte) ([]byte, error) {
		runtime.Goexit()
		return nil, nil
	})
	is.Equal(run.Invocations[0].Err, batchtest.ErrExited)
}

func TestTheContextEndsAtTheFunctionsTimeout(t *testing.T) {
	for name, test := range map[string]struct{ timeout, want time.Duration }{
		"the default":  {0, 3 * time.Second},
		"a longer one": {time.Minute, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				run := failingFirst(t, batchtest.QueueConfig{Timeout: test.timeout}, func(ctx context.Context, _ []byte) ([]byte, error) {
					deadline, _ := ctx.Deadline()
					is.Equal(time.Until(deadline), test.want)
					<-ctx.Done()
					is.Equal(ctx.Err(), context.DeadlineExceeded)
					return nil, nil // too late
				})
				is.Equal(run.Invocations[0].Err, batchtest.ErrTimedOut)
				is.Equal(run.Invocations[0].Duration, test.want)
				is.Equal(run.Invocations[1].Duration, time.Duration(0))
			})
		})
	}
}

func TestAResponseAtTheDeadlineIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		q := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 50})
		q.Send(batchtest.Message{})
		run := q.Drain(t.Context(), function(func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, nil
		}))
		is.Equal(len(run.Invocations), 50) // so many that both orders of the end and the response occur
		for _, invocation := range run.Invocations {
			is.Equal(invocation.Err, batchtest.ErrTimedOut)
		}
	})
}

func TestAResponseBeforeTheDeadlineCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		q := batchtest.NewQueue(batchtest.QueueConfig{})
		q.Send(batchtest.Message{ID: "m-1"})
		run := q.Drain(t.Context(), function(func(context.Context, []byte) ([]byte, error) {
			time.Sleep(3*time.Second - 1)
			return nil, nil
		}))
		is.Equal(outcomes(run), []batchtest.Outcome{batchtest.Success})
	})
}

func TestAHandlerThatIgnoresItsDeadlineTimesOutAndDrainWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		returned := false
		run := failingFirst(t, batchtest.QueueConfig{}, func(context.Context, []byte) ([]byte, error) {
			time.Sleep(10 * time.Second)
			returned = true
			return nil, nil
		})
		is.Equal(run.Invocations[0].Duration, 3*time.Second)
		is.True(returned)
		is.Equal(time.Since(start), 10*time.Second)
	})
}

func TestTheContextCarriesItsOwnRequestID(t *testing.T) {
	is := is.New(t)
	var requests []string
	q := batchtest.NewQueue(batchtest.QueueConfig{BatchSize: 1})
	q.Send(numbered(2, "")...)
	q.Drain(t.Context(), function(func(ctx context.Context, _ []byte) ([]byte, error) {
		lc, ok := lambdacontext.FromContext(ctx)
		is.True(ok)
		requests = append(requests, lc.AwsRequestID)
		return nil, nil
	}))
	is.Equal(len(slices.Compact(requests)), 2)
}

func TestThePayloadIsWipedWhenTheHandlerHasReturned(t *testing.T) {
	is := is.New(t)
	var kept []byte
	q := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 1})
	q.Send(batchtest.Message{ID: "m-1"})
	run := q.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
		kept = payload
		is.True(kept[0] == '{')
		return payload[:1], nil
	}))
	is.Equal(kept[0], byte(0))
	is.Equal(string(run.Invocations[0].Response), "{") // a copy from before the wipe
}

func TestAnyFunctionThatTheRuntimeTakesCanBeDrained(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{})
	q.Send(numbered(2, "")...)
	var bodies []string
	run := q.Drain(t.Context(), batchtest.Handler(func(_ context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
		var response events.SQSEventResponse
		for _, m := range event.Records {
			if m.MessageId == "m-2" && m.Attributes["ApproximateReceiveCount"] == "1" {
				response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
				continue
			}
			bodies = append(bodies, m.Body)
		}
		return response, nil
	}))
	is.Equal(bodies, []string{"{}", "{}"})
	is.Equal(run.Deleted, []string{"m-1", "m-2"})
	is.Equal(batches(run), [][]string{{"m-1", "m-2"}, {"m-2"}})

	q.Send(batchtest.Message{ID: "m-3"})
	run = q.Drain(t.Context(), batchtest.Handler(func(context.Context, events.SQSEvent) error { return nil }))
	is.Equal(run.Deleted, []string{"m-3"})
}
