package batchtest_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/matryer/is"
	"github.com/samber/lo"
)

// partitioned returns a topic with a record per digit. The digit is its partition.
func partitioned(config batchtest.TopicConfig, partitions string) *batchtest.Topic {
	topic := batchtest.NewTopic(config)
	for _, p := range partitions {
		topic.Put(batchtest.KafkaRecord{Partition: int(p - '0')})
	}
	return topic
}

// brief writes topic-0/1 as 0/1.
func brief(ids []string) string {
	return strings.ReplaceAll(strings.Join(ids, " "), "topic-", "")
}

func briefBatches(run *batchtest.Run) string {
	return strings.Join(lo.Map(batches(run), func(batch []string, _ int) string { return brief(batch) }), ", ")
}

func TestATopicDeliversTheExpectedBatches(t *testing.T) {
	listed := func(ids ...string) func() function { return func() function { return listing(poisoned(ids...)) } }
	listedOnce := func(ids ...string) func() function { return func() function { return listing(once(ids...)) } }
	tests := map[string]struct {
		config     batchtest.TopicConfig
		partitions string
		handler    func() function
		fromLowest string
		onlyListed string
		givenUp    [2]string
	}{
		"several partitions in one batch": {
			batchtest.TopicConfig{BatchSize: 3}, "10011", listed(),
			"0/0 0/1 1/0, 1/1 1/2",
			"0/0 0/1 1/0, 1/1 1/2",
			[2]string{},
		},
		"one listed record": {
			batchtest.TopicConfig{}, "0011", listedOnce("topic-0/0"),
			"0/0 0/1 1/0 1/1, 0/0 0/1",
			"0/0 0/1 1/0 1/1, 0/0",
			[2]string{},
		},
		"one listed record per partition": {
			batchtest.TopicConfig{}, "000111", listedOnce("topic-0/1", "topic-1/2"),
			"0/0 0/1 0/2 1/0 1/1 1/2, 0/1 0/2 1/2",
			"0/0 0/1 0/2 1/0 1/1 1/2, 0/1 1/2",
			[2]string{},
		},
		"all records from the first failed one on": {
			batchtest.TopicConfig{}, "0001", listedOnce("topic-0/1", "topic-0/2"),
			"0/0 0/1 0/2 1/0, 0/1 0/2",
			"0/0 0/1 0/2 1/0, 0/1 0/2",
			[2]string{},
		},
		"retries run out": {
			batchtest.TopicConfig{MaxRetries: 1}, "0011", listed("topic-0/0"),
			"0/0 0/1 1/0 1/1, 0/0 0/1, 0/0 0/1",
			"0/0 0/1 1/0 1/1, 0/0, 0/0",
			[2]string{"0/0 0/1", "0/0"},
		},
		"no retries": {
			batchtest.TopicConfig{NoRetries: true}, "00", listed("topic-0/0"),
			"0/0 0/1",
			"0/0 0/1, 0/0",
			[2]string{"0/0 0/1", "0/0"},
		},
		"an error redelivers everything": {
			batchtest.TopicConfig{}, "01", func() function { return failing(anyOf(once("topic-1/0"))) },
			"0/0 1/0, 0/0 1/0",
			"0/0 1/0, 0/0 1/0",
			[2]string{},
		},
		"an error halves the batch": {
			batchtest.TopicConfig{Bisect: true, NoRetries: true}, "0011", func() function { return failing(anyOf(poisoned("topic-1/0"))) },
			"0/0 0/1 1/0 1/1, 0/0 0/1, 1/0 1/1, 1/0, 1/1",
			"0/0 0/1 1/0 1/1, 0/0 0/1, 1/0 1/1, 1/0, 1/1",
			[2]string{"1/0", "1/0"},
		},
		"an unknown offset redelivers everything": {
			batchtest.TopicConfig{MaxRetries: 1}, "01", func() function {
				return responding(`{"batchItemFailures":[{"itemIdentifier":{"partition":"topic-0","offset":7}}]}`)
			},
			"0/0 1/0, 0/0 1/0",
			"0/0 1/0, 0/0 1/0",
			[2]string{"0/0 1/0", "0/0 1/0"},
		},
	}
	for name, test := range tests {
		for i, redeliver := range []batchtest.Redelivery{batchtest.FromLowest, batchtest.OnlyListed} {
			t.Run(fmt.Sprint(name, "/", i), func(t *testing.T) {
				is := is.New(t)
				test.config.Redeliver = redeliver
				topic := partitioned(test.config, test.partitions)
				run := topic.Drain(t.Context(), test.handler())
				is.Equal(briefBatches(run), []string{test.fromLowest, test.onlyListed}[i])
				is.Equal(brief(run.DeadLettered), test.givenUp[i])
				is.Equal(len(run.Deleted)+len(run.DeadLettered), len(test.partitions))
				is.Equal(run.Err, nil)
			})
		}
	}
}

func TestUnlimitedRetriesWithADestinationEndAfterTen(t *testing.T) {
	is := is.New(t)
	run := partitioned(batchtest.TopicConfig{OnFailure: true}, "0").Drain(t.Context(), listing(poisoned("topic-0/0")))
	is.Equal(run.Received("topic-0/0"), 11)
	is.Equal(run.DeadLettered, []string{"topic-0/0"})
	is.Equal(run.Discards[0].ShardID, "topic")

	run = partitioned(batchtest.TopicConfig{OnFailure: true, MaxRetries: 20}, "0").Drain(t.Context(), listing(poisoned("topic-0/0")))
	is.Equal(run.Received("topic-0/0"), 21)

	run = partitioned(batchtest.TopicConfig{MaxRetries: -1}, "0").Drain(t.Context(), listing(poisoned("topic-0/0")))
	is.True(errors.Is(run.Err, batchtest.ErrEndless))
}

func TestAKafkaRecordArrivesInFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		topic := batchtest.NewTopic(batchtest.TopicConfig{Name: "orders"})
		ids := topic.Put(
			batchtest.KafkaRecord{Partition: 12, Key: []byte("user-1"), Value: []byte("\x00value")},
			batchtest.KafkaRecord{Partition: 2},
			batchtest.KafkaRecord{Partition: 12},
		)
		is.Equal(ids, []string{"orders-12/0", "orders-2/0", "orders-12/1"})
		put := time.Now()
		time.Sleep(time.Hour)
		var got events.KafkaEvent
		run := topic.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
			decode(payload, &got)
			return nil, nil
		}))
		is.Equal(run.Invocations[0].Records, []string{"orders-12/0", "orders-12/1", "orders-2/0"})
		is.Equal(got.EventSource, "aws:kafka")
		is.True(strings.HasPrefix(got.EventSourceARN, "arn:aws:kafka:"))
		is.True(got.BootstrapServers != "")
		is.Equal(len(got.Records), 2)
		r := got.Records["orders-12"][0]
		is.Equal(r.Topic, "orders")
		is.Equal(r.Partition, int64(12))
		is.Equal(r.Offset, int64(0))
		is.Equal(r.TimestampType, "CREATE_TIME")
		is.True(r.Timestamp.Equal(put))
		is.Equal(r.Key, base64.StdEncoding.EncodeToString([]byte("user-1")))
		is.Equal(r.Value, base64.StdEncoding.EncodeToString([]byte("\x00value")))
	})
}

func TestOnlyARecordWithoutAValueIsATombstone(t *testing.T) {
	for name, test := range map[string]struct {
		record batchtest.KafkaRecord
		want   map[string]any
	}{
		"an empty value": {batchtest.KafkaRecord{Key: []byte("a"), Value: []byte{}}, map[string]any{"key": "YQ==", "value": ""}},
		"no value":       {batchtest.KafkaRecord{Key: []byte("a")}, map[string]any{"key": "YQ=="}},
		"an empty key":   {batchtest.KafkaRecord{Key: []byte{}, Value: []byte("a")}, map[string]any{"key": "", "value": "YQ=="}},
		"neither":        {batchtest.KafkaRecord{}, map[string]any{}},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			topic := batchtest.NewTopic(batchtest.TopicConfig{})
			topic.Put(test.record)
			topic.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
				var event struct{ Records map[string][]map[string]any }
				decode(payload, &event)
				is.Equal(lo.PickByKeys(event.Records["topic-0"][0], []string{"key", "value"}), test.want)
				return nil, nil
			}))
		})
	}
}

func TestATopicsEventStaysWithinSixMegabytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		topic := batchtest.NewTopic(batchtest.TopicConfig{Name: strings.Repeat("long-", 40), BatchSize: 10_000})
		for i := range 10_000 {
			topic.Put(batchtest.KafkaRecord{Partition: i, Value: make([]byte, 300)})
		}
		run := topic.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
			is.True(len(payload) <= 6<<20)
			return nil, nil
		}))
		is.Equal(len(run.Deleted), 10_000)
		is.True(len(run.Invocations) > 1)
	})
}
