package lanes

import "slices"

// Break ends everything: lanes take no more items, and Emit hands on no more Results.
func (p *Pool[K, T, R]) Break() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken.Store(true)
	p.stop()
}

// GiveUp makes lanes take no more items, and stops waiting for the producer and for lanes that are stuck. Lanes that
// wait for an item end by themselves, and so do lanes that have asked for one since [Pool.ReleaseExpired] and hold no
// item from before: no work begins on what they have taken. The pool still waits for both unless all is set.
func (p *Pool[K, T, R]) GiveUp(all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop()
	for _, l := range p.lanes {
		if !l.gone && !l.givenUp && (all || p.isStuck(l)) {
			l.givenUp = true
			p.running--
			p.shutLane(l, func(item *T) (R, bool) { return p.Abandoned(item), true })
		}
	}
	if m := &p.producer; !m.gone && !m.givenUp {
		m.givenUp = true
		p.running--
	}
	p.notify()
	p.noteBusy()
}

// isStuck checks the items, too: a stage may have another goroutine ask for the next one while it works.
func (p *Pool[K, T, R]) isStuck(l *Lane[T, R]) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asking == 0 && (l.late || slices.ContainsFunc(l.unfinished, func(it *Item[T, R]) bool { return it.late }))
}

func (p *Pool[K, T, R]) stop() {
	p.stopped.Store(true)
	p.wakeAll()
	p.wakeProducer()
	p.freePlaces()
}

// Over reports whether the producer and all lanes have gone or are given up. If not, Changed receives a value when
// that may have changed.
func (p *Pool[K, T, R]) Over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.consumerWaits.Store(true)
	return p.running == 0
}

// Stopped reports whether lanes take no more items.
func (p *Pool[K, T, R]) Stopped() bool { return p.stopped.Load() }

// Exhausted reports whether the producer has gone.
func (p *Pool[K, T, R]) Exhausted() bool {
	return p.exhausted.Load()
}
