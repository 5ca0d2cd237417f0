package once

import (
	"context"
	"maps"
	"sync"
	"time"
)

// Memory returns a store for tests, and for work done by a single process. Its contents are lost when the
// process ends.
func Memory() Store { return &memory{entries: map[nameAndKey]entry{}} }

type memory struct {
	recentUses
	mu      sync.Mutex
	entries map[nameAndKey]entry
	sweepAt int // number of entries at which the expired ones are removed
}

type nameAndKey struct{ name, key string }

type entry struct {
	claim  Claim
	done   bool
	result []byte
}

// free reports whether the key may be claimed. As in a table, it may not at the very moment its claim ends.
func (e entry) free(now time.Time) bool {
	c := e.claim
	return now.After(c.Expires) || !e.done && !c.Until.IsZero() && now.After(c.Until)
}

func (m *memory) Claim(ctx context.Context, c Claim) (*Found, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, exists := m.entries[nameAndKey{c.Name, c.Key}]
	if !exists || old.free(time.Now()) || !old.done && old.claim.Owner == c.Owner {
		m.sweep()
		m.entries[nameAndKey{c.Name, c.Key}] = entry{claim: c}
		return nil, nil
	}
	return &Found{
		Done:         old.done,
		OtherPayload: c.Payload != nil && old.claim.Payload != nil && typeScript.checksum(c.Payload) != typeScript.checksum(old.claim.Payload),
		Result:       old.result,
	}, nil
}

// sweep removes expired entries each time the number of entries has doubled.
func (m *memory) sweep() {
	if len(m.entries) < m.sweepAt {
		return
	}
	now := time.Now()
	maps.DeleteFunc(m.entries, func(_ nameAndKey, e entry) bool { return now.After(e.claim.Expires) })
	m.sweepAt = 2*len(m.entries) + 1024
}

func (m *memory) Save(ctx context.Context, c Claim, result []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old := m.entries[nameAndKey{c.Name, c.Key}]
	if old.claim.Owner != c.Owner {
		return ErrLate
	}
	m.entries[nameAndKey{c.Name, c.Key}] = entry{c, true, result}
	return nil
}

func (m *memory) Release(ctx context.Context, c Claim) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if old := m.entries[nameAndKey{c.Name, c.Key}]; !old.done && old.claim.Owner == c.Owner {
		delete(m.entries, nameAndKey{c.Name, c.Key})
	}
	return nil
}
