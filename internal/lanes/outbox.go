package lanes

import (
	"sync"
	"sync/atomic"
)

// An outbox holds the Results that wait for the consumer. A lane claims a place before it puts a Result in. The
// outbox has its own lock, which is only held for moments.
type outbox[R any] struct {
	n        atomic.Int32
	places   atomic.Int32 // used or claimed
	mu       sync.Mutex
	results  []R
	received int // how many the consumer has received and not passed on yet; in a narrow pool only
}

func (o *outbox[R]) len() int { return int(o.n.Load()) }

// claim claims a place for one Result if one is free. If lanes only checked for a free place, several of them could
// put a Result into the last one.
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

// free returns how many places are free.
func (o *outbox[R]) free() int { return max(0, Behind-int(o.places.Load())) }

// claimAnyway claims a place even if none is free.
func (o *outbox[R]) claimAnyway() { o.places.Add(1) }

func (o *outbox[R]) unclaim() { o.places.Add(-1) }

// put puts a Result into a claimed place.
func (o *outbox[R]) put(r R) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.results = append(o.results, r)
	o.n.Store(int32(len(o.results)))
}

// swap empties the outbox, and gives it a buffer to go on with.
func (o *outbox[R]) swap(used []R) (results []R) {
	o.mu.Lock()
	defer o.mu.Unlock()
	results, o.results = o.results, used[:0]
	o.received = len(results)
	o.n.Store(0)
	o.places.Add(-int32(len(results)))
	return results
}

// behind returns how many Results have left their lanes and were not passed on yet.
func (o *outbox[R]) behind() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.results) + o.received
}

func (o *outbox[R]) passedOn() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.received--
}
