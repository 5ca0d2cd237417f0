/*
Package batch builds AWS Lambda batch handlers from pipelines of small functions.

Lambda invokes a function with a batch of records: SQS messages, or records from a Kinesis
stream, a DynamoDB stream, a Kafka topic or a Firehose stream. If the function returns an
error, the whole batch is redelivered. If it returns a partial-failure response, SQS
redelivers the messages listed there and deletes the others, and a shard of a stream is read
again from the first listed record on. Handlers made by this package list exactly the records
that must be redelivered, and leave a record out only after its pipeline has finished with it.

	func main() {
		lambda.Start(batch.SQSHandler(process))
	}

	func process(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
		orders := batch.Decode[Order](messages, json.Unmarshal)
		payable := batch.Filter(orders, Order.Payable)
		receipts := batch.TryMap(payable, charge) // func(context.Context, Order) (Receipt, error)
		return batch.TryEach(receipts, store)     // func(context.Context, Receipt) error
	}

The event source mapping reads the response only if it has ReportBatchItemFailures among its
FunctionResponseTypes. Without that setting, the response is ignored, and the failed records are
deleted or skipped too. (Firehose has no such setting and needs none.) This documentation calls
the event source mapping, or Firehose, the service.

# Results and streams

A record is one entry of the event. A source, such as [SQS], turns the event into a
[Stream]: an iterator over one [Result] per record. A Result is in one of three states:

  - Ready: it has a value for the next stage.
  - Done: it needs no more work, for example because [Filter] filtered it out.
  - Failed: it has an error.

A [Stage] is any function that takes a Stream and returns one. Most stages work on ready
results and pass the others on unchanged. So once a result has failed, it skips the
remaining stages and travels straight to the collector.

A collector reads the stream to its end and builds the response. [SQSHandler] and the
other handlers have one built in, and so has [Run]. A record is acknowledged, that is, left out
of the response, if all of its results reached the collector Ready or Done and no failed record
holds it back. Otherwise it is reported, that is, listed in the response. So a record is also
reported if a stage dropped its result, if a loop ended before reaching it, or if its function
did not return in time.

Streams are lazy. Nothing runs until something ranges over the stream, and a stage whose
output is never used does nothing. Ranging twice runs everything twice, effects included.
A Stream is an [iter.Seq], so everything that works on iterators works on it.

# Stages

In pairs such as Map and TryMap, the plain stage takes a function that cannot fail; the Try stage
takes one that receives the record's context and may return an error.

  - Transform a value: [Map], [TryMap], [Decode].
  - Drop a record that needs no work: [Filter], [TryFilter].
  - Split a record into parts, each with its own result: [FlatMap], [TryFlatMap].
  - Cause an effect: [TryEach], and [TryEachChunk] for many records in one call.
  - Settle a failure: [Catch] acknowledges the record or changes its error, [OrElse]
    replaces the failure with a value.
  - Watch every result go by: [Tap].
  - Work on several records at once: [Parallel].
  - Choose a pipeline per record, by its kind: [Route]. [Discard] ends a pipeline whose
    output is not needed.
  - Turn a single function into a stage: [Each].
  - Build your own stage: [Then].

A panic in a function fails its record with a [*PanicError] and does no other harm. A nil or
out-of-range argument is a programming mistake: it panics when the pipeline is built.

The invocation's context enters at the source. Each record gets a context of its own, derived
from it, which tells your functions which record they are working on ([RecordFrom],
[SourceFrom]).

# Failures and order

A group is a set of records that must be processed in order, such as the messages of a
FIFO queue that share a MessageGroupId. A [Policy] says which records a failure holds back:

  - [Continue]: none.
  - [StopGroup]: the later records of its group.
  - [StopBatch]: all later records.

Records that are held back are not processed. They fail with [ErrBlocked] and are
redelivered together with the record that failed. (In lanes and chunks, such a record may have
been processed already, before the failure was known.)

	source             identifier                 group             policy
	SQS                messageId                  MessageGroupId    Continue
	SQS, FIFO queue    messageId                  MessageGroupId    StopGroup
	Kinesis            kinesis.sequenceNumber     partition key     StopBatch
	DynamoDB           dynamodb.SequenceNumber    the item's key    StopBatch
	Kafka              topic-partition, offset    topic-partition   StopGroup
	Firehose           recordId                   none              Continue

The functions [SQS], [Kinesis], [DynamoDB], [Kafka] and [Firehose] make these sources.
[WithPolicy] chooses another policy. A queue is a FIFO queue if its ARN ends in .fifo. Unless
the policy is Continue, a record whose group cannot be read counts as a member of every group:
if it fails, all later records are held back, and in lanes the records of its batch run one at
a time.

A stage checks for earlier failures immediately before it calls a function. A failure that
[Catch] has settled by then holds nothing back.

[From] makes a source of any slice of records, and [Of] one of plain values, for tests.

# Unprocessed records

Some failures mean that a record was not tried, or was not seen to finish:

  - [ErrBlocked]: an earlier failure holds it back.
  - [ErrNotStarted]: the record's context ended before its function could be called.
  - [ErrUnreached]: it never reached the collector.
  - [ErrRunning]: it never reached the collector because a function called for it has not
    returned. A record's error that matches ErrRunning with [errors.Is] matches ErrUnreached too.

A result with one of these errors is called unprocessed. The result itself is marked, not only its
error: Catch, OrElse and [Result.Ack] do not see or change it, so no record can be acknowledged by
mistake before it was tried.

# Lanes and routes

Without [Parallel], [Route] and [TryEachChunk], one record leaves the last stage before the
next one enters the first.

Parallel runs several copies of a stage side by side. Each copy is a lane: a sequential
worker with a goroutine of its own. The stages before the lanes run on a goroutine, too, and
so do those after them: they run one function at a time, but at the same time as each other
and as the lanes. Route runs one stage per kind of record, and everything said about lanes
holds for routes.

Unless the policy is Continue, the records of a group run in batch order, one at a time,
whichever lanes they run in. Results leave the lanes as soon as they are finished, and wait
only where the policy demands an order: under StopGroup the results of one group leave in
batch order, under StopBatch all results do. So a slow record delays only records that must
not overtake it. Unless a later stage settles failures, the response is the same as without
lanes.

A failure inside lanes can be settled there. Once it leaves the lanes, it holds back the records
that the policy names and that have not run yet. A Catch after the lanes is too late for those.

# Deadlines

Lambda kills a function at its deadline, and the whole batch is redelivered. So the records'
contexts end earlier, by the reserve ([WithReserve]). From then on no function is started,
and the handler responds with everything that has finished, even if some functions never
return. The times are counted from the end of the contexts:

  - After a quarter of the reserve, Parallel and Route give up on functions that have not
    returned.
  - After half of it, Run and the handlers stop waiting for functions.
  - After three quarters, they respond, even if a report function, a log handler or a scope
    has not returned.

In the lanes of Parallel, only the record of a stuck function is redelivered, with the records
that the policy holds back: under StopGroup the later ones of its group, under StopBatch all
later ones. (A lane that itself contains a Parallel of m lanes holds up to m records.) Without
lanes, every record after it is redelivered.

When only one reserve is left before the contexts end, [TryEachChunk] stops waiting for records
that are still in lanes, and writes an incomplete chunk. Without lanes it does so when a record
arrives.

A function that has not returned cannot be stopped. It may take effect after its record
was redelivered. So functions should return when their context ends, and writes should be
idempotent or conditional.

# Handlers and responses

[SQSHandler], [KinesisHandler], [DynamoDBHandler], [KafkaHandler] and [FirehoseHandler] make
handlers for lambda.Start. They decode the event record by record: if a record cannot be
decoded, it alone fails, with a [*DecodeError], and holds back what any failure would. For an
event from another source, they return a [*PayloadError]. [KinesisWindowHandler] and
[DynamoDBWindowHandler] serve tumbling windows.

[Run] serves a handler function with a typed event. [Collect] and [Partition] are for tests.

If a batch has records and none of them was acknowledged, Run and every handler but
FirehoseHandler return an [*AllFailedError]. [WithoutAllFailedError] turns that off.
[WithLogger] and [WithReport] say what became of a batch. [WithScope] opens something around
the work on one record, such as a trace span, and closes it when the response has been
decided.

# Laws

These hold for every stage of this package, and are tested as properties:

 1. Conservation. Each record that enters a stage leaves it, as the same [Record].
 2. Nothing is acknowledged unseen. A record is acknowledged only if every one of its results
    reached the collector Ready or Done. A failure in a stage of this package is reported even
    if its result was then thrown away, unless something settled it. (If Then is called
    several times, only the call whose result is sent on counts, provided that all have
    returned by then.) If a stage has copied a result, one copy does not make up for
    another that is stuck, or is still waiting in a chunk or in lanes. Run and handlers
    ignore results of other batches.
 3. Failures only accumulate, except in Catch and OrElse. Of several copies of one result
    the failed one counts: only its descendants can settle the failure.
 4. Nothing starts after the end. Once a record's context has ended, no function is
    called for it, except Tap's. Once the handler has responded, none is called at all.
 5. Map of the identity is the identity, and two Maps are the Map of the composed functions.
    TryMap composes. Filtering twice is filtering once, and two Filters may change places.
    Map is the TryMap that cannot fail.
 6. Parallel is invisible. With any number of lanes, a stage that treats each record
    separately gives each record the same results as without lanes, and the response is the
    same, provided that no later stage settles a failure and time does not run out. Route
    gives each record what its chosen stage gives.
 7. The response lists each reported identifier once, in batch order. Identifiers need not be
    unique: if one of two records with the same identifier fails, that identifier is listed,
    both are redelivered, and both hold back what the policy says.

# Other packages

Package batchtest delivers batches to a handler again and again, as the services do, and
checks a stage of your own against the laws. Package envelope unwraps messages that other
services put into a message. The following are modules of their own, in the folders of the
same name:

  - once does the work for a key once, however often its message is delivered.
  - redeliver chooses when SQS redelivers a failed message.
  - kpl unpacks the records that the Kinesis Producer Library packs together.
  - dynamodbitem turns DynamoDB images into structs.
  - otelbatch makes OpenTelemetry traces and metrics.
  - batchvet finds mistakes that compile.
  - batchdoctor finds mistakes in the template that deploys a function.
*/
package batch
