package lanes

import (
	"slices"
	"sync/atomic"
)

// A routed pool ends the input of a lane only if nothing moves in it. So a pool within the lane tells it how many goroutines of the
// lane wait in this pool, and whether lanes of its own work.

// Nest makes the pool call [Callbacks.Goroutines] and [Callbacks.Busy], since it is within a lane of a routed pool. The producer
// calls it.
func (p *Pool[K, T, R]) Nest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nested.Store(true)
	p.noteGoroutines()
	p.noteBusy()
}

// Rest notes that the consumer is about to wait for Changed, or for a timer. It has flushed if it must.
func (p *Pool[K, T, R]) Rest() { p.noteRest(&p.consumerRests, true) }

// Rise notes that the consumer goes on.
func (p *Pool[K, T, R]) Rise() { p.noteRest(&p.consumerRests, false) }

func (p *Pool[K, T, R]) noteRest(of *atomic.Bool, rests bool) {
	of.Store(rests)
	p.noteGoroutines()
}

// InnerRest notes that the pools within a lane do not work any more, for now.
func (p *Pool[K, T, R]) InnerRest() {
	if p.routed || p.nested.Load() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.retireBlocker()
		p.noteBusy()
	}
}

// noteGoroutines needs no lock. It is called when a goroutine is about to wait, and by the one who wakes it.
func (p *Pool[K, T, R]) noteGoroutines() {
	if p.nested.Load() {
		p.Goroutines(p.goroutines)
	}
}

// goroutines returns how many goroutines the pool adds to the lane around it, less those of the lane that wait in the pool.
func (p *Pool[K, T, R]) goroutines() (n int) {
	if !p.exhausted.Load() {
		n++ // the producer
	}
	if p.producerRests.Load() {
		n--
	}
	if p.consumerRests.Load() && p.consumerWaits.Load() {
		n--
	}
	return n
}

// noteBusy is called when a lane is about to wait, has ended or is given up.
func (p *Pool[K, T, R]) noteBusy() {
	if p.nested.Load() {
		p.setBusy(slices.ContainsFunc(p.lanes, p.isBusy))
	}
}

// noteWork is called when a lane is woken or started.
func (p *Pool[K, T, R]) noteWork() {
	if p.nested.Load() {
		p.setBusy(true)
	}
}

func (p *Pool[K, T, R]) setBusy(busy bool) {
	if p.busy != busy {
		p.busy = busy
		p.Busy(busy)
	}
}

// isBusy does not count lanes that wait for the consumer. If it works, it counts itself; if it does not, they cannot go on.
func (p *Pool[K, T, R]) isBusy(l *Lane[T, R]) bool {
	return !l.gone && !l.givenUp && p.Works(l.Owner, l.idle+l.placeless)
}
