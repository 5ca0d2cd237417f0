// Package batchtest runs a Lambda batch handler over several deliveries, in
// memory: a queue, a shard or a topic, with the event source mapping that
// runs in front of the function in AWS.
//
// What matters about a batch handler is what happens after a failure: which
// records are delivered again, in what order, how often, and which are given up. A
// [Queue], a [Shard] and a [Topic] deliver records to a handler until none is
// left, read each answer as the service reads it, and tell in a [Run] what
// became of every record:
//
//	queue := batchtest.NewQueue(batchtest.QueueConfig{FIFO: true, MaxReceives: 3})
//	queue.Send(batchtest.Message{ID: "m-1", Body: `{"id":1}`, Group: "a"})
//	run := queue.Drain(ctx, handler)
//	fmt.Print(run)
//
// A [Firehose] does the same for a function that transforms records, whose answer has
// rules of its own.
//
// A handler is anything with the method of lambda.Handler; [Handler] makes one
// of a function that lambda.Start takes. It gets the event as JSON bytes, in
// full, and a context with the function's deadline and a request ID. It may
// panic or outlive its deadline: both fail the invocation, and the mapping goes
// on.
//
// # Stages
//
// [CheckStage] is for stages that you have written yourself. It draws batches and
// checks that the stage does not lose, repeat or mix up records, under every policy, in
// lanes, after a break and after the end of the context:
//
//	batchtest.CheckStage(t, rapid.IntRange(0, 2000), limited)
//
// It fails with the law that is broken, by which record, in the smallest batch that
// shows it:
//
//	the stage drops r0, with the batch {r0: 1001}: each record that enters a stage leaves it (law 1)
//
// So check each stage once, and test what it is for with a few values, and what
// becomes of a failure over several deliveries with a Queue, a Shard or a Topic.
//
// # Pictures
//
// A run prints as a table, and [Run.SVG] draws it: records down, invocations across, and
// why each record that was not finished was delivered again. A file among a test's
// artifacts is a good place for it; go test -artifacts keeps them:
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
// # Answers
//
// The mapping has ReportBatchItemFailures on, unless IgnoreResponse is set, and
// then:
//
//   - No answer, null, {}, "", [], a null or an empty batchItemFailures is a
//     complete success. So is an object without that key, such as one that
//     spells it BatchItemFailures.
//   - An error, a panic, a time-out, an answer that is no JSON or is over 6 MB,
//     and an identifier that is empty, null, under another key, of another type
//     or not in the batch is a complete failure. One such identifier voids the
//     whole list.
//   - Everything else is a partial failure.
//
// JSON of another shape (a text, a number, a list with something in it) has not
// been seen in the service and is read as a complete failure, the safer side
// for a test.
//
// # Time
//
// Everything runs on package time's clock: in a bubble of testing/synctest,
// deadlines, visibility time-outs, delays and windows pass at once and exactly.
// Outside of one they are real. The defaults wait for nothing, so that an
// ordinary test needs no bubble. Goroutines that a handler has left behind when
// it returned are its own: let the test sleep at its end, so that they can end
// within the bubble.
//
// # What is inferred
//
// Some of what the service does follows only from what was seen of it: that the
// retries of a stream's batch start afresh when its checkpoint moves, that an
// answer which voids itself bisects a batch as an error does, that a list which
// begins with the first record costs a retry and splits nothing, that a
// window's final invocation has no records, and that it keeps the state of a
// partial answer. Firehose is taken to repeat an invocation that failed in any way,
// and to send all of a batch to the error prefix whose answer breaks a rule. For Kafka, what is delivered again after a partial answer is a
// setting ([Redelivery]).
//
// # What is not modelled
//
// A Drain makes one invocation at a time, where the service may run several
// pollers, lanes or partitions at once. Throttling, event filters, batching
// windows and the service's own back-off are left out. A function that outlives
// its deadline is not killed, since Go cannot stop a goroutine: its context has
// ended, its answer is ignored, and Drain waits for it before it returns.
package batchtest
