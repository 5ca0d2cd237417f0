package redeliver

// The calls of one answer.

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"
)

const (
	// perCall is what SQS takes in one call.
	perCall = 10

	// atOnce is how many calls are made side by side at most. A batch of 10,000 messages takes 1,000 calls, and when
	// the function's time has run out there are a few hundred milliseconds for them: 32 at once make a thousand calls
	// of 12 ms in 375 ms. More would not help much, since the SDK's HTTP client keeps ten connections between batches
	// and the others begin with a handshake. SQS limits the calls for FIFO queues only, whose batches have ten
	// messages at most.
	atOnce = 32

	// longestCalls is how long all calls of one answer may take. A thousand take less than a second. Where SQS
	// cannot be reached the SDK would wait for as long as the invocation lasts, and the answer with it.
	longestCalls = 5 * time.Second
)

type calls struct {
	client Client
	url    string
	log    *log
}

// change returns when all calls have.
func (c calls) change(ctx context.Context, messages []message) {
	var running errgroup.Group
	running.SetLimit(atOnce)
	for part := range slices.Chunk(messages, perCall) {
		running.Go(func() error {
			c.one(ctx, part)
			return nil
		})
	}
	_ = running.Wait()
}

// one makes one call, unless it is too late.
func (c calls) one(ctx context.Context, messages []message) {
	if ctx.Err() != nil {
		c.log.late(len(messages))
		return
	}
	out, err := c.call(ctx, messages)
	switch {
	case err != nil && ctx.Err() != nil:
		c.log.late(len(messages))
	case err != nil:
		c.log.unchanged(len(messages), err)
	case out != nil:
		for _, f := range out.Failed {
			c.log.refused(sent(messages, aws.ToString(f.Id)), f)
		}
	}
}

// call survives a client that panics, which would end the process here.
func (c calls) call(ctx context.Context, messages []message) (out *sqs.ChangeMessageVisibilityBatchOutput, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the client panicked: %v", v)
		}
	}()
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(messages))
	for i, m := range messages {
		entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id:                aws.String(strconv.Itoa(i)), // message IDs may be alike
			ReceiptHandle:     aws.String(m.handle),
			VisibilityTimeout: m.wait,
		}
	}
	return c.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(c.url), Entries: entries})
}

// sent is the message that an entry of the answer is about, nil if there is none.
func sent(messages []message, entry string) *message {
	i, err := strconv.Atoi(entry)
	if err != nil || i < 0 || i >= len(messages) {
		return nil
	}
	return &messages[i]
}
