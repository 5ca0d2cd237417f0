package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// charge stands for a payment service. It has a bug: an order without parcels
// makes it panic, which costs that order and no other.
func charge(_ context.Context, o Order) (Receipt, error) {
	if o.Customer == "blocked" {
		return Receipt{}, fmt.Errorf("order %s: %w", o.ID, errRefused)
	}
	return Receipt{Order: o.ID, Cents: o.Cents, CentsPerParcel: o.Cents / o.Parcels}, nil
}

// A Store keeps receipts by order, so that a message that is delivered twice is
// stored once.
type Store struct {
	mu       sync.Mutex
	receipts map[string]Receipt
}

// Put stores r in the place of what was stored for its order before.
func (s *Store) Put(_ context.Context, r Receipt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.receipts == nil {
		s.receipts = make(map[string]Receipt)
	}
	s.receipts[r.Order] = r
	return nil
}

// process is the whole job: it is what the handler runs, and what the test calls.
func (s *Store) process(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
	orders := batch.Decode[Order](messages, json.Unmarshal)
	payable := batch.Filter(orders, Order.Payable)
	receipts := batch.TryMap(payable, charge)
	return batch.TryEach(receipts, s.Put)
}

// lanes is how many orders are charged at once.
const lanes = 8

func (s *Store) handler() *batch.Handler {
	return batch.SQSHandler(func(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
		return batch.Parallel(messages, lanes, s.process)
	})
}
