package batch

// Sources make a Stream from an event.

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-lambda-go/events"
)

// SQS returns the Stream of the messages of an SQS event. The ID of a record is its
// messageId, and its group is its MessageGroupId. The policy is [StopGroup] for a FIFO
// queue, whose ARN ends in ".fifo", and [Continue] for any other queue. The ARN is that in the
// messages, so an event that a test writes by hand needs one.
//
// The service redelivers the reported messages when their visibility timeout ends.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html.
func SQS(ctx context.Context, event events.SQSEvent, opts ...Option) Stream[events.SQSMessage] {
	return sqsOrigin(ctx, event.Records, settingsOf(opts)).stream()
}

// Kinesis returns the Stream of the records of a Kinesis event, which come from one shard.
// The ID of a record is its sequence number, and its group is its partition key. The policy
// is [StopBatch], because the service redelivers every record from the lowest reported
// sequence number on.
//
// Turn on BisectBatchOnFunctionError in the event source mapping, and set
// MaximumRetryAttempts or MaximumRecordAgeInSeconds, or settle failures of poison records
// with [Catch]. With BisectBatchOnFunctionError, the service isolates a poison record by
// splitting the batch, which uses up no retries. Without it, the records after the poison
// record are discarded untried when the retries run out. Without a limit they never do, and
// a poison record blocks its shard until it expires.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html.
func Kinesis(ctx context.Context, event events.KinesisEvent, opts ...Option) Stream[events.KinesisEventRecord] {
	return kinesisOrigin(ctx, event.Records, settingsOf(opts)).stream()
}

// DynamoDB returns the Stream of the records of a DynamoDB Streams event. The ID of a record
// is its dynamodb.SequenceNumber, and its group is the key of the item. The policy is
// [StopBatch]. What [Kinesis] says about redelivery and poison records applies here, too.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html.
func DynamoDB(ctx context.Context, event events.DynamoDBEvent, opts ...Option) Stream[events.DynamoDBEventRecord] {
	return dynamoDBOrigin(ctx, event.Records, settingsOf(opts)).stream()
}

// Kafka returns the Stream of the records of a Kafka event, ordered by the name of their
// topic-partition, "<topic>-<n>". The group of a record is its topic-partition, and the
// policy is [StopGroup]. The ID of a [Record] is "<topic>-<n>/<offset>"; the response
// has it as the object of topic-partition and offset that the service expects. The service
// reads partial-failure responses for Kafka only if the event source mapping is in
// provisioned mode.
//
// Turn on BisectBatchOnFunctionError, and limit the retries or set an on-failure destination.
// By default the service retries without limit, and a poison record blocks its partition.
// With a destination, it gives up after ten retries. Without BisectBatchOnFunctionError, it
// then also gives up the records of the batch that were not tried.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html.
func Kafka(ctx context.Context, event events.KafkaEvent, opts ...Option) Stream[events.KafkaRecord] {
	var all kafkaRecords
	for _, partition := range slices.Sorted(maps.Keys(event.Records)) {
		for _, record := range event.Records[partition] {
			all.add(record, partition, record.Offset)
		}
	}
	return kafkaOrigin(ctx, all, settingsOf(opts)).stream()
}

// Firehose returns the Stream of the records of a Firehose transformation event. The ID of
// a record is its recordId. Records have no groups, and the policy is [Continue]. In a Lambda
// function use [FirehoseHandler]; in tests, [CollectFirehose] collects such a Stream. [Run]
// does not fit, because Firehose expects another response.
func Firehose(ctx context.Context, event events.KinesisFirehoseEvent, opts ...Option) Stream[events.KinesisFirehoseEventRecord] {
	return firehoseOrigin(ctx, event.Records, settingsOf(opts), nil).stream()
}

// From returns a Stream of records of any kind. It calls describe once per record before it
// returns, and uses ID, Group and Attempt of what describe returns. describe must have no
// side effects. If it panics, the record has no ID, reporting it is an error
// ([ErrNoID]), and it counts as a member of every group. The policy is [Continue].
//
// Identifiers should be unique: records that share one are redelivered together. If a failure
// reaches other groups by more than 15 of such links, the whole batch is reported.
func From[R any](ctx context.Context, records []R, describe func(R) Record, opts ...Option) Stream[R] {
	require(describe != nil, "From", "describe is nil")
	o := newOrigin(ctx, records, settingsOf(opts), Continue)
	o.batch.known = make([]identity, len(records))
	for i := range records {
		known, ok := identityFrom(records[i], describe)
		o.batch.known[i] = known
		if !ok {
			o.batch.undescribed = append(o.batch.undescribed, i)
		}
	}
	return o.stream()
}

// identityFrom returns false if describe panics. The record then has no identifier, and the
// collector returns an error if it must report it. It may be of any group.
func identityFrom[R any](record R, describe func(R) Record) (known identity, ok bool) {
	defer func() { _ = recover() }()
	r := describe(record)
	return identity{r.ID, ordering{r.Group, int64(r.Attempt)}}, true
}

// Of returns a Stream of the given values, whose records have the IDs "0", "1", and so on.
// It is for tests and experiments. The policy is [Continue].
func Of[T any](values ...T) Stream[T] {
	return newOrigin(context.Background(), values, settingsOf(nil), Continue).stream()
}

// stream returns a Stream that begins a new run whenever it is ranged over.
func (o *origin[R]) stream() Stream[R] {
	return func(yield func(Result[R]) bool) {
		if len(o.records) == 0 {
			return
		}
		r := o.prepared.Swap(nil)
		if r == nil {
			r = newRun(&o.batch)
		}
		at, fresh := &r.level.firstFeeder, mark(ready)
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
			at.setCurrent(e)
			if !yield(result) {
				return
			}
		}
	}
}
