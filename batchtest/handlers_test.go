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
)

// function is a handler in the form in which the runtime calls it.
type function func(ctx context.Context, payload []byte) ([]byte, error)

func (f function) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return f(ctx, payload) }

// answering makes a handler that gives the same answer to every event.
func answering(response string) function {
	return func(context.Context, []byte) ([]byte, error) { return []byte(response), nil }
}

var errNoGood = errors.New("no good")

// erring makes a handler that returns an error for the batches of which fails
// says so.
func erring(fails func([]record) bool) function {
	return func(_ context.Context, payload []byte) ([]byte, error) {
		if fails(recordsOf(payload)) {
			return nil, errNoGood
		}
		return nil, nil
	}
}

// listing makes a handler that lists the records of which fails says so.
func listing(fails func(record) bool) function {
	return func(_ context.Context, payload []byte) ([]byte, error) {
		failures := []map[string]any{}
		for _, r := range recordsOf(payload) {
			if fails(r) {
				failures = append(failures, map[string]any{"itemIdentifier": r.identifier})
			}
		}
		return json.Marshal(map[string]any{"batchItemFailures": failures})
	}
}

// poisoned says of these records that they fail whenever they come.
func poisoned(ids ...string) func(record) bool {
	return func(r record) bool { return slices.Contains(ids, r.id) }
}

// once says of these records that they fail the first time they come.
func once(ids ...string) func(record) bool {
	seen := make(map[string]bool)
	return func(r record) bool {
		first := !seen[r.id]
		seen[r.id] = true
		return first && slices.Contains(ids, r.id)
	}
}

// anyOf says of a batch that it fails if one of its records does.
func anyOf(fails func(record) bool) func([]record) bool {
	return func(batch []record) bool { return slices.ContainsFunc(batch, fails) }
}

// record is what tests look at in an event, whatever its source.
type record struct {
	id         string
	identifier any // as an answer gives it
	key        string
	received   int // of a queue's message
}

// recordsOf panics on an event that cannot be read, which the invocation then
// shows.
func recordsOf(payload []byte) []record {
	var fields map[string]json.RawMessage
	decode(payload, &fields)
	var records []record
	if fields["records"] != nil {
		var partitions map[string][]events.KafkaRecord
		decode(fields["records"], &partitions)
		for _, partition := range slices.Sorted(maps.Keys(partitions)) {
			for _, r := range partitions[partition] {
				records = append(records, kafkaRecord(partition, r))
			}
		}
		return records
	}
	var raw []json.RawMessage
	decode(fields["Records"], &raw)
	for _, r := range raw {
		records = append(records, recordOf(r))
	}
	return records
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
		received, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
		if err != nil {
			panic(err)
		}
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

// batches are the records of each invocation.
func batches(run *batchtest.Run) [][]string {
	var batches [][]string
	for _, invocation := range run.Invocations {
		batches = append(batches, invocation.Records)
	}
	return batches
}

func outcomes(run *batchtest.Run) []batchtest.Outcome {
	var outcomes []batchtest.Outcome
	for _, invocation := range run.Invocations {
		outcomes = append(outcomes, invocation.Outcome)
	}
	return outcomes
}

func received(run *batchtest.Run, ids ...string) []int {
	var counts []int
	for _, id := range ids {
		counts = append(counts, run.Received(id))
	}
	return counts
}

// numbered makes messages m-1 to m-n of one group.
func numbered(n int, group string) []batchtest.Message {
	var messages []batchtest.Message
	for i := range n {
		messages = append(messages, batchtest.Message{ID: fmt.Sprintf("m-%d", i+1), Body: "{}", Group: group})
	}
	return messages
}
