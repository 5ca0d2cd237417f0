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
	"github.com/lambdabatch/batch/batchtest"
	"github.com/matryer/is"
)

// failingFirst is a queue of one message whose first invocation is the given
// one, and whose second succeeds.
func failingFirst(t *testing.T, config batchtest.QueueConfig, first function) *batchtest.Run {
	t.Helper()
	q := batchtest.NewQueue(config)
	q.Send(batchtest.Message{ID: "m-1"})
	var calls atomic.Int32 // the first may still run beside the second
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

func TestAnAnswerAtTheDeadlineIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		q := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 50})
		q.Send(batchtest.Message{})
		run := q.Drain(t.Context(), function(func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, nil
		}))
		is.Equal(len(run.Invocations), 50) // whoever was first in each
		for _, invocation := range run.Invocations {
			is.Equal(invocation.Err, batchtest.ErrTimedOut)
		}
	})
}

func TestAnAnswerBeforeTheDeadlineCounts(t *testing.T) {
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

func TestAHandlerThatIgnoresItsDeadlineIsLeftBehindAndWaitedFor(t *testing.T) {
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

func TestDrainWaitsForAStuckHandlerNoLongerThanItsContextLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		free := make(chan struct{})
		defer close(free)
		q := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 2})
		q.Send(batchtest.Message{ID: "m-1"})
		run := q.Drain(ctx, function(func(context.Context, []byte) ([]byte, error) {
			<-free
			return nil, nil
		}))
		is.Equal(run.DeadLettered, []string{"m-1"})
		is.True(errors.Is(run.Err, context.DeadlineExceeded))
		is.True(strings.Contains(run.Err.Error(), "2 invocations are still running"))
	})
}

func TestADrainEndsWithItsContext(t *testing.T) {
	is := is.New(t)
	stop := errors.New("enough")
	for source, drain := range map[string]func(context.Context, function) (first, second *batchtest.Run){
		"sqs": func(ctx context.Context, handler function) (*batchtest.Run, *batchtest.Run) {
			q := batchtest.NewQueue(batchtest.QueueConfig{BatchSize: 1})
			q.Send(numbered(3, "")...)
			return q.Drain(ctx, handler), q.Drain(context.Background(), handler)
		},
		"kinesis": func(ctx context.Context, handler function) (*batchtest.Run, *batchtest.Run) {
			s := batchtest.NewShard(batchtest.ShardConfig{BatchSize: 1})
			s.Put(batchtest.Record{}, batchtest.Record{}, batchtest.Record{})
			return s.Drain(ctx, handler), s.Drain(context.Background(), handler)
		},
		"kafka": func(ctx context.Context, handler function) (*batchtest.Run, *batchtest.Run) {
			topic := batchtest.NewTopic(batchtest.TopicConfig{BatchSize: 1})
			topic.Put(batchtest.KafkaRecord{}, batchtest.KafkaRecord{}, batchtest.KafkaRecord{})
			return topic.Drain(ctx, handler), topic.Drain(context.Background(), handler)
		},
	} {
		t.Run(source, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			first, second := drain(ctx, func(context.Context, []byte) ([]byte, error) {
				cancel(stop)
				return nil, nil
			})
			is.Equal(first.Err, stop)
			is.Equal(len(first.Deleted), 1) // what was answered counts
			is.Equal(second.Err, nil)
			is.Equal(len(second.Deleted), 2) // and the rest was left
		})
	}
}

func TestADrainThatFinishedEverythingIsNoErrorEvenIfItsContextHasEnded(t *testing.T) {
	is := is.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	q := batchtest.NewQueue(batchtest.QueueConfig{})
	q.Send(batchtest.Message{})
	run := q.Drain(ctx, function(func(context.Context, []byte) ([]byte, error) {
		cancel()
		return nil, nil
	}))
	is.Equal(run.Err, nil)
}

func TestTheContextCarriesARequestIDOfItsOwn(t *testing.T) {
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
	is.Equal(string(run.Invocations[0].Response), "{") // which was taken before
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

func TestAHandlerMaySendToTheQueueThatCalledIt(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{})
	q.Send(batchtest.Message{ID: "m-1"})
	run := q.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
		if recordsOf(payload)[0].id == "m-1" {
			q.Send(batchtest.Message{ID: "m-2"})
		}
		return nil, nil
	}))
	is.Equal(run.Deleted, []string{"m-1", "m-2"})
}

func TestASecondDrainAtTheSameTimeIsAnError(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{})
	q.Send(batchtest.Message{ID: "m-1"})
	var inner *batchtest.Run
	q.Drain(t.Context(), function(func(ctx context.Context, _ []byte) ([]byte, error) {
		inner = q.Drain(ctx, answering(""))
		return nil, nil
	}))
	is.True(inner.Err != nil)
	is.Equal(len(inner.Invocations), 0)
}

func TestAHandlerThatNeverSucceedsEndsAtTheBound(t *testing.T) {
	never := map[string]function{
		"an error":   erring(func([]record) bool { return true }),
		"a list":     listing(func(record) bool { return true }),
		"its answer": answering("no JSON"),
	}
	for name, handler := range never {
		for source, drain := range map[string]func(context.Context) *batchtest.Run{
			"sqs": func(ctx context.Context) *batchtest.Run {
				q := batchtest.NewQueue(batchtest.QueueConfig{})
				q.Send(batchtest.Message{})
				return q.Drain(ctx, handler)
			},
			"kinesis": func(ctx context.Context) *batchtest.Run {
				s := batchtest.NewShard(batchtest.ShardConfig{Bisect: true})
				s.Put(batchtest.Record{})
				return s.Drain(ctx, handler)
			},
			"kafka": func(ctx context.Context) *batchtest.Run {
				topic := batchtest.NewTopic(batchtest.TopicConfig{})
				topic.Put(batchtest.KafkaRecord{})
				return topic.Drain(ctx, handler)
			},
		} {
			t.Run(source+"/"+name, func(t *testing.T) {
				is := is.New(t)
				run := drain(t.Context())
				is.True(errors.Is(run.Err, batchtest.ErrEndless))
				is.Equal(len(run.Invocations), batchtest.MaxDeliveries)
				is.Equal(len(run.Deleted)+len(run.DeadLettered), 0)
			})
		}
	}
}

func TestProgressAnywherePutsTheBoundOff(t *testing.T) {
	is := is.New(t)
	s := batchtest.NewShard(batchtest.ShardConfig{BatchSize: 1, Parallelization: 2})
	s.Put(batchtest.Record{ID: "stuck", Key: "a"})
	for range 3 * batchtest.MaxDeliveries {
		s.Put(batchtest.Record{Key: "b"}) // in the other lane
	}
	deliveries := 0
	run := s.Drain(t.Context(), listing(func(r record) bool {
		if r.id == "stuck" {
			deliveries++
		}
		return r.id == "stuck" && deliveries <= 2*batchtest.MaxDeliveries
	}))
	is.Equal(run.Err, nil)
	is.Equal(run.Received("stuck"), 2*batchtest.MaxDeliveries+1)
	is.Equal(len(run.Deleted), 3*batchtest.MaxDeliveries+1)
}

func TestTheBoundDoesNotCutShortALimitThatIsSet(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 2 * batchtest.MaxDeliveries})
	q.Send(batchtest.Message{ID: "m-1"})
	run := q.Drain(t.Context(), listing(poisoned("m-1")))
	is.Equal(run.Err, nil)
	is.Equal(run.Received("m-1"), 2*batchtest.MaxDeliveries)
	is.Equal(run.DeadLettered, []string{"m-1"})
}

func TestSettingsThatTheServiceRefusesPanic(t *testing.T) {
	tests := map[string]func(){
		"BatchSize: 11":         func() { batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, BatchSize: 11}) },
		"BatchSize: 10001":      func() { batchtest.NewQueue(batchtest.QueueConfig{BatchSize: 10_001}) },
		"BatchSize: -1":         func() { batchtest.NewShard(batchtest.ShardConfig{BatchSize: -1}) },
		"MaxReceives: -1":       func() { batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: -1}) },
		"VisibilityTimeout: ":   func() { batchtest.NewQueue(batchtest.QueueConfig{VisibilityTimeout: -1}) },
		"Timeout: ":             func() { batchtest.NewTopic(batchtest.TopicConfig{Timeout: -1}) },
		"Shuffle: ":             func() { batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, Shuffle: true}) },
		"Duplicate: ":           func() { batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, Duplicate: true}) },
		"Source: 7":             func() { batchtest.NewShard(batchtest.ShardConfig{Source: 7}) },
		"MaxRetries: 10001":     func() { batchtest.NewShard(batchtest.ShardConfig{MaxRetries: 10_001}) },
		"NoRetries: ":           func() { batchtest.NewTopic(batchtest.TopicConfig{MaxRetries: 1, NoRetries: true}) },
		"Parallelization: 11":   func() { batchtest.NewShard(batchtest.ShardConfig{Parallelization: 11}) },
		"MaxRecordAge: ":        func() { batchtest.NewShard(batchtest.ShardConfig{MaxRecordAge: -1}) },
		"RetryDelay: ":          func() { batchtest.NewTopic(batchtest.TopicConfig{RetryDelay: -1}) },
		"Window: ":              func() { batchtest.NewShard(batchtest.ShardConfig{Window: time.Minute, Parallelization: 2}) },
		"Redeliver: 7":          func() { batchtest.NewTopic(batchtest.TopicConfig{Redeliver: 7}) },
		"Partition: -1":         func() { batchtest.NewTopic(batchtest.TopicConfig{}).Put(batchtest.KafkaRecord{Partition: -1}) },
		"Drain: handler is nil": func() { batchtest.NewQueue(batchtest.QueueConfig{}).Drain(context.Background(), nil) },
	}
	for name, build := range tests {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			defer func() {
				text, _ := recover().(string)
				is.True(strings.HasPrefix(text, "batchtest: "+name))
			}()
			build()
		})
	}
}
