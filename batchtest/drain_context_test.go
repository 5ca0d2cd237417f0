package batchtest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchtest"
)

// longDrains drains a record of each source with the longest timeout and without a retry. The
// results are a Drain's invocations, how many records ended in it, and its error.
func longDrains() map[string]func(context.Context, function) ([]batchtest.Invocation, int, error) {
	const timeout = 15 * time.Minute
	ended := func(run *batchtest.Run) ([]batchtest.Invocation, int, error) {
		return run.Invocations, len(run.Deleted) + len(run.DeadLettered), run.Err
	}
	q := batchtest.NewQueue(batchtest.QueueConfig{Timeout: timeout, MaxReceives: 2})
	q.Send(batchtest.Message{})
	shard := batchtest.NewShard(batchtest.ShardConfig{Timeout: timeout, NoRetries: true})
	shard.Put(batchtest.Record{})
	topic := batchtest.NewTopic(batchtest.TopicConfig{Timeout: timeout, NoRetries: true})
	topic.Put(batchtest.KafkaRecord{})
	f := batchtest.NewFirehose(batchtest.FirehoseConfig{Timeout: 5 * time.Minute, NoRetries: true})
	f.Put(batchtest.FirehoseRecord{})
	return map[string]func(context.Context, function) ([]batchtest.Invocation, int, error){
		"sqs": func(ctx context.Context, handler function) ([]batchtest.Invocation, int, error) {
			return ended(q.Drain(ctx, handler))
		},
		"kinesis": func(ctx context.Context, handler function) ([]batchtest.Invocation, int, error) {
			return ended(shard.Drain(ctx, handler))
		},
		"kafka": func(ctx context.Context, handler function) ([]batchtest.Invocation, int, error) {
			return ended(topic.Drain(ctx, handler))
		},
		"firehose": func(ctx context.Context, handler function) ([]batchtest.Invocation, int, error) {
			run := f.Drain(ctx, handler)
			return run.Invocations, len(run.Delivered) + len(run.Dropped) + len(run.Failed), run.Err
		},
	}
}

func TestADrainReturnsWhenItsContextEndsDuringAnInvocation(t *testing.T) {
	for source := range longDrains() {
		t.Run(source, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				drain := longDrains()[source]
				stop := errors.New("a minute is enough")
				ctx, cancel := context.WithTimeoutCause(context.Background(), time.Minute, stop)
				defer cancel()
				free := make(chan struct{})
				start := time.Now()
				invocations, ended, err := drain(ctx, func(context.Context, []byte) ([]byte, error) {
					<-free
					return nil, nil
				})
				close(free)
				is.Equal(time.Since(start), time.Minute+time.Second)
				is.True(errors.Is(err, stop))
				is.True(strings.Contains(err.Error(), "1 invocation still running"))
				is.Equal(ended, 0)
				is.Equal(len(invocations), 1)
				is.Equal(invocations[0].Outcome, batchtest.Failure)
				is.True(errors.Is(invocations[0].Err, stop))
				is.True(!errors.Is(invocations[0].Err, batchtest.ErrTimedOut))

				_, ended, err = drain(context.Background(), responding(""))
				is.NoErr(err)
				is.Equal(ended, 1) // the next Drain delivers the record
			})
		})
	}
}

func TestAHandlerThatRespondsWhenItsContextEndsIsHeard(t *testing.T) {
	for source := range longDrains() {
		t.Run(source, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				drain := longDrains()[source]
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				invocations, ended, err := drain(ctx, func(ctx context.Context, _ []byte) ([]byte, error) {
					<-ctx.Done()
					time.Sleep(time.Second - 1)
					return nil, nil
				})
				is.NoErr(err) // nothing is left
				is.Equal(ended, 1)
				is.Equal(invocations[0].Duration, time.Minute+time.Second-1)
			})
		})
	}
}

func TestTheFunctionsDeadlineEndsTheLastSecondOfADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		q := batchtest.NewQueue(batchtest.QueueConfig{})
		q.Send(batchtest.Message{})
		run := q.Drain(ctx, function(func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			time.Sleep(time.Minute)
			return nil, nil
		}))
		is.Equal(run.Invocations[0].Err, batchtest.ErrTimedOut)
		is.Equal(run.Invocations[0].Duration, 3*time.Second)
		time.Sleep(time.Minute)
	})
}

func TestTheContextOfAnInvocationEndsAtTheEarlierDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		q := batchtest.NewQueue(batchtest.QueueConfig{Timeout: time.Minute})
		q.Send(batchtest.Message{})
		q.Drain(ctx, function(func(ctx context.Context, _ []byte) ([]byte, error) {
			deadline, _ := ctx.Deadline()
			is.Equal(time.Until(deadline), time.Second)
			return nil, nil
		}))
	})
}

func TestAHandlerThatReturnedBeforeTheEndIsNotStillRunning(t *testing.T) {
	for range 20 { // with both at hand, a select would choose the return or the end at random
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			ctx, cancel := context.WithTimeout(t.Context(), 4500*time.Millisecond)
			defer cancel()
			q := batchtest.NewQueue(batchtest.QueueConfig{BatchSize: 1})
			q.Send(numbered(2, "")...)
			run := q.Drain(ctx, function(func(_ context.Context, payload []byte) ([]byte, error) {
				time.Sleep(4 * time.Second) // times out after three, in both calls
				return nil, nil
			}))
			is.Equal(len(run.Invocations), 2)
			is.True(strings.Contains(run.Err.Error(), "1 invocation still running"))
			time.Sleep(time.Minute)
		})
	}
}
