package batchtest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchtest"
)

func TestTheVisibilityTimeoutCountsFromTheReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		q := batchtest.NewQueue(batchtest.QueueConfig{VisibilityTimeout: 30 * time.Second, Timeout: time.Minute})
		q.Send(batchtest.Message{ID: "m-1"})
		start := time.Now()
		var times []time.Duration
		list := listing(once("m-1"))
		q.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
			times = append(times, time.Since(start))
			time.Sleep(20 * time.Second)
			return list(ctx, payload)
		}))
		is.Equal(times, []time.Duration{0, 30 * time.Second})
	})
}

func TestWhatMayComeIsDeliveredWhileOtherMessagesAreHidden(t *testing.T) {
	tests := map[string]struct {
		config batchtest.QueueConfig
		want   [][]string
		times  []time.Duration
	}{
		"FIFO, but not the group of the hidden one": {
			batchtest.QueueConfig{FIFO: true, BatchSize: 1, VisibilityTimeout: time.Minute},
			[][]string{{"a-1"}, {"b-1"}, {"a-1"}, {"a-2"}},
			[]time.Duration{0, 0, time.Minute, time.Minute},
		},
		"standard": {
			batchtest.QueueConfig{BatchSize: 1, VisibilityTimeout: time.Minute},
			[][]string{{"a-1"}, {"b-1"}, {"a-2"}, {"a-1"}},
			[]time.Duration{0, 0, 0, time.Minute},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				q := batchtest.NewQueue(test.config)
				q.Send(batchtest.Message{ID: "a-1", Group: "a"}, batchtest.Message{ID: "b-1", Group: "b"}, batchtest.Message{ID: "a-2", Group: "a"})
				start := time.Now()
				var times []time.Duration
				list := listing(once("a-1"))
				run := q.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
					times = append(times, time.Since(start))
					return list(ctx, payload)
				}))
				is.Equal(batches(run), test.want)
				is.Equal(times, test.times)
			})
		})
	}
}

func TestOnlyAStandardQueueDeletesAfterTheVisibilityTimeout(t *testing.T) {
	slow := func(first time.Duration) function {
		calls := 0
		return func(context.Context, []byte) ([]byte, error) {
			calls++
			if calls == 1 {
				time.Sleep(first)
			}
			return nil, nil
		}
	}
	tests := map[string]struct {
		fifo     bool
		took     time.Duration
		received int
	}{
		"FIFO, in time":     {true, 9 * time.Second, 1},
		"FIFO, too late":    {true, 10 * time.Second, 2},
		"standard, in time": {false, 9 * time.Second, 1},
		"standard, late":    {false, 11 * time.Second, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				q := batchtest.NewQueue(batchtest.QueueConfig{
					FIFO: test.fifo, VisibilityTimeout: 10 * time.Second, Timeout: time.Minute,
				})
				q.Send(batchtest.Message{ID: "m-1", Group: "a"})
				run := q.Drain(t.Context(), slow(test.took))
				is.Equal(run.Received("m-1"), test.received)
				is.Equal(run.Deleted, []string{"m-1"})
				is.Equal(run.Invocations[0].Outcome, batchtest.Success)
				is.Equal(len(run.Invocations[0].Done) == 1, test.received == 1)
			})
		})
	}
}
