package batchtest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/matryer/is"
)

// both runs a test for each source of shards, with n records of one key named
// 1, 2, ….
func both(t *testing.T, n int, config batchtest.ShardConfig, test func(*testing.T, *batchtest.Shard)) {
	t.Helper()
	for name, source := range map[string]batchtest.Source{"kinesis": batchtest.Kinesis, "dynamodb": batchtest.DynamoDB} {
		t.Run(name, func(t *testing.T) {
			config.Source = source
			shard := batchtest.NewShard(config)
			for i := range n {
				shard.Put(batchtest.Record{ID: fmt.Sprint(i + 1), Key: "a"})
			}
			test(t, shard)
		})
	}
}

func TestWhatAShardDelivers(t *testing.T) {
	listed := func(ids ...string) func() function { return func() function { return listing(poisoned(ids...)) } }
	listedOnce := func(ids ...string) func() function { return func() function { return listing(once(ids...)) } }
	failed := func(ids ...string) func() function { return func() function { return erring(anyOf(poisoned(ids...))) } }

	tests := map[string]struct {
		records int
		config  batchtest.ShardConfig
		handler func() function
		want    string // the batches
		deleted string
		givenUp string // by discards
	}{
		"recorded: the last of three fails, with three retries": {
			5, batchtest.ShardConfig{BatchSize: 3, MaxRetries: 3}, listed("3"),
			"123 3 3 3 3 45", "1245", "3",
		},
		"the same, bisecting": {
			5, batchtest.ShardConfig{BatchSize: 3, MaxRetries: 3, Bisect: true}, listed("3"),
			"123 3 3 3 3 45", "1245", "3",
		},
		"the lowest listed record is the checkpoint, whatever the order of the list": {
			5, batchtest.ShardConfig{}, listedOnce("4", "2"),
			"12345 2345", "12345", "",
		},
		"what comes again stays a batch of its own": {
			6, batchtest.ShardConfig{BatchSize: 3}, listedOnce("2"),
			"123 23 456", "123456", "",
		},
		"an error brings the whole batch again": {
			3, batchtest.ShardConfig{BatchSize: 2, MaxRetries: 1}, failed("1"),
			"12 12 3", "3", "12",
		},
		"never tried records are given up with the first": {
			4, batchtest.ShardConfig{NoRetries: true}, listed("1"),
			"1234", "", "1234",
		},
		"no retries, and yet what stands behind a checkpoint comes once": {
			4, batchtest.ShardConfig{NoRetries: true}, listed("3"),
			"1234 34", "12", "34",
		},
		"a list from the first record costs a retry": {
			3, batchtest.ShardConfig{MaxRetries: 2, Bisect: true}, listed("1", "2", "3"),
			"123 123 123", "", "123",
		},
		"a checkpoint that moves restarts the budget": {
			3, batchtest.ShardConfig{MaxRetries: 2}, listedOnce("1", "2", "3"),
			"123 123", "123", "",
		},
		"splits cost no retry": {
			4, batchtest.ShardConfig{NoRetries: true, Bisect: true}, failed("3"),
			"1234 12 34 3 4", "124", "3",
		},
		"a poison record is isolated in as many halvings as the batch has": {
			8, batchtest.ShardConfig{MaxRetries: 2, Bisect: true}, failed("8"),
			"12345678 1234 5678 56 78 7 8 8 8", "1234567", "8",
		},
		"an odd batch is halved too": {
			3, batchtest.ShardConfig{NoRetries: true, Bisect: true}, failed("1"),
			"123 1 23", "23", "1",
		},
		"several poison records": {
			4, batchtest.ShardConfig{NoRetries: true, Bisect: true}, failed("1", "4"),
			"1234 12 1 2 34 3 4", "23", "14",
		},
		"new records wait for the halves": {
			4, batchtest.ShardConfig{BatchSize: 2, Bisect: true, MaxRetries: 1}, failed("1"),
			"12 1 1 2 34", "234", "1",
		},
		"a hundred a batch unless set": {
			101, batchtest.ShardConfig{}, listed(),
			strings.Join([]string{digits(1, 100), digits(101, 101)}, " "), digits(1, 101), "",
		},
	}
	for name, test := range tests {
		both(t, test.records, test.config, func(t *testing.T, shard *batchtest.Shard) {
			t.Run(name, func(t *testing.T) {
				is := is.New(t)
				run := shard.Drain(t.Context(), test.handler())
				var got, givenUp []string
				for _, batch := range batches(run) {
					got = append(got, strings.Join(batch, ""))
				}
				for _, discard := range run.Discards {
					is.Equal(discard.Condition, "RetryAttemptsExhausted")
					is.True(strings.HasPrefix(discard.ShardID, "shardId-"))
					givenUp = append(givenUp, discard.Records...)
				}
				is.Equal(strings.Join(got, " "), test.want)
				is.Equal(strings.Join(run.Deleted, ""), test.deleted)
				is.Equal(strings.Join(run.DeadLettered, ""), test.givenUp)
				is.Equal(givenUp, run.DeadLettered)
				is.Equal(run.Err, nil)
			})
		})
	}
}

func digits(from, to int) string {
	var text strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprint(&text, i)
	}
	return text.String()
}

func TestTheRecordedShardDeliversItsPoisonRecordFiveTimesAndGivesItUpAlone(t *testing.T) {
	both(t, 0, batchtest.ShardConfig{BatchSize: 3, MaxRetries: 3}, func(t *testing.T, shard *batchtest.Shard) {
		is := is.New(t)
		shard.Put(batchtest.Record{ID: "3"}, batchtest.Record{ID: "4"}, batchtest.Record{ID: "5"})
		run := shard.Drain(t.Context(), listing(poisoned("5")))
		is.Equal(received(run, "3", "4", "5"), []int{1, 1, 5})
		is.Equal(len(run.Discards), 1)
		is.Equal(run.Discards[0].Records, []string{"5"})
		is.Equal(run.Discards[0].Condition, "RetryAttemptsExhausted")
	})
}

func TestABudgetIsRestartedByEachMoveOfTheCheckpoint(t *testing.T) {
	both(t, 3, batchtest.ShardConfig{MaxRetries: 1}, func(t *testing.T, shard *batchtest.Shard) {
		is := is.New(t)
		times := make(map[string]int)
		run := shard.Drain(t.Context(), listing(func(r record) bool {
			times[r.id]++
			return times[r.id] <= map[string]int{"1": 1, "2": 3, "3": 5}[r.id]
		}))
		is.Equal(run.DeadLettered, nil)
		is.Equal(received(run, "1", "2", "3"), []int{2, 4, 6})
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
		run := shard.Drain(t.Context(), erring(anyOf(poisoned("2"))))
		is.Equal(batches(run), [][]string{{"2", "3"}, {"2", "3"}, {"2", "3"}, {"3"}})
		is.Equal(run.Deleted, []string{"3"})
		is.Equal(len(run.Discards), 2)
		is.Equal(run.Discards[0].Condition, "RecordAgeExceeded")
		is.Equal(run.Discards[1].Records, []string{"2"})
		is.Equal(run.DeadLettered, []string{"1", "2"})
	})
}

func TestARecordTooOldTakesItsRetriesWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shard := batchtest.NewShard(batchtest.ShardConfig{
			MaxRetries: 1, MaxRecordAge: 100 * time.Second, RetryDelay: 20 * time.Second,
		})
		now := time.Now()
		shard.Put(batchtest.Record{ID: "1", Arrived: now.Add(-90 * time.Second)}, batchtest.Record{ID: "2", Arrived: now})
		run := shard.Drain(t.Context(), erring(func([]record) bool { return true }))
		is.Equal(batches(run), [][]string{{"1", "2"}, {"2"}, {"2"}})
		is.Equal(run.Discards[0].Condition, "RecordAgeExceeded")
		is.Equal(run.Discards[1].Condition, "RetryAttemptsExhausted")
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

func TestParallelLanesKeepTheOrderOfEachKey(t *testing.T) {
	both(t, 0, batchtest.ShardConfig{Parallelization: 3, BatchSize: 2}, func(t *testing.T, shard *batchtest.Shard) {
		is := is.New(t)
		for i := range 30 {
			shard.Put(batchtest.Record{ID: fmt.Sprintf("%02d", i), Key: fmt.Sprint("key-", i%5)})
		}
		done := make(map[string][]string)
		failing := once("03", "11")
		run := shard.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
			stuck := false
			return listing(func(r record) bool {
				stuck = stuck || failing(r)
				if !stuck {
					done[r.key] = append(done[r.key], r.id)
				}
				return stuck
			})(ctx, payload)
		}))
		is.Equal(len(run.Deleted), 30)
		is.Equal(len(done), 5)
		for _, ids := range done {
			is.True(slices.IsSorted(ids)) // in order
			is.Equal(len(ids), 6)         // and each once
		}
		is.True(!slices.IsSorted(run.Deleted)) // while the lanes go on by themselves
	})
}

func TestAFailingLaneDoesNotHoldUpTheOthers(t *testing.T) {
	is := is.New(t)
	shard := batchtest.NewShard(batchtest.ShardConfig{Parallelization: 2, MaxRetries: 3})
	shard.Put(batchtest.Record{ID: "a1", Key: "a"}, batchtest.Record{ID: "b1", Key: "b"}, batchtest.Record{ID: "a2", Key: "a"})
	run := shard.Drain(t.Context(), listing(poisoned("a1")))
	is.Equal(batches(run), [][]string{{"a1", "a2"}, {"b1"}, {"a1", "a2"}, {"a1", "a2"}, {"a1", "a2"}})
	is.Equal(run.Deleted, []string{"b1"})
	is.Equal(run.DeadLettered, []string{"a1", "a2"})
}

func TestARecordIsNotDeliveredBeforeItHasArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shard := batchtest.NewShard(batchtest.ShardConfig{})
		now := time.Now()
		shard.Put(
			batchtest.Record{ID: "1"},
			batchtest.Record{ID: "2", Arrived: now.Add(time.Hour)},
			batchtest.Record{ID: "3", Arrived: now}, // behind 2, so not before it
		)
		run := shard.Drain(t.Context(), answering(""))
		is.Equal(batches(run), [][]string{{"1"}, {"2", "3"}})
		is.Equal(time.Since(now), time.Hour)
	})
}

func TestAStreamEventStaysWithinSixMegabytes(t *testing.T) {
	both(t, 0, batchtest.ShardConfig{}, func(t *testing.T, shard *batchtest.Shard) {
		is := is.New(t)
		for range 6 {
			shard.Put(batchtest.Record{Data: make([]byte, 1<<20)}) // 1⅓ MB in base64
		}
		run := shard.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
			is.True(len(payload) <= 6<<20)
			return nil, nil
		}))
		is.Equal(len(run.Invocations), 2)
		is.Equal(len(run.Deleted), 6)
	})
}

func TestSequenceNumbersAreLongAndAscend(t *testing.T) {
	for name, test := range map[string]struct {
		source batchtest.Source
		digits int
	}{
		"kinesis":  {batchtest.Kinesis, 56},
		"dynamodb": {batchtest.DynamoDB, 25},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			shard := batchtest.NewShard(batchtest.ShardConfig{Source: test.source})
			ids := shard.Put(make([]batchtest.Record, 12)...)
			is.True(slices.IsSorted(ids))
			is.Equal(len(slices.Compact(slices.Clone(ids))), 12)
			is.Equal(len(ids[0]), test.digits)
			run := shard.Drain(t.Context(), listing(once(ids[4])))
			is.Equal(run.Received(ids[3]), 1)
			is.Equal(run.Received(ids[4]), 2)
			is.Equal(run.Received(ids[5]), 2)
		})
	}
}

func TestTheEventIDIsNotTheIdentifier(t *testing.T) {
	is := is.New(t)
	shard := batchtest.NewShard(batchtest.ShardConfig{NoRetries: true})
	shard.Put(batchtest.Record{}, batchtest.Record{})
	run := shard.Drain(t.Context(), batchtest.Handler(func(_ context.Context, event events.KinesisEvent) (events.KinesisEventResponse, error) {
		return events.KinesisEventResponse{BatchItemFailures: []events.KinesisBatchItemFailure{
			{ItemIdentifier: event.Records[1].EventID},
		}}, nil
	}))
	is.Equal(outcomes(run), []batchtest.Outcome{batchtest.Failure})

	shard = batchtest.NewShard(batchtest.ShardConfig{Source: batchtest.DynamoDB, NoRetries: true})
	shard.Put(batchtest.Record{}, batchtest.Record{})
	run = shard.Drain(t.Context(), batchtest.Handler(func(_ context.Context, event events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		return events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{
			{ItemIdentifier: event.Records[1].EventID},
		}}, nil
	}))
	is.Equal(outcomes(run), []batchtest.Outcome{batchtest.Failure})
}

func TestAKinesisRecordArrivesInFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shard := batchtest.NewShard(batchtest.ShardConfig{})
		id := shard.Put(batchtest.Record{Key: "user-1", Data: []byte("\x00data")})[0]
		put := time.Now()
		time.Sleep(time.Hour)
		var got events.KinesisEvent
		shard.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
			is.True(!strings.Contains(string(payload), "window"))
			decode(payload, &got)
			return nil, nil
		}))
		r := got.Records[0]
		is.Equal(r.EventID, "shardId-000000000000:"+id)
		is.Equal(r.EventSource, "aws:kinesis")
		is.Equal(r.EventName, "aws:kinesis:record")
		is.Equal(r.EventSourceArn, "arn:aws:kinesis:us-east-1:123456789012:stream/stream")
		is.Equal(r.Kinesis.SequenceNumber, id)
		is.Equal(r.Kinesis.PartitionKey, "user-1")
		is.Equal(string(r.Kinesis.Data), "\x00data")
		is.True(r.Kinesis.ApproximateArrivalTimestamp.Equal(put))
	})
}

func TestADynamoDBRecordArrivesInFull(t *testing.T) {
	type image = map[string]events.DynamoDBAttributeValue
	item := image{"id": events.NewStringAttribute("user-1"), "n": events.NewNumberAttribute("1")}
	key := image{"id": events.NewStringAttribute("user-1")}
	composite := image{"a": events.NewStringAttribute("x"), "b": events.NewNumberAttribute("2")}
	tests := map[string]struct {
		put                 batchtest.Record
		event               string
		keys, before, after image
	}{
		"data":    {batchtest.Record{Key: "user-1", Data: []byte("d")}, "INSERT", key, nil, image{"id": events.NewStringAttribute("user-1"), "data": events.NewBinaryAttribute([]byte("d"))}},
		"insert":  {batchtest.Record{Key: "user-1", New: item}, "INSERT", key, nil, item},
		"modify":  {batchtest.Record{Key: "user-1", Old: item, New: key}, "MODIFY", key, item, key},
		"remove":  {batchtest.Record{Key: "user-1", Old: item}, "REMOVE", key, item, nil},
		"its key": {batchtest.Record{Keys: composite, New: item}, "INSERT", composite, nil, item},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			shard := batchtest.NewShard(batchtest.ShardConfig{Source: batchtest.DynamoDB})
			id := shard.Put(test.put)[0]
			var got events.DynamoDBEvent
			shard.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
				decode(payload, &got)
				return nil, nil
			}))
			r := got.Records[0]
			is.Equal(r.EventName, test.event)
			is.Equal(r.EventSource, "aws:dynamodb")
			is.Equal(r.Change.SequenceNumber, id)
			is.Equal(r.Change.Keys, test.keys)
			is.Equal(r.Change.OldImage, test.before)
			is.Equal(r.Change.NewImage, test.after)
			is.Equal(r.Change.StreamViewType, "NEW_AND_OLD_IMAGES")
			is.True(r.Change.SizeBytes > 0)
		})
	}
}

func TestItemsOfOneKeyShareALane(t *testing.T) {
	is := is.New(t)
	shard := batchtest.NewShard(batchtest.ShardConfig{Source: batchtest.DynamoDB, Parallelization: 10})
	for i := range 6 {
		shard.Put(batchtest.Record{Keys: map[string]events.DynamoDBAttributeValue{"k": events.NewNumberAttribute(fmt.Sprint(i % 2))}})
	}
	run := shard.Drain(t.Context(), answering(""))
	is.True(len(run.Invocations) <= 2)
}
