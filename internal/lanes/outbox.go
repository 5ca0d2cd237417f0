package lanes

import (
	"sync"
	"sync/atomic"
)

// An outbox has the Results that wait for the consumer. It has a lock of its own, which is held for moments only.
type outbox[R any] struct {
	n  atomic.Int32
	mu sync.Mutex
	rs []R
}

func (o *outbox[R]) len() int { return int(o.n.Load()) }

func (o *outbox[R]) put(r R) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rs = append(o.rs, r)
	o.n.Store(int32(len(o.rs)))
}

// swap empties the outbox, and leaves it a buffer.
func (o *outbox[R]) swap(used []R) (rs []R) {
	o.mu.Lock()
	defer o.mu.Unlock()
	rs, o.rs = o.rs, used[:0]
	o.n.Store(0)
	return rs
}
