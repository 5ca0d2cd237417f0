package batch

// Whose turn it is at a chunk.

import (
	"sync"
	"sync/atomic"
)

// A turn is a lock that may be held while functions of the user's run. A mutex would stop the clock of
// testing/synctest where one goroutine waits for it while the function of another one sleeps.
type turn struct {
	taken   atomic.Bool
	waiting atomic.Int32

	mu   sync.Mutex
	free sync.Cond
}

func (t *turn) take() {
	if t.try() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.free.L == nil {
		t.free.L = &t.mu // once: who waits reads it without the lock
	}
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
