// Package redeliver decides when SQS redelivers the messages that a batch handler reports.
//
// On its own, SQS redelivers all of them when the queue's visibility timeout ends. A message that failed ten
// times waits as long as one that was never tried. [After] gives each message its own wait:
//
//	client := sqs.NewFromConfig(cfg) // from config.LoadDefaultConfig
//	handler := batch.SQSHandler(process, redeliver.After(client, redeliver.Exponential(5*time.Second, 15*time.Minute)))
//	lambda.Start(handler)
//
// It calls ChangeMessageVisibilityBatch before the handler responds to Lambda. The function's role needs the
// permission sqs:ChangeMessageVisibility on the queue.
//
// # How long each message waits
//
//   - A message that failed waits as long as the function passed to [After] says. The same applies if the message
//     could not be decoded, or if its function had not returned ([batch.ErrRunning]).
//   - A message that was held back ([batch.ErrBlocked]) is visible at once. The same applies if it was not started
//     ([batch.ErrNotStarted]) because the time ran out, or not reached because another function was still running then.
//     It may have passed through some functions before. So if a function may use up the time, let it return the error
//     of its context: the message has failed then, and waits.
//   - A message that was not started or not reached although time was left waits like a failed one. A stage dropped
//     it or ended early, which will happen again, or the caller cancelled the invocation's context.
//
// The errors of these states can also be returned by a function, for example by one that processes a batch
// inside its message. Such a message counts as failed, even if its error is or wraps batch.ErrBlocked. If the
// errors of more messages match batch.ErrBlocked (or another of these) than the Report counts, it is unclear
// which of them were never tried, and all of them wait like failed ones.
//
// # FIFO queues
//
// Within a message group, no message is visible before an earlier one. A message after a failed one waits at
// least as long. If it failed too, it waits for the longer of the two times.
//
// While one message of a group is invisible, SQS delivers no message of that group. So the group is redelivered
// in order when its longest wait ends. If the group of a message cannot be read, it may be any group, so no
// later message waits less. In a stream of [batch.From], the group is the one that its function returns.
//
// # Dead-letter queues
//
// A message that has failed on its last receive moves to the dead-letter queue only when it is visible again. Until
// then it holds its FIFO group up. So return 0 for it:
//
//	wait := redeliver.Exponential(5*time.Second, 15*time.Minute)
//	redeliver.After(client, func(f batch.Failure) time.Duration {
//		if f.Record.Attempt >= 5 { // the queue's maxReceiveCount
//			return 0
//		}
//		return wait(f)
//	})
//
// # When a timeout cannot be changed
//
// This package never affects the handler's response. If a call fails or there is no time left for it, the
// queue's own timeout applies and a warning is logged. The same applies to a message
//
//   - without a receipt handle,
//   - from a different queue than the first message, or
//   - for which the wait function panics.
//
// On a FIFO queue, the later messages of its group are left alone as well. Otherwise they would be visible
// before it.
//
// # Time
//
// Each call changes ten messages. At most 32 calls run at once, and all of them take five seconds at most. They
// share the time of report functions ([batch.WithReport]). When the function's time has run out, that is three
// quarters of the reserve, or one quarter if a function is stuck. Several report functions run in the order of
// the options, and each gets an equal share of what is left. For large batches, raise the reserve
// ([batch.WithReserve]).
//
// The longest waits are set first. Messages for which no time is left keep the queue's timeout.
//
// # Testing
//
// batchtest.Queue has ChangeVisibility, so a fake [Client] can pass the calls on to a local queue.
package redeliver
