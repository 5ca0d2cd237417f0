package lanes

import (
	"runtime"
	"slices"
)

// Emit hands on what the lane has made of an item; nil is an item of no lane here. It waits while too much waits for
// the consumer, and reports whether the lane may go on.
func (p *Pool[K, T, R]) Emit(l *Lane[T, R], it *Item[T, R], r R) bool {
	if !p.out.claim() {
		runtime.Gosched() // mostly the consumer only lacks a processor
		p.waitForPlace(l)
	}
	put, ok := p.emit(l, it, r)
	if !put {
		p.unclaim()
	}
	return ok
}

// emit reports whether the place that the lane has claimed is used, and whether the lane may go on.
func (p *Pool[K, T, R]) emit(l *Lane[T, R], it *Item[T, R], r R) (put, ok bool) {
	holder := l
	if it != nil && (it.standing != nil || it.lane != l) { // or a stage has carried it over from another lane
		p.mu.Lock()
		defer p.mu.Unlock()
		if l.shut {
			return false, false
		}
		holder = it.lane
	}
	holder.mu.Lock()
	defer holder.mu.Unlock()
	if p.broken.Load() || holder == l && l.shut {
		return false, false
	}
	if it == nil {
		p.out.put(r)
		p.notify()
		return true, true
	}
	p.Left(&it.Value, r)
	if put = !p.holdsBack(it, r); put {
		p.out.put(r)
		p.notify()
	}
	p.settle(it)
	return put, true
}

// waitForPlace returns with a claim. A lane that is to end has one though there is no place.
func (p *Pool[K, T, R]) waitForPlace(l *Lane[T, R]) {
	if p.out.claim() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.crowded.Add(1)
	defer p.crowded.Add(-1)
	for !p.out.claim() {
		if p.stopped.Load() || l.shut {
			p.out.exceed()
			return
		}
		p.space.Wait()
	}
}

func (p *Pool[K, T, R]) unclaim() {
	p.out.unclaim()
	if p.crowded.Load() > 0 {
		p.mu.Lock()
		p.space.Broadcast()
		p.mu.Unlock()
	}
}

// send hands a Result on whether there is a place for it or not.
func (p *Pool[K, T, R]) send(r R) {
	p.out.exceed()
	p.out.put(r)
	p.notify()
}

// Settle finishes an item if nothing is left of it in its lane. It is for what leaves otherwise than by Emit.
func (p *Pool[K, T, R]) Settle(it *Item[T, R]) {
	if it.standing != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
	}
	it.lane.mu.Lock()
	defer it.lane.mu.Unlock()
	p.settle(it)
}

// settle needs the lock of the lane, and that of the pool if the item has a standing.
func (p *Pool[K, T, R]) settle(it *Item[T, R]) {
	if it.returned && !it.finished && !p.Inside(&it.Value) {
		p.finish(it)
	}
}

func (p *Pool[K, T, R]) finish(it *Item[T, R]) {
	it.finished = true
	p.Finished(&it.Value)
	if l := it.lane; l != nil {
		at := slices.Index(l.held, it)
		l.held = slices.Delete(l.held, at, at+1)
	}
	if s := it.standing; s != nil {
		p.open(s.gate)
		if it.lane != nil && s.line != nil {
			p.leaveLine(it.lane, s.line)
		}
	}
}

func (p *Pool[K, T, R]) leaveLine(l *Lane[T, R], line *line[T, R]) {
	if line.held--; line.held > 0 {
		return
	}
	at := slices.Index(l.lines, line)
	l.lines = slices.Delete(l.lines, at, at+1)
	line.lane = nil
	p.advance(line)
}
