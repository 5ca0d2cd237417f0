package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// A Booking is the body of a message. The message's group is the account, since
// the order of its bookings decides which of them it can bear.
type Booking struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Cents   int    `json:"cents"` // less than zero for a withdrawal
}

var errOverdrawn = errors.New("overdrawn")

// An Account is a balance and the bookings that made it.
type Account struct {
	Cents    int
	Bookings []string // IDs, in the order in which they were booked
}

// A Ledger stands for a database of accounts.
type Ledger struct {
	mu       sync.Mutex
	accounts map[string]Account
}

// Book books b, once however often its message is delivered.
func (l *Ledger) Book(_ context.Context, b Booking) error {
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
	return nil
}

func (l *Ledger) process(messages batch.Stream[events.SQSMessage]) batch.Stream[Booking] {
	bookings := batch.Decode[Booking](messages, json.Unmarshal)
	return batch.TryEach(bookings, l.Book)
}

// lanes is how many accounts are served at once.
const lanes = 8

// handler takes the maxReceiveCount of the queue: a booking that fails on its last
// receive is on its way to the dead-letter queue and no longer holds its account up.
func (l *Ledger) handler(maxReceives int) *batch.Handler {
	return batch.SQSHandler(func(messages batch.Stream[events.SQSMessage]) batch.Stream[Booking] {
		return batch.Parallel(messages, lanes, l.process)
	}, batch.WithMaxReceives(maxReceives))
}
