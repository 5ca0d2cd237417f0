/*
Package batch builds AWS Lambda batch handlers out of small composable stages.

One invocation brings a batch: SQS messages, or a slice of a Kinesis shard, a
DynamoDB stream or a Kafka partition. A handler that answers with the
partial-failure response gets only the records again that it lists; every other
record is deleted. So the records of a batch are a [Stream], a pipeline takes them
from the event to the end, and the records that do not reach the end are listed:

	func main() {
		lambda.Start(batch.SQSHandler(process))
	}

	func process(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
		orders := batch.Decode[Order](messages, json.Unmarshal)
		payable := batch.Filter(orders, Order.Payable)
		receipts := batch.TryMap(payable, charge)
		return batch.TryEach(receipts, store)
	}

The response is read only if the event source mapping has ReportBatchItemFailures
among its FunctionResponseTypes. Without it, nothing here has any effect.

# Words

A record is one entry of the event. A source makes a [Stream] from an event; a
[Stage] is any func(Stream[A]) Stream[B]; a collector folds a Stream into the
response. A [Result] is what a Stream consists of, and is in one of three states:

  - Ready: it has a value for the next stage.
  - Done: it is acknowledged early, by [Filter], [Catch] or [Result.Ack].
  - Failed: it has an error. One kind of Failed is unprocessed: held back by
    another failure ([ErrBlocked]), not started before its context ended
    ([ErrNotStarted]), or not reached ([ErrUnreached]), in particular because a
    function for it had not returned ([ErrRunning]). Unprocessed is a state, not
    an error value, and nothing settles it.

A record is acknowledged if it is absent from the response, and reported if it is
listed. A group is the ordering key of a record: the MessageGroupId of a FIFO
queue, the partition key of Kinesis, the key of a DynamoDB item, the
topic-partition of Kafka. A lane is one sequential worker of [Parallel], and a route one
of the stages that [Route] chooses from.

# Stages

Functions that cannot fail have the plain name; Try marks a function that takes
the record's context and may fail.

  - One to one: [Map], [TryMap], [Decode], [Then].
  - Settling: [Filter], [TryFilter].
  - One to many: [FlatMap], [TryFlatMap].
  - Effects: [TryEach], [Each], and in bulk [TryEachChunk].
  - Looking: [Tap].
  - Recovering: [Catch], [OrElse].
  - Several at once: [Parallel].
  - By kind: [Route]; [Discard] ends a route.

A stage passes on what is not Ready, so a failure travels to the collector, past
every stage but [Tap] and those that recover. A panic in a function fails its
record with a [*PanicError] and nothing else.

Streams are lazy: until something ranges over them nothing runs, and a stage whose
result is not used does nothing. Without
[Parallel], [Route] and [TryEachChunk] a record has left the last stage before the next one
enters the first. Ranging twice runs everything twice, effects included.

# Order

Sequential stages send Results on in the order in which they came. [Parallel] and [Route] send
each Result on as soon as it is finished, and hold back only what must not
overtake: under [StopGroup] the Results of one group leave in batch order, under
[StopBatch] all of them do, and under [Continue] nothing waits. So a slow or stuck
record delays itself and its group, and the stages after the lanes get the others.
The answer does not depend on it: [Partition], responses, reports and failures are
in batch order.

Effects may sit before, in and after lanes. Functions in lanes run concurrently,
those before and after them do not. Each route is a lane, and all that is said of lanes
holds for routes.

# Laws

These hold for every stage and are property-tested:

 1. Conservation. Each record that enters a stage leaves it with its identity.
 2. Nothing is acknowledged unseen. A record is acknowledged only if every one of
    its Results reached the collector Ready or Done. What a stage dropped, a break
    never reached or was still running at the deadline is reported, and so is a
    failure that nobody settled, even if its Result was thrown away. Where a stage
    has copied a Result, a copy that is stuck, or that waits in a chunk or in lanes,
    counts though another one has arrived. In [Run] and handlers, Results of another
    batch name nobody.
 3. Failures only accumulate, except in [Catch] and [OrElse], which never see an
    unprocessed record. Of several copies of one Result the Failed one counts: only
    what descends from a failure settles it.
 4. After the end nothing starts. Once a record's context has ended no function but
    Tap's is called for it; once the answer is given, none at all.
 5. Map of the identity is the identity, and Map fuses; TryMap composes; Filter is
    idempotent and commutes; Map is the TryMap that cannot fail.
 6. Parallel is invisible: with any number of lanes, stages that treat each record
    on its own give each record what they give it without lanes, and the answer is
    the same. Route is invisible in the same sense: it gives what the chosen stage
    gives.
 7. The response lists each reported ID once, in batch order. IDs need not be
    unique: if one of two records with the same ID fails, that ID is reported.

# Sources and policies

	source                 identifier                 group             policy
	[SQS]                  messageId                  MessageGroupId    Continue
	[SQS], ARN in .fifo    messageId                  MessageGroupId    StopGroup
	[Kinesis]              kinesis.sequenceNumber     partition key     StopBatch
	[DynamoDB]             dynamodb.SequenceNumber    the item's key    StopBatch
	[Kafka]                topic-partition, offset    topic-partition   StopGroup
	[Firehose]             recordId                   none              Continue

[Continue] processes everything. Under [StopGroup] records after a failure in
their group are not processed and are reported; under [StopBatch] every later
record. Before each call of a function a stage checks whether an earlier record is
Failed at that moment, so a failure that is settled in time blocks nobody. A
failure that goes into lanes still counts for the stages before them; in the lanes
it is undecided until it leaves them. What [Then] makes Failed counts at once for
the stages that have come as far, so that a stage may try again, and for all when
the next stage sees it. A record whose group cannot be read may belong to any, so
everything after it is held back once it has failed, and in lanes the records of
its batch run one after the other.
[WithPolicy] chooses another policy.

[From] makes a source of anything, and [Of] one of values, for tests.

# Collectors and handlers

[SQSHandler] and its like are handlers for lambda.Start: they decode the payload
record by record, and a record that does not decode fails alone, with a [*DecodeError] as
[Decode] has it. [Run] is for a handler function with the signature that people already
have. [Collect]
and [Partition] are for tests and for streams at hand.

If nothing was acknowledged, the answer is an [*AllFailedError]. A payload that is no event
of the handler's source is a [*PayloadError]. [WithLogger] and [WithReport] say what became
of a batch.

A scope is what a hook opens around the work on one record, from the first function to the
answer: a trace span, log attributes, a client ([WithScope]). Functions get its context. Package
otelbatch, a module of its own, makes spans and metrics of scopes.

# Time

Lambda kills a function at its deadline and delivers the whole batch again. So the
records' contexts end earlier, by the reserve ([WithReserve]). After that nothing
starts, Parallel waits for a quarter of the reserve for what runs, and Run and the
handlers answer after half of it, however many functions are stuck. In the lanes
of Parallel only the stuck record is redelivered, with the later ones of its group;
without lanes, every record after it is. [ErrRunning] and Report.Running tell the
stuck records from those that waited.

A chunk of [TryEachChunk] that is not full does not wait for a record that never
comes: one reserve before the contexts end, lanes that wait for input and the
consumer of lanes have the chunks after them written.

Report functions, log handlers and what closes scopes cannot hold the answer: it leaves
three quarters of the reserve after the contexts ended, whatever they do.

A function that was left behind may take effect later, when its record was
delivered again. Functions must heed their context, and writes must be idempotent
or conditional.

The context enters once, at the source. It travels with each record and says which
one it is ([RecordFrom], [SourceFrom]).

# Testing

Package batchtest has local event source mappings: it delivers to a handler again
and again, as the services do. Its CheckStage checks a stage of your own against these
laws.

# Other packages

Package envelope unwraps what other services put into a message. The following are modules of
their own, in folders of the same name, since not everybody needs them:

  - once does the work of a key once, however often its record is delivered.
  - redeliver says when SQS redelivers the messages that failed.
  - kpl unpacks the aggregated records of the Kinesis Producer Library.
  - dynamodbitem makes structs of the images of DynamoDB records.
  - otelbatch makes OpenTelemetry traces and metrics.
  - batchvet finds mistakes that compile.
*/
package batch
