package lanes

import "slices"

// Receive returns the Results that wait for the consumer, in exchange for a buffer that it no longer needs. If there
// are none, over reports whether there will never be any; otherwise Changed receives a value when there are.
func (p *Pool[K, T, R]) Receive(used []R) (out []R, over bool) {
	if p.Empty() {
		over = p.Over() // before the swap: a lane that adds a Result has not gone yet
	}
	out = p.out.swap(used)
	if p.placeWaiters.Load() > 0 {
		p.mu.Lock()
		p.freePlaces()
		p.mu.Unlock()
	}
	if len(out) == 0 {
		p.resumeNarrowProducer()
	}
	return out, over
}

// PassedOn notes that the consumer has passed on one of the Results that it has received.
func (p *Pool[K, T, R]) PassedOn() {
	if p.narrow.Load() {
		p.out.passedOn()
		p.resumeNarrowProducer()
	}
}

func (p *Pool[K, T, R]) resumeNarrowProducer() {
	if p.narrow.Load() && p.producerWaits.Load() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.resumeProducer()
	}
}

// Empty reports whether there is nothing to receive now.
func (p *Pool[K, T, R]) Empty() bool { return p.out.len() == 0 }

// Drain is called when all lanes have ended. For the items that no lane has taken, it hands on what untaken makes of
// them, in the order in which they were pushed.
func (p *Pool[K, T, R]) Drain(untaken func(*T) (R, bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var rest []*Item[T, R]
	for i := range p.inboxes {
		rest = append(rest, p.inboxes[i].ready.drain()...)
	}
	for _, l := range p.lines {
		rest = append(rest, l.waiting...)
	}
	for it := p.unordered.take(); it != nil; it = p.unordered.take() {
		rest = append(rest, it)
	}
	slices.SortFunc(rest, func(a, b *Item[T, R]) int { return int(a.number - b.number) })
	for _, it := range rest {
		if r, ok := untaken(&it.Value); ok {
			p.deliver(it, r)
		}
		p.finish(it)
	}
}

// Nudge wakes the consumer if it waits.
func (p *Pool[K, T, R]) Nudge() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notify()
}
