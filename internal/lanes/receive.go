package lanes

import "slices"

// Receive returns what there is to hand on, in exchange for a buffer that is not needed any more. If it is nothing,
// over tells whether nothing will come, and otherwise Changed receives when something does.
func (p *Pool[K, T, R]) Receive(used []R) (out []R, over bool) {
	if p.Empty() {
		over = p.Over() // asked first: who puts something in has not gone yet
	}
	out = p.out.swap(used)
	if p.crowded.Load() > 0 {
		p.mu.Lock()
		p.space.Broadcast()
		p.mu.Unlock()
	}
	return out, over && len(out) == 0
}

// Empty reports whether there is nothing to receive now.
func (p *Pool[K, T, R]) Empty() bool { return p.out.len() == 0 }

// Rest hands on what becomes of the items that no lane has taken, in their order, when all lanes have ended.
func (p *Pool[K, T, R]) Rest(untaken func(*T) (R, bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var rest []*Item[T, R]
	for i := range p.desks {
		rest = append(rest, p.desks[i].ready.all()...)
		p.desks[i].waiting = 0
	}
	for _, l := range p.lines {
		rest = append(rest, l.waiting...)
		l.waiting = nil
	}
	for it := p.fresh.take(); it != nil; it = p.fresh.take() {
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

// Break ends everything: no item is given out, and nothing is received any more.
func (p *Pool[K, T, R]) Break() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken.Store(true)
	p.stop()
}

// GiveUp gives no item out any more, and waits no longer for the producer and the lanes, except for those that wait
// for an item: these end by themselves. With all set it waits for those neither.
func (p *Pool[K, T, R]) GiveUp(all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop()
	for _, l := range p.lanes {
		if !l.gone && !l.adrift && (all || !l.asking) {
			l.adrift = true
			p.running--
			p.release(l, func(item *T) (R, bool) { return p.Abandoned(item), true })
			p.Adrift(l.Owner)
		}
	}
	if m := &p.producer; !m.gone && !m.adrift {
		m.adrift = true
		p.running--
	}
	p.space.Broadcast()
	p.notify()
}

func (p *Pool[K, T, R]) stop() {
	p.stopped.Store(true)
	p.wakeAll()
	p.room.Signal()
	p.space.Broadcast()
}

// Over reports whether nobody is waited for any more. If somebody is, Changed receives when that may have changed.
func (p *Pool[K, T, R]) Over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awaited.Store(true)
	return p.running == 0
}

// Stopped reports whether no item is given out any more.
func (p *Pool[K, T, R]) Stopped() bool { return p.stopped.Load() }

// Exhausted reports whether no item will be pushed any more.
func (p *Pool[K, T, R]) Exhausted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// Nudge wakes a consumer that waits for something new.
func (p *Pool[K, T, R]) Nudge() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notify()
}
