package redeliver

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"
)

const (
	// messagesPerCall is the limit of SQS.
	messagesPerCall = 10

	// concurrentCalls limits the calls at one time. A batch of 10,000 messages takes 1,000 calls. Once the
	// function's time has run out, a few hundred milliseconds remain for them: with 32 at once, a thousand
	// calls of 12 ms take 375 ms. More would hardly help, because the SDK's HTTP client keeps ten idle
	// connections and each further one begins with a handshake. SQS throttles these calls for FIFO queues only,
	// and a FIFO batch has ten messages at most.
	concurrentCalls = 32

	// maxTimeForCalls bounds all calls of one invocation. A thousand calls take less than a second. If SQS
	// cannot be reached, the SDK would wait until the invocation ends, and so would the response.
	maxTimeForCalls = 5 * time.Second
)

// A changer changes the visibility timeouts of one invocation's messages.
type changer struct {
	client Client
	url    string
	log    *log
}

// changeAll returns when all calls have returned.
func (c changer) changeAll(ctx context.Context, messages []message) {
	var running errgroup.Group
	running.SetLimit(concurrentCalls)
	for chunk := range slices.Chunk(messages, messagesPerCall) {
		running.Go(func() error {
			c.change(ctx, chunk)
			return nil
		})
	}
	_ = running.Wait()
}

// change makes one call, unless it is too late.
func (c changer) change(ctx context.Context, messages []message) {
	if ctx.Err() != nil {
		c.log.addOutOfTime(len(messages))
		return
	}
	returned := false
	defer func() {
		if !returned { // the client has ended this goroutine
			c.log.unchanged(len(messages), errExited)
		}
	}()
	out, err := c.call(ctx, messages)
	returned = true
	switch {
	case err != nil && ctx.Err() != nil:
		c.log.addOutOfTime(len(messages))
	case err != nil:
		c.log.unchanged(len(messages), err)
	case out != nil:
		for _, f := range out.Failed {
			c.log.refused(messageOf(messages, aws.ToString(f.Id)), f)
		}
	}
}

// call recovers if the client panics. On this goroutine a panic would end the process.
func (c changer) call(ctx context.Context, messages []message) (out *sqs.ChangeMessageVisibilityBatchOutput, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errors.New("the client panicked: " + textOf(v))
		}
	}()
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(messages))
	for i, m := range messages {
		entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id:                aws.String(strconv.Itoa(i)), // not the message ID, which two messages may share
			ReceiptHandle:     aws.String(m.handle),
			VisibilityTimeout: m.wait,
		}
	}
	return c.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(c.url), Entries: entries})
}

// messageOf returns the message with the entry ID that call gave it, or nil if there is none.
func messageOf(messages []message, entry string) *message {
	i, err := strconv.Atoi(entry)
	if err != nil || i < 0 || i >= len(messages) {
		return nil
	}
	return &messages[i]
}
