package lanes

import (
	"sync"
	"sync/atomic"
)

// An outbox has the Results that wait for the consumer. It has a lock of its own, which is held for moments only.
type outbox[R any] struct {
	n      atomic.Int32
	places atomic.Int32 // that are used or claimed
	mu     sync.Mutex
	rs     []R
}

func (o *outbox[R]) len() int { return int(o.n.Load()) }

// claim claims a place for one Result, if there is one. Who looked for room and then put a Result in would find that
// others had done so meanwhile.
func (o *outbox[R]) claim() bool {
	for {
		n := o.places.Load()
		if n >= Behind {
			return false
		}
		if o.places.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// exceed claims a place whether there is one or not.
func (o *outbox[R]) exceed() { o.places.Add(1) }

func (o *outbox[R]) unclaim() { o.places.Add(-1) }

// put uses a claimed place.
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
	o.places.Add(-int32(len(rs)))
	return rs
}
