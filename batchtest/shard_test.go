package batchtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/matryer/is"
	"github.com/samber/lo"

	"github.com/lambdabatch/batch/batchtest"
)

// both runs a test per source. The shard has the records 1 to n, all with one key.
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

func TestAShardDeliversTheExpectedBatches(t *testing.T) {
	listed := func(ids ...string) func() function { return func() function { return listing(poisoned(ids...)) } }
	listedOnce := func(ids ...string) func() function { return func() function { return listing(once(ids...)) } }
	failed := func(ids ...string) func() function {
		return func() function { return failing(anyOf(poisoned(ids...))) }
	}

	tests := map[string]struct {
		records int
		config  batchtest.ShardConfig
		handler func() function
		batches string
		deleted string
		givenUp string
	}{
		"recorded: the last of three fails, with three retries": {
			5, batchtest.ShardConfig{BatchSize: 3, MaxRetries: 3}, listed("3"),
			"123 3 3 3 3 45", "1245", "3",
		},
		"the same, bisecting": {
			5, batchtest.ShardConfig{BatchSize: 3, MaxRetries: 3, Bisect: true}, listed("3"),
			"123 3 3 3 3 45", "1245", "3",
		},
		"the lowest listed record is the checkpoint in any order of the list": {
			5, batchtest.ShardConfig{}, listedOnce("4", "2"),
			"12345 2345", "12345", "",
		},
		"redelivered records form their own batch": {
			6, batchtest.ShardConfig{BatchSize: 3}, listedOnce("2"),
			"123 23 456", "123456", "",
		},
		"an error redelivers the whole batch": {
			3, batchtest.ShardConfig{BatchSize: 2, MaxRetries: 1}, failed("1"),
			"12 12 3", "3", "12",
		},
		"records that were never tried are given up with the first": {
			4, batchtest.ShardConfig{NoRetries: true}, listed("1"),
			"1234", "", "1234",
		},
		"without retries, records after a checkpoint are still delivered once": {
			4, batchtest.ShardConfig{NoRetries: true}, listed("3"),
			"1234 34", "12", "34",
		},
		"a list from the first record costs a retry": {
			3, batchtest.ShardConfig{MaxRetries: 2, Bisect: true}, listed("1", "2", "3"),
			"123 123 123", "", "123",
		},
		"a moved checkpoint restarts the retries": {
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
		"an odd batch is halved, too": {
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
		"a batch has a hundred records by default": {
			101, batchtest.ShardConfig{}, listed(),
			strings.Join([]string{digits(1, 100), digits(101, 101)}, " "), digits(1, 101), "",
		},
	}
	for name, test := range tests {
		both(t, test.records, test.config, func(t *testing.T, shard *batchtest.Shard) {
			t.Run(name, func(t *testing.T) {
				is := is.New(t)
				run := shard.Drain(t.Context(), test.handler())
				got := lo.Map(batches(run), func(batch []string, _ int) string { return strings.Join(batch, "") })
				var givenUp []string
				for _, discard := range run.Discards {
					is.Equal(discard.Condition, "RetryAttemptsExhausted")
					is.True(strings.HasPrefix(discard.ShardID, "shardId-"))
					givenUp = append(givenUp, discard.Records...)
				}
				is.Equal(strings.Join(got, " "), test.batches)
				is.Equal(strings.Join(run.Deleted, ""), test.deleted)
				is.Equal(strings.Join(run.DeadLettered, ""), test.givenUp)
				is.Equal(givenUp, run.DeadLettered)
				is.Equal(run.Err, nil)
			})
		})
	}
}

func digits(from, to int) string {
	return strings.Join(lo.Times(to-from+1, func(i int) string { return fmt.Sprint(from + i) }), "")
}

func TestTheRecordedShardDeliversItsPoisonRecordFiveTimesAndDiscardsOnlyThat(t *testing.T) {
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

func TestMovingTheCheckpointRestartsTheRetries(t *testing.T) {
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
