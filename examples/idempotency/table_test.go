package idempotency_test

import (
	"context"
	"sync"
	"time"

	"github.com/lambdabatch/batch/examples/idempotency"
)

// table stands in for the DynamoDB table.
type table struct {
	mu    sync.Mutex
	items map[string]idempotency.Claim
}

func newTable(items ...idempotency.Claim) *table {
	t := &table{items: map[string]idempotency.Claim{}}
	for _, c := range items {
		t.items[c.Key] = c
	}
	return t
}

func (t *table) claims() idempotency.Claims {
	return idempotency.Claims{Put: t.put, Delete: t.delete}
}

func (t *table) put(_ context.Context, c idempotency.Claim) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	old, exists := t.items[c.Key]
	if exists && old.Owner != c.Owner && !old.Expires.Before(time.Now()) {
		return &idempotency.TakenError{By: old}
	}
	t.items[c.Key] = c
	return nil
}

func (t *table) delete(ctx context.Context, c idempotency.Claim) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.items[c.Key].Owner == c.Owner && ctx.Err() == nil {
		delete(t.items, c.Key)
	}
	return ctx.Err()
}

func (t *table) get(key string) (c idempotency.Claim, exists bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, exists = t.items[key]
	return c, exists
}
