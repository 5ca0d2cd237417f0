package batch

// The lock of a chunk.

import (
	"sync"
	"sync/atomic"
)

// A turn is a lock that may be held while a user's function runs. A mutex would not do: in
// testing/synctest, a goroutine that waits for a mutex keeps time from advancing, and so a
// function that sleeps would never return.
type turn struct {
	taken   atomic.Bool
	waiting atomic.Int32

	mu   sync.Mutex
	free sync.Cond
}

func (t *turn) init() { t.free.L = &t.mu }

func (t *turn) take() {
	if t.try() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting.Add(1)
	defer t.waiting.Add(-1)
	for !t.try() {
		t.free.Wait()
	}
}

func (t *turn) try() bool { return t.taken.CompareAndSwap(false, true) }

func (t *turn) end() {
	t.taken.Store(false)
	if t.waiting.Load() > 0 {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.free.Signal()
	}
}
