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
	ID       string `json:"id"`
	Cents    int    `json:"cents"`
	Parcels  int    `json:"parcels"`
	Customer string `json:"customer"`
}

// Payable reports whether there is anything to charge.
func (o Order) Payable() bool { return o.Cents > 0 }

// A Receipt says what an order was charged.
type Receipt struct {
	Order          string
	Cents          int
	CentsPerParcel int
}

var errRefused = errors.New("card refused")

// charge stands in for a payment service. It has a bug: it panics for an order without parcels. Only that
// order fails.
func charge(ctx context.Context, o Order) (Receipt, error) {
	if o.Customer == "blocked" {
		return Receipt{}, fmt.Errorf("order %s: %w", o.ID, errRefused)
	}
	receipt := Receipt{Order: o.ID, Cents: o.Cents, CentsPerParcel: o.Cents / o.Parcels}
	slog.InfoContext(ctx, "charged", "cents", o.Cents)
	return receipt, nil
}

// A Store stands in for a database. It keeps one receipt per order, so storing one again changes nothing.
type Store struct {
	mu       sync.Mutex
	receipts map[string]Receipt
}

// Put stores r, replacing any earlier receipt for the same order.
func (s *Store) Put(ctx context.Context, r Receipt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.receipts == nil {
		s.receipts = make(map[string]Receipt)
	}
	s.receipts[r.Order] = r
	slog.InfoContext(ctx, "stored")
	return nil
}

// process is the whole job: decode, filter, charge, store.
func (s *Store) process(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
	orders := batch.Decode[Order](messages, json.Unmarshal)
	payable := batch.Filter(orders, Order.Payable)
	receipts := batch.TryMap(payable, charge)
	return batch.TryEach(receipts, s.Put)
}

// lanes is the number of orders that are charged at a time.
const lanes = 8

func (s *Store) handler() *batch.Handler {
	return batch.SQSHandler(func(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
		return batch.Parallel(messages, lanes, s.process)
	})
}
