package batchtest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchtest"
)

// timing makes a handler that logs when it first receives each record.
func timing(handler function) (function, map[string]time.Duration) {
	start := time.Now()
	times := make(map[string]time.Duration)
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		for _, r := range recordsOf(payload) {
			if _, ok := times[r.id]; !ok {
				times[r.id] = time.Since(start)
			}
		}
		return handler(ctx, payload)
	}, times
}

// after calls f a minute later, while a Drain sleeps.
func after(f func()) {
	go func() {
		time.Sleep(time.Minute)
		f()
	}()
}

func TestADrainThatSleepsNoticesNewRecords(t *testing.T) {
	q := batchtest.NewQueue(batchtest.QueueConfig{VisibilityTimeout: time.Hour}) // made outside the bubbles
	for source, drain := range map[string]func(ctx context.Context) map[string]time.Duration{
		"sqs": func(ctx context.Context) map[string]time.Duration {
			handler, times := timing(listing(once("first")))
			q.Send(batchtest.Message{ID: "first"})
			after(func() { q.Send(batchtest.Message{ID: "second"}) })
			q.Drain(ctx, handler)
			return times
		},
		"kinesis": func(ctx context.Context) map[string]time.Duration {
			handler, times := timing(listing(once("first")))
			shard := batchtest.NewShard(batchtest.ShardConfig{Parallelization: 2, RetryDelay: time.Hour})
			shard.Put(batchtest.Record{ID: "first", Key: "a"})
			after(func() { shard.Put(batchtest.Record{ID: "second", Key: "b"}) })
			shard.Drain(ctx, handler)
			return times
		},
		"a window": func(ctx context.Context) map[string]time.Duration {
			handler, times := timing(responding(`{"state":{}}`))
			shard := batchtest.NewShard(batchtest.ShardConfig{Window: 10 * time.Minute})
			shard.Put(batchtest.Record{ID: "first"})
			after(func() { shard.Put(batchtest.Record{ID: "second"}) })
			shard.Drain(ctx, handler)
			return times
		},
	} {
		t.Run(source, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				is.Equal(drain(t.Context()), map[string]time.Duration{"first": 0, "second": time.Minute})
			})
		})
	}
}

func TestADrainThatSleepsNoticesAChangedVisibility(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		q := batchtest.NewQueue(batchtest.QueueConfig{VisibilityTimeout: time.Hour})
		q.Send(batchtest.Message{ID: "m-1"})
		start := time.Now()
		list := listing(once("m-1"))
		run := q.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
			if time.Since(start) == 0 {
				handle := receipts(payload)["m-1"]
				after(func() { is.NoErr(q.ChangeVisibility(handle, 0)) })
			}
			return list(ctx, payload)
		}))
		is.Equal(run.Received("m-1"), 2)
		is.Equal(time.Since(start), time.Minute)
	})
}
