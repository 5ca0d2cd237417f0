// Package deadletter sends messages that can never succeed to a dead-letter
// queue at once, with the reason beside them, instead of having them redelivered
// until the redrive policy does it without one. What may succeed next time stays
// with the redrive policy.
//
// On a FIFO queue this also frees what comes after it in the group. On a stream,
// where a poison record holds up its shard, it is what keeps the rest moving:
// there the original is a *events.KinesisEventRecord.
package deadletter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
)

// ErrRejected marks what the business refuses, today and tomorrow.
var ErrRejected = errors.New("rejected")

// Permanent reports whether err comes back however often the message does.
func Permanent(err error) bool {
	_, poison := errors.AsType[*batch.DecodeError](err) // whatever the codec
	return poison || errors.Is(err, ErrRejected)
}

// A Letter is what SendMessage takes. The original's ID serves as the
// deduplication ID of a FIFO dead-letter queue: if the answer of this invocation
// is lost and the message is redelivered within five minutes, its letter does not.
type Letter struct {
	Body       string
	Attributes map[string]events.SQSMessageAttribute
	Reason     string // printable, as message attributes have to be
	ID         string // of the original
	Group      string // of the original, "" if it has none
}

// Queue sends a letter: SendMessage, with the queue's URL and a Reason attribute.
type Queue func(context.Context, Letter) error

// Divert is a function for batch.Catch. A permanent error acknowledges the
// message once its letter is sent. Any other, and a letter that cannot be sent,
// leaves it failed, so that it is redelivered.
//
// Under batch.Parallel with a FIFO queue put the Catch into the lanes' stage: a
// failure that is settled after them has blocked its group already.
func (q Queue) Divert(ctx context.Context, err error) error {
	if !Permanent(err) {
		return err
	}
	if sendErr := q(ctx, letter(ctx, err)); sendErr != nil {
		return errors.Join(err, fmt.Errorf("dead letter: %w", sendErr))
	}
	return nil
}

func letter(ctx context.Context, err error) Letter {
	record, _ := batch.RecordFrom(ctx)
	l := Letter{Reason: fmt.Sprintf("%.1000q", err.Error()), ID: record.ID, Group: record.Group}
	if m, ok := batch.SourceFrom[events.SQSMessage](ctx); ok {
		l.Body, l.Attributes = m.Body, m.MessageAttributes
	} else if raw, ok := batch.SourceFrom[json.RawMessage](ctx); ok {
		l.Body = string(*raw) // the entry of the event, for it is no message
	}
	return l
}
