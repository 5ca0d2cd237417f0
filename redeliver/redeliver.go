package redeliver

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/lambdabatch/batch"
)

// A Client changes visibility timeouts. [*sqs.Client] is one. Its method is called from several goroutines at
// once and must return when its context ends. The handler does not wait for a call that runs longer.
type Client interface {
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// After returns an option that sets how long each reported SQS message waits until it is redelivered. It calls
// wait once per failed message, in batch order. wait may decide by the attempt, as [Exponential] does, by the
// error or by the message itself. The package comment says how long the other messages wait. Acknowledged
// messages and records of other sources are left alone.
//
// Waits are rounded up to whole seconds. A wait of zero or less makes the message visible at once. Longer
// waits are cut to a little under twelve hours, because SQS counts its limit of twelve hours from the receive.
// If wait panics, the queue's timeout applies to that message; if it calls [runtime.Goexit], to all messages. wait may
// be called concurrently.
//
// After installs a report function ([batch.WithReport]), which shares the time that report functions have. Its
// calls run concurrently and take five seconds at most. None starts after the context of report functions has
// ended.
//
// After panics if the client, wait or an option is nil.
func After(client Client, wait func(batch.Failure) time.Duration, opts ...Option) batch.Option {
	require(client != nil, "After", "client is nil")
	require(wait != nil, "After", "wait is nil")
	c := configOf(opts)
	return batch.WithReport(func(ctx context.Context, report batch.Report) {
		if len(report.Failures) == 0 {
			return
		}
		l := &log{ctx: ctx, logger: c.currentLogger()}
		defer l.close()
		messages, err := readMessages(report.Failures)
		if err != nil {
			l.unchanged(len(report.Failures), err)
			return
		}
		q, err := c.queueOf(messages)
		if err != nil {
			l.unchanged(len(messages), err)
			return
		}
		planned := false
		defer func() {
			if !planned { // wait has ended this goroutine
				l.unchanged(len(messages), errExited)
			}
		}()
		changes := newPlan(report, wait, q, l).changes(ctx, messages)
		planned = true
		ctx, cancel := context.WithTimeout(ctx, maxTimeForCalls)
		defer cancel()
		changer{client: client, url: q.url, log: l}.changeAll(ctx, changes)
	})
}

var errExited = errors.New("runtime.Goexit was called")

// require panics unless ok, so that bad arguments fail where the handler is built.
func require(ok bool, function, complaint string) {
	if !ok {
		panic("redeliver: " + function + ": " + complaint)
	}
}
