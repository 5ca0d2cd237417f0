// Package redeliver chooses when SQS redelivers the messages that an answer reports:
//
//	client := sqs.NewFromConfig(config)
//	lambda.Start(batch.SQSHandler(process,
//		redeliver.After(client, redeliver.Exponential(5*time.Second, 15*time.Minute))))
//
// Without it, all of them are redelivered when the visibility timeout of the queue ends, whether a function failed for
// them or none was called. [After] changes the timeout of each with ChangeMessageVisibilityBatch, before the answer
// leaves. The function's role needs the permission sqs:ChangeMessageVisibility.
//
// # Who waits how long
//
//   - A message that failed itself, could not be decoded, or whose function had not returned (batch.ErrRunning) waits
//     as long as the function given to [After] says.
//   - A message that was never tried, since it was blocked (batch.ErrBlocked) or not started (batch.ErrNotStarted), is
//     visible at once. So is one that did not arrive because a function was still running when the time was over.
//   - A message that did not arrive for another reason was dropped by a stage, or the stage ended early. That happens
//     each time, so it waits as a failed one does.
//
// A function may return an error that wraps one of these, or is one, as that of a batch within a message. Its message
// has failed all the same: if there are more such errors than the report counts, all of their messages wait.
//
// # FIFO queues
//
// In a message group no wait is shorter than that of an earlier message. What comes after a failed message waits
// as long as it does, and a later failed one the longer of both times. SQS delivers nothing of a group while one of its
// messages is invisible, so the group is redelivered in order when the longest wait is over. A message whose group
// cannot be read may belong to any group, so nothing after it waits less.
//
// # What goes wrong
//
// Nothing here has an effect on the answer. Where a call fails, or no time is left for it, the queue's own timeout
// applies, and a line in the log says so. The same goes for a message without a receipt handle, for one of another queue
// than the first, and for one for which the wait function panics. On a FIFO queue everything after such a message in its
// group is left alone, too, so that nothing is visible before it: the group goes on when all of them are.
package redeliver
