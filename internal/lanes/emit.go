package lanes

import (
	"runtime"
	"slices"
)

// Emit hands on a Result that a lane has made of an item, which is nil if the Result is of no item of this pool. It
// waits while too many Results wait for the consumer. It reports whether it has taken the Result, and whether the lane may go
// on. A Result is not taken if it comes too late: the lane of its item has ended, and Results of later items have gone through
// the gate.
func (p *Pool[K, T, R]) Emit(l *Lane[T, R], it *Item[T, R], r R) (taken, more bool) {
	if !p.out.claim() {
		runtime.Gosched() // the consumer is usually ready and only lacks a processor
		p.waitForPlace(l)
	}
	put, taken, more := p.emit(l, it, r)
	if !put {
		p.unclaim()
	}
	return taken, more
}

// emit is Emit, and also reports whether it has used the place that the lane has claimed.
func (p *Pool[K, T, R]) emit(l *Lane[T, R], it *Item[T, R], r R) (put, taken, more bool) {
	holder := l
	if it != nil && (it.ordering != nil || it.lane != l) { // or a stage has carried the Result over from another lane
		p.mu.Lock()
		defer p.mu.Unlock()
		holder = it.lane
	}
	holder.mu.Lock()
	defer holder.mu.Unlock()
	if p.broken.Load() || l.shut { // shut changes only under both locks, so either is enough
		return false, false, false
	}
	if it == nil {
		p.out.put(r)
		p.notify()
		return true, true, true
	}
	p.Left(&it.Value, r)
	if it.isLate() {
		return false, false, true
	}
	if put = !p.holdsBack(it, r); put {
		it.noteSent()
		p.out.put(r)
		p.notify()
	}
	p.tryFinish(it)
	return put, true, true
}

// waitForPlace claims a place. A lane that must end gets one even if none is free.
func (p *Pool[K, T, R]) waitForPlace(l *Lane[T, R]) {
	if p.out.claim() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.placeWaiters.Add(1)
	defer p.placeWaiters.Add(-1)
	for !p.out.claim() {
		if p.stopped.Load() || l.shut {
			p.out.claimAnyway()
			return
		}
		l.placeless++
		p.placeless = append(p.placeless, l)
		p.noteBusy()
		p.placeFree.Wait()
	}
}

// freePlaces wakes as many of those that wait for a place as there are places, the first ones first, as placeFree does. If
// thousands wait, waking them all each time would take longer than their work.
func (p *Pool[K, T, R]) freePlaces() {
	n := len(p.placeless)
	if !p.stopped.Load() {
		n = min(n, p.out.free())
	}
	for _, l := range p.placeless[:n] {
		l.placeless--
		p.placeFree.Signal()
		p.noteWork()
	}
	p.placeless = slices.Delete(p.placeless, 0, n)
}

func (p *Pool[K, T, R]) unclaim() {
	p.out.unclaim()
	if p.placeWaiters.Load() > 0 {
		p.mu.Lock()
		p.freePlaces()
		p.mu.Unlock()
	}
}

// send hands a Result on, even if no place is free.
func (p *Pool[K, T, R]) send(r R) {
	p.out.claimAnyway()
	p.out.put(r)
	p.notify()
}

// TryFinish finishes an item if nothing of it is left in its lane. It must be called after Results of the item have
// left the lane by another way than Emit.
func (p *Pool[K, T, R]) TryFinish(it *Item[T, R]) {
	if it.ordering != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
	}
	it.lane.mu.Lock()
	defer it.lane.mu.Unlock()
	p.tryFinish(it)
}

// tryFinish needs the lock of the lane, and also that of the pool if the item has an ordering.
func (p *Pool[K, T, R]) tryFinish(it *Item[T, R]) {
	if it.returned && !it.finished && !p.Inside(&it.Value) {
		p.finish(it)
	}
}

func (p *Pool[K, T, R]) finish(it *Item[T, R]) {
	it.finished = true
	p.Finished(&it.Value)
	if l := it.lane; l != nil {
		at := slices.Index(l.unfinished, it)
		if at == 0 && len(l.unfinished) > 100 { // of thousands, it is nearly always the first; moving the others takes long
			l.unfinished[0] = nil
			l.unfinished = l.unfinished[1:]
		} else {
			l.unfinished = slices.Delete(l.unfinished, at, at+1)
		}
	}
	if o := it.ordering; o != nil {
		p.open(o.gate)
		if it.lane != nil && o.line != nil {
			p.leaveLine(it.lane, o.line)
		}
	}
}
