package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/once"
)

// An Order is the body of a message. A shop that gets no reply sends its order again, as another message.
type Order struct {
	ID       string `json:"id"`
	Cents    int    `json:"cents"`
	Customer string `json:"customer"`
}

// Key identifies the order: no key is charged twice.
func (o Order) Key() string { return o.ID }

// A Receipt says what an order was charged.
type Receipt struct{ Order, Charge string }

// payments stands in for a payment service, which charges a card with every call.
type payments struct {
	mu      sync.Mutex
	charged []string // orders
}

var errRefused = errors.New("card refused")

func (p *payments) charge(ctx context.Context, o Order) (Receipt, error) {
	if o.Customer == "blocked" {
		return Receipt{}, fmt.Errorf("order %s: %w", o.ID, errRefused)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.charged = append(p.charged, o.ID)
	slog.InfoContext(ctx, "charged", "cents", o.Cents)
	return Receipt{o.ID, fmt.Sprintf("charge-%d", len(p.charged))}, nil
}

// mail stands in for a mail server. A receipt that is sent twice does no harm.
func mail(ctx context.Context, r Receipt) error {
	slog.InfoContext(ctx, "mailed the receipt", "of", r.Charge)
	return nil
}

// remembered is as long as a message may be delivered. It may be moved back from the dead-letter queue
// up to fourteen days after it was sent, and then it has four more days in its queue.
const remembered = (4 + 14) * 24 * time.Hour

func handler(store once.Store, p *payments) *batch.Handler {
	charge := once.Map(store, Order.Key, p.charge,
		once.WithName("charge"),
		once.WithExpiry(remembered),
		once.WithPayload(func(o Order) any { return o.Cents })) // the same key with another price fails
	return batch.SQSHandler(func(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
		receipts := batch.TryMap(batch.Decode[Order](messages, json.Unmarshal), charge)
		return batch.TryEach(receipts, mail)
	})
}
