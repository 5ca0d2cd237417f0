// Package batchtest tests Lambda batch handlers over several deliveries, in memory.
//
// The hard part of a batch handler is what happens after a failure: which records are
// redelivered, in which order, how often, and which of them are given up. Batchtest plays
// the part of the service. A test puts records into a queue, a shard or a topic and drains it
// through a handler. The [Run] then says what became of each record.
//
// Batchtest also checks stages that you write yourself: see [CheckStage].
//
// # Queues
//
// A [Queue] is an SQS queue with its event source mapping, which is the part of Lambda that
// receives messages and invokes the function. [Queue.Drain] delivers the messages to a
// handler until none is left:
//
//	queue := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, MaxReceives: 3})
//	queue.Send(
//		batchtest.Message{ID: "m-1", Group: "ada", Body: `{"id":1}`},
//		batchtest.Message{ID: "m-2", Group: "ada", Body: `{"id":`},
//	)
//	run := queue.Drain(t.Context(), handler)
//	fmt.Print(run)
//
// The handler can be any lambda.Handler, whether package batch has made it or not. [Handler]
// turns a function that lambda.Start takes into one. The handler receives the complete event as
// JSON, and a context with a request ID. The context ends at the function's deadline, or with the
// context given to Drain if that is earlier. If the handler panics or outlives the function's
// deadline, its invocation has failed and the Drain continues.
//
// A context with a timeout guards a test against a handler that is stuck. When the context ends, the
// handler has one more second to respond. Then the Drain returns, and Run.Err says that the
// invocation is still running. The next Drain delivers its records again. That costs no retry of a
// shard, a topic or a Firehose stream, but a message of a queue has been received.
//
// # Reading a run
//
// [Run.String] is a table with a row per record and a column per invocation:
//
//	record  1       2       3
//	m-1     ok                      deleted
//	m-2     listed  failed  failed  dead-lettered
//	invocation 2 failed: 0 of 1 records acknowledged: m-2: body: unexpected end of JSON input
//	invocation 3 failed: 0 of 1 records acknowledged: m-2: body: unexpected end of JSON input
//
// A cell says what the invocation made of the record:
//
//   - ok: the record is finished.
//   - listed: the response lists it as failed.
//   - failed: the whole invocation failed.
//   - again: the record is not listed but is redelivered all the same. That happens in a shard
//     after a listed record, and in a FIFO queue after the visibility timeout.
//
// The last column says how the record ended:
//
//   - deleted: it is finished. For a shard or a topic, the checkpoint is past it.
//   - dead-lettered: it was given up.
//   - lost: the response listed it, but the service deleted it because IgnoreResponse is set.
//   - still there: the Drain ended early. Run.Err says why.
//
// [Run.SVG] draws the same as a picture, and also shows why a record was listed.
//
// # Shards, topics and Firehose
//
// A [Shard] is a shard of a Kinesis or DynamoDB stream. It delivers its records in order,
// and after a failure redelivers the batch from the lowest listed record on. [ShardConfig]
// sets retries, bisection, the maximum age of records and the ParallelizationFactor.
//
// A [Topic] is a Kafka topic. AWS does not document which records are redelivered after a partial
// failure, so test a handler under both kinds of [Redelivery].
//
// A [Firehose] is a Firehose stream whose records a function transforms. Its responses have
// their own rules, so it returns a [FirehoseRun]. AWS documents retries only for network time-outs
// and for the invocation limit; batchtest retries every failed invocation. So test a handler with
// NoRetries too.
//
// # Windows
//
// With ShardConfig.Window, a shard has tumbling windows. Each event carries the window and its
// state, and the response must carry the new state. A last invocation, without records, ends
// the window.
//
// # How responses are read
//
// The [Outcome] of an invocation says how the service read it. Unless IgnoreResponse is set,
// ReportBatchItemFailures is on, and the Outcome is
//
//   - [Success]: the response is absent, null, {}, "" or [], or an object whose batchItemFailures
//     is null, empty or missing. A misspelt key, such as BatchItemFailures, counts as missing.
//   - [Failure]: the function returned an error, panicked or timed out. Or its response is not
//     JSON, is larger than 6 MB, or has an invalid itemIdentifier: one that is empty, null, of the
//     wrong type, under another key or not in the batch. A single invalid identifier makes the
//     whole response invalid ([ErrVoid]).
//   - [Partial]: the response lists records, and all identifiers are valid.
//
// How the service reads JSON of any other shape (a string, a number, or an array with elements) is
// unknown. Here it is a Failure, the safer choice for a test.
//
// # Time
//
// Deadlines, visibility timeouts, delays and windows use package time. In a bubble of
// testing/synctest they pass at once and are exact; elsewhere they are real. The
// defaults wait for nothing, so an ordinary test needs no bubble. Time in a bubble stops when
// the test function returns. If a handler leaves functions running, sleep at the end of the
// test so that they can return. While a Drain runs in a bubble, call the methods of its source only
// in the same bubble.
//
// # Stages
//
// [CheckStage] checks a stage that you write yourself. It generates random batches and checks
// that the stage does not lose, repeat or mix up records: under each policy, in lanes, after
// its consumer has stopped and after the context has ended. In this call, rapid is
// pgregory.net/rapid, and limited is a stage that refuses values over 1000:
//
//	batchtest.CheckStage(t, rapid.IntRange(0, 2000), limited)
//
// Its message names the broken law and the record, and shows the smallest batch that breaks it:
//
//	the stage drops r0, with the batch {r0: 1001}: each record that enters a stage leaves it (law 1)
//
// So check each stage once with CheckStage. Test what the stage is for with a few values of your
// own, and what happens after a failure with a Queue, a Shard or a Topic.
//
// # Pictures
//
// A test can keep the picture of a run among its artifacts, which go test -artifacts stores:
//
//	file, err := os.Create(filepath.Join(t.ArtifactDir(), "run.svg"))
//	if err != nil {
//		t.Fatal(err)
//	}
//	defer file.Close()
//	if err := run.SVG(file); err != nil {
//		t.Fatal(err)
//	}
//
// # Assumptions
//
// AWS does not document everything that the service does. Batchtest assumes the following, which
// fits what has been observed:
//
//   - If ChangeVisibility makes a message of a FIFO group visible while a later one of the group is
//     in flight, the earlier one is delivered.
//   - When the checkpoint of a shard moves, the retries of the remaining records start again. In a
//     topic they also start again if only another partition of the batch has moved.
//   - An invalid response bisects a batch, as an error does.
//   - A list that begins with the first record costs a retry and splits nothing.
//   - The final invocation of a window has no records.
//   - The state that a partial failure returns is kept.
//   - A state of more than 1 MB ends the window before any record is redelivered.
//   - If a batch no longer fits into an event because the state has grown, it is redelivered in parts.
//   - Firehose repeats any failed invocation, also after an error of the function. If a response
//     breaks a rule, the whole batch goes to the error prefix.
//
// # Limits
//
// A Drain makes one invocation at a time, where the service may run several pollers,
// batches of a shard or partitions concurrently. Throttling, event filters, batching
// windows and the service's own backoff are not modelled. Go cannot stop a goroutine, so a
// function that outlives its deadline is not killed: its context has ended, its response is
// ignored, and Drain waits for it before returning, unless its own context ends.
package batchtest
