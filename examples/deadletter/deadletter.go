package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// ErrRejected is the error of an order that can never be charged.
var ErrRejected = errors.New("rejected")

// Permanent reports whether trying again cannot help.
func Permanent(err error) bool {
	_, poison := errors.AsType[*batch.DecodeError](err) // of any codec
	return poison || errors.Is(err, ErrRejected)
}

// A Letter is a message for the dead-letter queue, with the reason. On a FIFO dead-letter queue, use ID as the deduplication ID: if the
// response of this invocation is lost and the message is redelivered within five minutes, the queue
// then drops the second letter.
type Letter struct {
	Body       string
	Attributes map[string]events.SQSMessageAttribute
	Reason     string // printable, as message attributes must be
	ID         string // of the original
	Group      string // of the original, "" if it has none
}

// A Queue sends a letter: SendMessage, with the queue's URL and a Reason attribute.
type Queue func(context.Context, Letter) error

// Divert is a function for batch.Catch. If the error is permanent, the message is acknowledged once its
// letter is sent. With any other error, or if the letter cannot be sent, the message stays failed and is
// redelivered.
//
// On a FIFO queue, a letter also unblocks the later messages of the group. With batch.Parallel, put the
// Catch into the stage that runs in the lanes: after the lanes it is too late, because the failure has
// blocked the group already.
func (q Queue) Divert(ctx context.Context, err error) error {
	if !Permanent(err) {
		return err
	}
	if sendErr := q(ctx, letter(ctx, err)); sendErr != nil {
		return errors.Join(err, fmt.Errorf("dead letter: %w", sendErr))
	}
	return nil
}

// letter is for messages. For a stream, where a poison record blocks its shard, the original is an
// [events.KinesisEventRecord].
func letter(ctx context.Context, err error) Letter {
	record, _ := batch.RecordFrom(ctx)
	l := Letter{Reason: fmt.Sprintf("%.1000q", err.Error()), ID: record.ID, Group: record.Group}
	if m, ok := batch.SourceFrom[events.SQSMessage](ctx); ok {
		l.Body, l.Attributes = m.Body, m.MessageAttributes
	} else if raw, ok := batch.SourceFrom[json.RawMessage](ctx); ok {
		l.Body = string(*raw) // the event's JSON of a message that could not be read
	}
	return l
}
