package batchtest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchtest"
)

func TestARecordIsNotDeliveredBeforeItHasArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shard := batchtest.NewShard(batchtest.ShardConfig{})
		now := time.Now()
		shard.Put(
			batchtest.Record{ID: "1"},
			batchtest.Record{ID: "2", Arrived: now.Add(time.Hour)},
			batchtest.Record{ID: "3", Arrived: now}, // after 2, so it arrives with it
		)
		run := shard.Drain(t.Context(), responding(""))
		is.Equal(batches(run), [][]string{{"1"}, {"2", "3"}})
		is.Equal(time.Since(now), time.Hour)
	})
}

func TestARetryWaitsForItsDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shard := batchtest.NewShard(batchtest.ShardConfig{RetryDelay: time.Second, Bisect: true})
		shard.Put(batchtest.Record{ID: "1"}, batchtest.Record{ID: "2"})
		start := time.Now()
		var times []time.Duration
		calls := 0
		run := shard.Drain(t.Context(), function(func(context.Context, []byte) ([]byte, error) {
			times = append(times, time.Since(start))
			if calls++; calls <= 2 {
				return nil, errNoGood
			}
			return nil, nil
		}))
		is.Equal(batches(run), [][]string{{"1", "2"}, {"1"}, {"1"}, {"2"}})
		is.Equal(times, []time.Duration{0, time.Second, 2 * time.Second, 2 * time.Second})
	})
}

func TestRecordsTooOldAreCutFromTheFrontAndTheRestIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shard := batchtest.NewShard(batchtest.ShardConfig{MaxRecordAge: time.Minute, RetryDelay: 10 * time.Second})
		now := time.Now()
		shard.Put(
			batchtest.Record{ID: "1", Arrived: now.Add(-2 * time.Minute)},
			batchtest.Record{ID: "2", Arrived: now.Add(-40 * time.Second)},
			batchtest.Record{ID: "3", Arrived: now},
		)
		run := shard.Drain(t.Context(), failing(anyOf(poisoned("2"))))
		is.Equal(batches(run), [][]string{{"2", "3"}, {"2", "3"}, {"2", "3"}, {"3"}})
		is.Equal(run.Deleted, []string{"3"})
		is.Equal(len(run.Discards), 2)
		is.Equal(run.Discards[0].Condition, "RecordAgeExceeded")
		is.Equal(run.Discards[1].Records, []string{"2"})
		is.Equal(run.DeadLettered, []string{"1", "2"})
	})
}

func TestDiscardingAnOldRecordRestartsTheRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shard := batchtest.NewShard(batchtest.ShardConfig{
			MaxRetries: 1, MaxRecordAge: 100 * time.Second, RetryDelay: 20 * time.Second,
		})
		now := time.Now()
		shard.Put(batchtest.Record{ID: "1", Arrived: now.Add(-90 * time.Second)}, batchtest.Record{ID: "2", Arrived: now})
		run := shard.Drain(t.Context(), failing(func([]record) bool { return true }))
		is.Equal(batches(run), [][]string{{"1", "2"}, {"2"}, {"2"}})
		is.Equal(run.Discards[0].Condition, "RecordAgeExceeded")
		is.Equal(run.Discards[1].Condition, "RetryAttemptsExhausted")
	})
}

func TestMaxRecordAgeEndsUnlimitedRetries(t *testing.T) {
	handlers := map[string]func(func(record) bool) function{
		"an error": func(fails func(record) bool) function { return failing(anyOf(fails)) },
		"a list":   listing,
	}
	const age, delay = time.Hour, 10 * time.Second
	for name, handler := range handlers {
		for source, drain := range map[string]func(context.Context) *batchtest.Run{
			"kinesis": func(ctx context.Context) *batchtest.Run {
				shard := batchtest.NewShard(batchtest.ShardConfig{MaxRecordAge: age, RetryDelay: delay, Bisect: true})
				shard.Put(batchtest.Record{ID: "1"}, batchtest.Record{ID: "2", Arrived: time.Now().Add(time.Second)})
				time.Sleep(time.Second)
				return shard.Drain(ctx, handler(poisoned("1")))
			},
			"kafka": func(ctx context.Context) *batchtest.Run {
				topic := batchtest.NewTopic(batchtest.TopicConfig{MaxRecordAge: age, RetryDelay: delay})
				topic.Put(batchtest.KafkaRecord{})
				time.Sleep(time.Second)
				return topic.Drain(ctx, handler(poisoned("topic-0/0")))
			},
		} {
			t.Run(source+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					run := drain(t.Context())
					is.NoErr(run.Err)
					is.Equal(len(run.Discards), 1)
					is.Equal(run.Discards[0].Condition, "RecordAgeExceeded")
					is.Equal(run.Received(run.DeadLettered[0]), int(age/delay))
				})
			})
		}
	}
}

func TestWithoutADelayMaxRecordAgeDoesNotEndUnlimitedRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shard := batchtest.NewShard(batchtest.ShardConfig{MaxRecordAge: time.Hour})
		shard.Put(batchtest.Record{ID: "1"})
		run := shard.Drain(t.Context(), failing(anyOf(poisoned("1"))))
		is.True(errors.Is(run.Err, batchtest.ErrEndless)) // no time passes
	})
}
