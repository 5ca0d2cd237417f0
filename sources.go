package batch

// Sources make a Stream from an event.

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-lambda-go/events"
)

// SQS is the stream of the messages of a queue. The policy is [Continue], and
// [StopGroup] for a FIFO queue, whose ARN ends in ".fifo". Identifier: messageId;
// group: MessageGroupId.
func SQS(ctx context.Context, event events.SQSEvent, opts ...Option) Stream[events.SQSMessage] {
	return sqsOrigin(ctx, event.Records, settingsOf(opts)).stream()
}

// Kinesis is the stream of a slice of a shard. The policy is [StopBatch].
// Identifier: kinesis.sequenceNumber; group: the partition key.
//
// The service delivers again everything from the lowest reported sequence number
// on. With BisectBatchOnFunctionError on the event source mapping it isolates a
// poison record by halving the batch, which uses up no retries. Without it, what
// comes after that record is discarded untried when the retries end: turn it
// on, or settle poison records with [Catch].
func Kinesis(ctx context.Context, event events.KinesisEvent, opts ...Option) Stream[events.KinesisEventRecord] {
	return kinesisOrigin(ctx, event.Records, settingsOf(opts)).stream()
}

// DynamoDB is the stream of a slice of a table's stream. The policy is
// [StopBatch], for the reasons given at [Kinesis]. Identifier:
// dynamodb.SequenceNumber; group: the item's key.
func DynamoDB(ctx context.Context, event events.DynamoDBEvent, opts ...Option) Stream[events.DynamoDBEventRecord] {
	return dynamoDBOrigin(ctx, event.Records, settingsOf(opts)).stream()
}

// Kafka is the stream of the records of several topic-partitions, which follow
// each other in the order of their names. The policy is [StopGroup]. Group: the
// topic-partition, "<topic>-<n>"; identifier: the object of topic-partition and
// offset, which [Record] shows as "<topic>-<n>/<offset>".
func Kafka(ctx context.Context, event events.KafkaEvent, opts ...Option) Stream[events.KafkaRecord] {
	var all kafkaRecords
	for _, partition := range slices.Sorted(maps.Keys(event.Records)) {
		for _, record := range event.Records[partition] {
			all.add(record, partition, record.Offset)
		}
	}
	return kafkaOrigin(ctx, all, settingsOf(opts)).stream()
}

// Firehose is the stream of the records of a transformation. The policy is
// [Continue]; records have no groups. Identifier: recordId. [CollectFirehose]
// answers it.
func Firehose(ctx context.Context, event events.KinesisFirehoseEvent, opts ...Option) Stream[events.KinesisFirehoseEventRecord] {
	return firehoseOrigin(ctx, event.Records, settingsOf(opts), nil).stream()
}

// From is the stream of records of any kind. describe tells ID, Group and Attempt
// of a record; it must be pure, and is called when the stream is made. The policy is
// [Continue].
func From[R any](ctx context.Context, records []R, describe func(R) Record, opts ...Option) Stream[R] {
	require(describe != nil, "From", "describe is nil")
	o := newOrigin(ctx, records, settingsOf(opts), Continue)
	o.batch.known = make([]identity, len(records))
	for i := range records {
		o.batch.known[i] = identityFrom(records[i], describe)
	}
	return o.stream()
}

// described survives a describe that panics. Its record has no identifier, which the
// collector answers with an error if it is to be reported.
func identityFrom[R any](record R, describe func(R) Record) (known identity) {
	defer func() { _ = recover() }()
	r := describe(record)
	return identity{r.ID, ordering{r.Group, int64(r.Attempt)}}
}

// Of is the stream of the values, with the identifiers "0", "1", and so on: for
// trying and testing stages.
func Of[T any](values ...T) Stream[T] {
	return newOrigin(context.Background(), values, settingsOf(nil), Continue).stream()
}

// stream yields the records, each time as a new run.
func (o *origin[R]) stream() Stream[R] {
	return func(yield func(Result[R]) bool) {
		if len(o.records) == 0 {
			return
		}
		r := o.prepared.Swap(nil)
		if r == nil {
			r = newRun(&o.batch)
		}
		at, fresh := &r.level.firstFeeder, marked(ready, 0)
		if o.batch.scopes != nil {
			fresh |= scopePending
		}
		defer at.idle()
		for i := range r.entries {
			e := &r.entries[i]
			e.level, e.index = &r.level, int32(i)
			result := Result[R]{h: header{entry: e, mark: fresh}}
			if bad, ok := o.batch.badAt(i); ok {
				result.h.fail(&DecodeError{ID: o.batch.id(i), Field: bad.Field, Err: bad.Err}, goesOn)
			} else {
				result.value = o.records[i]
			}
			if r.hasDeadline {
				at.begin(e)
			}
			if !yield(result) {
				return
			}
		}
	}
}
