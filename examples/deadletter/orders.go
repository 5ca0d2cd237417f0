package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// An Order is the body of a message.
type Order struct {
	ID    string `json:"id"`
	Total int    `json:"total"`
}

// process is the whole job. Catch sends poison messages away; other failed messages are redelivered.
func process(deadLetters Queue) batch.Stage[events.SQSMessage, Order] {
	return func(messages batch.Stream[events.SQSMessage]) batch.Stream[Order] {
		orders := batch.Decode[Order](messages, json.Unmarshal)
		charged := batch.TryEach(orders, charge)
		return batch.Catch(charged, deadLetters.Divert)
	}
}

var errThrottled = errors.New("throttled")

// charge stands in for a payment service. It is too busy for large orders the first time.
func charge(ctx context.Context, o Order) error {
	record, _ := batch.RecordFrom(ctx)
	switch {
	case o.Total < 0:
		return fmt.Errorf("order %s: negative total: %w", o.ID, ErrRejected)
	case o.Total > 100 && record.Attempt < 2:
		return errThrottled
	}
	slog.InfoContext(ctx, "charged", "total", o.Total)
	return nil
}

// An Outbox stands in for the dead-letter queue. It loses its letters when the process ends, so replace it before
// you deploy: a real one calls SendMessage with the URL in DEAD_ORDERS.
type Outbox struct {
	mu      sync.Mutex
	letters []Letter
	down    error // what Send returns; nil while the queue works
}

// Send is a [Queue].
func (o *Outbox) Send(ctx context.Context, l Letter) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down != nil {
		return o.down
	}
	o.letters = append(o.letters, l)
	slog.InfoContext(ctx, "sent to the dead-letter queue", "reason", l.Reason)
	return nil
}
