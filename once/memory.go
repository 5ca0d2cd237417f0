package once

import (
	"context"
	"maps"
	"sync"
	"time"
)

// Memory is a store for tests, and for work that only one process does. It forgets everything with the
// process.
func Memory() Store { return &memory{items: map[nameAndKey]kept{}} }

type memory struct {
	users
	mu    sync.Mutex
	items map[nameAndKey]kept
	most  int // items, before those that have expired are removed
}

type nameAndKey struct{ name, key string }

type kept struct {
	claim  Claim
	done   bool
	result []byte
}

// free reports whether the key may be claimed: at the very end of a claim it is not, as in a table.
func (k kept) free(now time.Time) bool {
	c := k.claim
	return now.After(c.Expires) || !k.done && !c.Until.IsZero() && now.After(c.Until)
}

func (m *memory) Claim(ctx context.Context, c Claim) (*Found, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, exists := m.items[nameAndKey{c.Name, c.Key}]
	if !exists || old.free(time.Now()) || !old.done && old.claim.Owner == c.Owner {
		m.sweep()
		m.items[nameAndKey{c.Name, c.Key}] = kept{claim: c}
		return nil, nil
	}
	return &Found{
		Done:         old.done,
		OtherPayload: c.Payload != nil && old.claim.Payload != nil && typeScript.checksum(c.Payload) != typeScript.checksum(old.claim.Payload),
		Result:       old.result,
	}, nil
}

// sweep removes what has expired, each time that the number of items has doubled.
func (m *memory) sweep() {
	if len(m.items) < m.most {
		return
	}
	now := time.Now()
	maps.DeleteFunc(m.items, func(_ nameAndKey, k kept) bool { return now.After(k.claim.Expires) })
	m.most = 2*len(m.items) + 1024
}

func (m *memory) Save(ctx context.Context, c Claim, result []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.items[nameAndKey{c.Name, c.Key}]
	if old.claim.Owner != c.Owner {
		return ErrLate
	}
	m.items[nameAndKey{c.Name, c.Key}] = kept{c, true, result}
	return nil
}

func (m *memory) Release(ctx context.Context, c Claim) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.items[nameAndKey{c.Name, c.Key}]; !old.done && old.claim.Owner == c.Owner {
		delete(m.items, nameAndKey{c.Name, c.Key})
	}
	return nil
}
