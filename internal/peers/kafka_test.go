package peers

// Kafka: identifiers are objects, and a failure holds back its partition.

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"
	"github.com/samber/lo"

	"github.com/lambdabatch/batch"
)

// kafkaEvent is an event with these partitions, whose records begin at offset 0.
func kafkaEvent(partitions map[string][]string) []byte {
	records := lo.MapValues(partitions, func(bodies []string, _ string) []fields {
		return lo.Map(bodies, func(body string, offset int) fields {
			return fields{"topic": "parcels", "partition": 0, "offset": offset, "value": base64Of(body)}
		})
	})
	return lo.Must(json.Marshal(fields{"eventSource": "aws:kafka", "records": records}))
}

func onePartition(bodies ...string) []byte {
	return kafkaEvent(map[string][]string{"parcels-0": bodies})
}

func kafkaHandler(stage func(texts) texts, opts ...batch.Option) *batch.Handler {
	return batch.KafkaHandler(func(s batch.Stream[events.KafkaRecord]) texts {
		return stage(batch.Decode[string](s, func(data []byte, v any) error { *v.(*string) = string(data); return nil }))
	}, append(opts, quiet)...)
}

func TestAKafkaBatchThatSucceedsReportsNothing(t *testing.T) {
	var w worker
	for name, stage := range w.ways() {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			w.called = nil
			response, err := kafkaHandler(stage).Invoke(t.Context(), onePartition("first", "second"))
			is.NoErr(err)
			is.Equal(string(response), reporting())
			is.Equal(w.called, []string{"first", "second"})
		})
	}
}

func TestAFailedKafkaRecordIsReportedByPartitionAndOffset(t *testing.T) {
	var w worker
	for name, stage := range w.ways() {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			response, err := kafkaHandler(stage).Invoke(t.Context(), onePartition("first", "bad"))
			is.NoErr(err)
			is.Equal(string(response), `{"batchItemFailures":[{"itemIdentifier":{"partition":"parcels-0","offset":1}}]}`)
		})
	}
}

func TestAfterAFailureTheRestOfThePartitionIsReportedWithoutBeingTried(t *testing.T) {
	const both = `{"batchItemFailures":[{"itemIdentifier":{"partition":"parcels-0","offset":1}},{"itemIdentifier":{"partition":"parcels-0","offset":2}}]}`
	is := is.New(t)
	var w worker
	response, err := kafkaHandler(w.stage).Invoke(t.Context(), onePartition("first", "bad", "bad too"))
	is.NoErr(err)
	is.Equal(string(response), both)
	is.Equal(w.called, []string{"first", "bad"})

	w.called = nil
	response, err = kafkaHandler(w.stage, batch.WithPolicy(batch.Continue)).Invoke(t.Context(), onePartition("first", "bad", "bad too"))
	is.NoErr(err)
	is.Equal(string(response), both)
	is.Equal(w.called, []string{"first", "bad", "bad too"})
}

func TestPartitionsOfSeveralTopicsFailSeparately(t *testing.T) {
	is := is.New(t)
	var w worker
	response, err := kafkaHandler(w.stage).Invoke(t.Context(), kafkaEvent(map[string][]string{
		"letters-1": {"l0", "bad l1"}, "parcels-0": {"p0", "bad p1"},
	}))
	is.NoErr(err)
	is.Equal(string(response), `{"batchItemFailures":[{"itemIdentifier":{"partition":"letters-1","offset":1}},{"itemIdentifier":{"partition":"parcels-0","offset":1}}]}`)
	is.Equal(w.called, []string{"l0", "bad l1", "p0", "bad p1"})
}

func TestAKafkaBatchInWhichEverythingFailedIsAnError(t *testing.T) {
	var w worker
	for name, stage := range w.ways() {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			_, err := kafkaHandler(stage).Invoke(t.Context(), onePartition("bad", "bad"))
			_, all := errors.AsType[*batch.AllFailedError](err)
			is.True(all)
			response, err := kafkaHandler(stage, batch.WithoutAllFailedError()).Invoke(t.Context(), onePartition("bad", "bad"))
			is.NoErr(err)
			is.Equal(string(response), `{"batchItemFailures":[{"itemIdentifier":{"partition":"parcels-0","offset":0}},{"itemIdentifier":{"partition":"parcels-0","offset":1}}]}`)
		})
	}
}

func TestTheValueOfAKafkaRecordIsDecoded(t *testing.T) {
	is := is.New(t)
	var shipped []int
	h := batch.KafkaHandler(func(s batch.Stream[events.KafkaRecord]) batch.Stream[parcel] {
		return batch.TryEach(batch.Decode[parcel](s, json.Unmarshal), func(_ context.Context, p parcel) error { shipped = append(shipped, p.ID); return nil })
	}, quiet)
	response, err := h.Invoke(t.Context(), onePartition(parcelJSON(7)))
	is.NoErr(err)
	is.Equal(string(response), reporting())
	is.Equal(shipped, []int{7})
}

func TestTheFunctionGetsThePropertiesOfAKafkaRecord(t *testing.T) {
	is := is.New(t)
	var seen events.KafkaRecord
	h := batch.KafkaHandler(batch.Each(func(_ context.Context, r events.KafkaRecord) error { seen = r; return nil }), quiet)
	_, err := h.Invoke(t.Context(), []byte(`{"eventSource":"aws:kafka","records":{"parcels-5":[{"topic":"parcels","partition":5,"offset":100,
		"timestamp":1700000000123,"timestampType":"CREATE_TIME","key":"a2V5","value":"dmFsdWU=","headers":[{"kind":[98,111,120]}]}]}}`))
	is.NoErr(err)
	is.Equal(seen.Topic, "parcels")
	is.Equal(seen.Partition, int64(5))
	is.Equal(seen.Offset, int64(100))
	is.True(seen.Timestamp.Equal(time.UnixMilli(1700000000123)))
	is.Equal(seen.TimestampType, "CREATE_TIME")
	is.Equal(string(seen.Headers[0]["kind"]), "box")
}

func TestAKafkaEventWithoutRecordsIsAnEmptyBatch(t *testing.T) {
	is := is.New(t)
	var w worker
	response, err := kafkaHandler(w.stage).Invoke(t.Context(), kafkaEvent(map[string][]string{}))
	is.NoErr(err)
	is.Equal(string(response), reporting())
}

func TestAKafkaEventThatLacksItsRecordsIsAnError(t *testing.T) {
	is := is.New(t)
	var w worker
	_, err := kafkaHandler(w.stage).Invoke(t.Context(), []byte(`{"eventSource":"aws:kafka"}`))
	_, wrong := errors.AsType[*batch.PayloadError](err)
	is.True(wrong)
}
