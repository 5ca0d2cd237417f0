package batchtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/samber/lo"
)

// function is a handler in the form that the runtime calls.
type function func(ctx context.Context, payload []byte) ([]byte, error)

func (f function) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return f(ctx, payload) }

// responding makes a handler that returns the same response for every event.
func responding(response string) function {
	return func(context.Context, []byte) ([]byte, error) { return []byte(response), nil }
}

var errNoGood = errors.New("no good")

// failing makes a handler that returns an error for some batches.
func failing(fails func([]record) bool) function {
	return func(_ context.Context, payload []byte) ([]byte, error) {
		if fails(recordsOf(payload)) {
			return nil, errNoGood
		}
		return nil, nil
	}
}

// listing makes a handler that lists some records.
func listing(fails func(record) bool) function {
	return func(_ context.Context, payload []byte) ([]byte, error) {
		failures := lo.FilterMap(recordsOf(payload), func(r record, _ int) (map[string]any, bool) {
			return map[string]any{"itemIdentifier": r.identifier}, fails(r)
		})
		return json.Marshal(map[string]any{"batchItemFailures": failures})
	}
}

// poisoned is true for these records at each delivery.
func poisoned(ids ...string) func(record) bool {
	return func(r record) bool { return slices.Contains(ids, r.id) }
}

// once is true for these records at their first delivery.
func once(ids ...string) func(record) bool {
	seen := make(map[string]bool)
	return func(r record) bool {
		first := !seen[r.id]
		seen[r.id] = true
		return first && slices.Contains(ids, r.id)
	}
}

// anyOf is true for a batch with a record for which fails is true.
func anyOf(fails func(record) bool) func([]record) bool {
	return func(batch []record) bool { return slices.ContainsFunc(batch, fails) }
}

// record is what tests read of a record, whatever its source.
type record struct {
	id         string
	identifier any // as a response lists it
	key        string
	received   int // receives of a message
}

// recordsOf panics if it cannot read an event, so the invocation fails.
func recordsOf(payload []byte) []record {
	var fields map[string]json.RawMessage
	decode(payload, &fields)
	if fields["records"] != nil {
		var partitions map[string][]events.KafkaRecord
		decode(fields["records"], &partitions)
		return lo.FlatMap(slices.Sorted(maps.Keys(partitions)), func(partition string, _ int) []record {
			return lo.Map(partitions[partition], func(r events.KafkaRecord, _ int) record { return kafkaRecord(partition, r) })
		})
	}
	var raw []json.RawMessage
	decode(fields["Records"], &raw)
	return lo.Map(raw, func(r json.RawMessage, _ int) record { return recordOf(r) })
}

func kafkaRecord(partition string, r events.KafkaRecord) record {
	return record{
		id:         fmt.Sprintf("%s/%d", partition, r.Offset),
		identifier: map[string]any{"partition": partition, "offset": r.Offset},
		key:        partition,
	}
}

func recordOf(raw json.RawMessage) record {
	var source struct{ EventSource string }
	decode(raw, &source)
	switch source.EventSource {
	case "aws:sqs":
		var m events.SQSMessage
		decode(raw, &m)
		received := lo.Must(strconv.Atoi(m.Attributes["ApproximateReceiveCount"]))
		return record{id: m.MessageId, identifier: m.MessageId, key: m.Attributes["MessageGroupId"], received: received}
	case "aws:kinesis":
		var r events.KinesisEventRecord
		decode(raw, &r)
		return record{id: r.Kinesis.SequenceNumber, identifier: r.Kinesis.SequenceNumber, key: r.Kinesis.PartitionKey}
	case "aws:dynamodb":
		var r events.DynamoDBEventRecord
		decode(raw, &r)
		return record{id: r.Change.SequenceNumber, identifier: r.Change.SequenceNumber, key: r.Change.Keys["id"].String()}
	}
	panic("unknown event source " + source.EventSource)
}

func decode(data []byte, into any) {
	if err := json.Unmarshal(data, into); err != nil {
		panic(err)
	}
}

// batches returns the records of each invocation.
func batches(run *batchtest.Run) [][]string {
	return lo.Map(run.Invocations, func(i batchtest.Invocation, _ int) []string { return i.Records })
}

func outcomes(run *batchtest.Run) []batchtest.Outcome {
	return lo.Map(run.Invocations, func(i batchtest.Invocation, _ int) batchtest.Outcome { return i.Outcome })
}

func received(run *batchtest.Run, ids ...string) []int {
	return lo.Map(ids, func(id string, _ int) int { return run.Received(id) })
}

// numbered makes the messages m-1 to m-n of one group.
func numbered(n int, group string) []batchtest.Message {
	return lo.Times(n, func(i int) batchtest.Message {
		return batchtest.Message{ID: fmt.Sprintf("m-%d", i+1), Body: "{}", Group: group}
	})
}
