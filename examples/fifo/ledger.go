package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// A Booking is the body of a message. The message's group is the account: whether a withdrawal is covered
// depends on the bookings before it.
type Booking struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Cents   int    `json:"cents"` // negative for a withdrawal
}

var errOverdrawn = errors.New("overdrawn")

// An Account is a balance and its bookings.
type Account struct {
	Cents    int
	Bookings []string // IDs, in the order in which they were booked
}

// A Ledger stands in for a database of accounts.
type Ledger struct {
	mu       sync.Mutex
	accounts map[string]Account
}

// Book books b. A message may be delivered twice; its booking is booked once.
func (l *Ledger) Book(ctx context.Context, b Booking) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	account := l.accounts[b.Account]
	if slices.Contains(account.Bookings, b.ID) {
		return nil
	}
	if account.Cents+b.Cents < 0 {
		return fmt.Errorf("booking %s: account %s: %w", b.ID, b.Account, errOverdrawn)
	}
	if l.accounts == nil {
		l.accounts = make(map[string]Account)
	}
	l.accounts[b.Account] = Account{account.Cents + b.Cents, append(account.Bookings, b.ID)}
	slog.InfoContext(ctx, "booked", "balance", account.Cents+b.Cents)
	return nil
}

func (l *Ledger) process(messages batch.Stream[events.SQSMessage]) batch.Stream[Booking] {
	bookings := batch.Decode[Booking](messages, json.Unmarshal)
	return batch.TryEach(bookings, l.Book)
}

// lanes is the number of accounts that are served at a time.
const lanes = 8

// handler needs the maxReceiveCount of the queue: a booking that fails on its last receive moves to the
// dead-letter queue, so it no longer holds back the later bookings of its account.
func (l *Ledger) handler(maxReceives int) *batch.Handler {
	return batch.SQSHandler(func(messages batch.Stream[events.SQSMessage]) batch.Stream[Booking] {
		return batch.Parallel(messages, lanes, l.process)
	}, batch.WithMaxReceives(maxReceives))
}
