package redeliver

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/lambdabatch/batch"
)

// A Client changes visibility timeouts. [*sqs.Client] is one. It is called by several goroutines at once, and must
// heed its context: a call that does not is left behind when the answer is due.
type Client interface {
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// After has reported SQS messages redelivered after a time of their own. wait is called once for each message that
// failed itself, in batch order, and says how long it waits: by its attempt, as [Exponential] does, or by its error or
// its content. The time is rounded up to whole seconds. Zero or less is visible at once, and the most is twelve hours
// from the receive. The package comment says how long the other messages wait.
//
// It is a report function, and shares the time of those: calls are made side by side for five seconds at most, and none
// begins after the context has ended that [batch.WithReport] describes. Several invocations in one process may call wait at once.
// Acknowledged messages and the records of other sources are left alone.
func After(client Client, wait func(batch.Failure) time.Duration, opts ...Option) batch.Option {
	require(client != nil, "After", "client is nil")
	require(wait != nil, "After", "wait is nil")
	c := configOf(opts)
	return batch.WithReport(func(ctx context.Context, report batch.Report) {
		if len(report.Failures) == 0 {
			return
		}
		l := &log{ctx: ctx, logger: c.loggerNow()}
		defer l.close()
		messages, err := messagesOf(report.Failures)
		if err != nil {
			l.unchanged(len(report.Failures), err)
			return
		}
		to, err := c.queueOf(messages)
		if err != nil {
			l.unchanged(len(messages), err)
			return
		}
		changes := newPlan(ctx, report, wait, to, l).changes(ctx, messages)
		ctx, cancel := context.WithTimeout(ctx, longestCalls)
		defer cancel()
		calls{client: client, url: to.url, log: l}.change(ctx, changes)
	})
}

// require panics unless ok. Bad arguments are found where a handler is built.
func require(ok bool, function, complaint string) {
	if !ok {
		panic("redeliver: " + function + ": " + complaint)
	}
}
