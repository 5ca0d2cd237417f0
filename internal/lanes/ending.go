package lanes

// Break ends everything: lanes take no more items, and Emit hands on no more Results.
func (p *Pool[K, T, R]) Break() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken.Store(true)
	p.stop()
}

// GiveUp stops waiting for the producer and for lanes that are busy. Lanes that wait for an item end by themselves, and
// so do lanes that have taken their item since [Pool.ReleaseExpired]: no work begins on it. The pool still waits for both
// unless all is set. They take what the producer has pushed if it has gone; otherwise lanes take no more items.
func (p *Pool[K, T, R]) GiveUp(all bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if all || !p.producer.gone {
		p.stop()
	}
	for _, l := range p.lanes {
		if !l.gone && !l.givenUp && (all || p.isStuck(l)) {
			l.givenUp = true
			p.running--
			p.shutLane(l, func(item *T) (R, bool) { return p.Abandoned(item), true })
			p.GivenUp(l.Owner)
		}
	}
	if m := &p.producer; !m.gone && !m.givenUp {
		m.givenUp = true
		p.running--
	}
	if p.ended() {
		p.stop()
	}
	p.placeFree.Broadcast()
	p.notify()
}

func (p *Pool[K, T, R]) isStuck(l *Lane[T, R]) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.asking && l.late
}

func (p *Pool[K, T, R]) stop() {
	p.stopped.Store(true)
	p.wakeAll()
	p.roomForItems.Signal()
	p.placeFree.Broadcast()
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
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.exhausted
}
