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

// An Order is charged by a payment service, which takes one per call.
type Order struct {
	ID    string `json:"id"`
	Cents int    `json:"cents"`
}

// A Refund is written to a table, which takes 25 per call.
type Refund struct {
	Order string `json:"order"`
	Cents int    `json:"cents"`
}

// kind is the value of the message attribute "kind", "" if there is none.
func kind(m events.SQSMessage) string {
	if a := m.MessageAttributes["kind"]; a.StringValue != nil {
		return *a.StringValue
	}
	return ""
}

// process is the whole job. A message whose kind has no route fails. It is redelivered until the queue's
// redrive policy moves it to the dead-letter queue.
func (b *Books) process(messages batch.Stream[events.SQSMessage]) batch.Stream[struct{}] {
	return batch.Route(messages, kind, map[string]batch.Stage[events.SQSMessage, struct{}]{
		"order":     b.orders,
		"refund":    b.refunds,
		"heartbeat": batch.Discard[struct{}, events.SQSMessage],
	})
}

// orders charges up to eight orders at a time.
func (b *Books) orders(messages batch.Stream[events.SQSMessage]) batch.Stream[struct{}] {
	charged := batch.Parallel(messages, 8, func(messages batch.Stream[events.SQSMessage]) batch.Stream[Order] {
		return batch.TryEach(batch.Decode[Order](messages, json.Unmarshal), b.charge)
	})
	return batch.Discard[struct{}](charged)
}

// refunds writes refunds in bulk.
func (b *Books) refunds(messages batch.Stream[events.SQSMessage]) batch.Stream[struct{}] {
	refunds := batch.Decode[Refund](messages, json.Unmarshal)
	return batch.Discard[struct{}](batch.TryEachChunk(refunds, 25, b.write))
}

// Books stands in for the payment service and the table of refunds.
type Books struct {
	mu       sync.Mutex
	charged  map[string]int // cents by order
	refunded map[string]int
	writes   int
}

var (
	errLimit    = errors.New("over the limit")
	errNegative = errors.New("negative amount")
)

func (b *Books) charge(ctx context.Context, o Order) error {
	if o.Cents > 1_000_000 {
		return fmt.Errorf("%s: %w", o.ID, errLimit)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.charged == nil {
		b.charged = make(map[string]int)
	}
	b.charged[o.ID] = o.Cents
	slog.InfoContext(ctx, "charged", "cents", o.Cents)
	return nil
}

// write may refuse single refunds and write the rest.
func (b *Books) write(ctx context.Context, refunds []Refund) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refunded == nil {
		b.refunded = make(map[string]int)
	}
	b.writes++
	refused := batch.ItemErrors{}
	for i, r := range refunds {
		if r.Cents < 0 {
			refused[i] = fmt.Errorf("%s: %w", r.Order, errNegative)
			continue
		}
		b.refunded[r.Order] = r.Cents
	}
	slog.InfoContext(ctx, "bulk write", "refunds", len(refunds), "refused", len(refused))
	return refused.Err()
}
