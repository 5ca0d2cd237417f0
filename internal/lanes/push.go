package lanes

// Push adds an item. lane is the number of its lane in a routed pool, otherwise 0. lineKey and gateKey are zero for
// an item without a line or gate. Push waits for room and reports whether it may be called again.
func (p *Pool[K, T, R]) Push(it *Item[T, R], lane int, lineKey, gateKey K, rank int) bool {
	it.number = p.pushed
	p.pushed++
	var none K
	if lineKey != none || gateKey != none || p.routed {
		p.pushInOrder(it, lane, lineKey, gateKey, rank)
		return !p.stopped.Load()
	}
	p.unordered.push(it)
	if p.callable.Load() {
		p.mu.Lock()
		p.callLane()
		p.mu.Unlock()
	}
	if p.narrow.Load() || p.ordered.Load() || p.unordered.len() >= Ahead {
		p.mu.Lock()
		p.waitForRoom()
		p.mu.Unlock()
	}
	return !p.stopped.Load()
}

func (p *Pool[K, T, R]) pushInOrder(it *Item[T, R], lane int, lineKey, gateKey K, rank int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ordered.Store(true)
	it.ordering = p.newOrdering()
	it.ordering.rank = rank
	it.ordering.inbox = &p.inboxes[lane]
	var none K
	if gateKey != none {
		p.gate(gateKey).enter(it)
	}
	if lineKey != none && !(p.expired != nil && p.expired(&it.Value)) {
		it.ordering.line = p.line(lineKey)
	}
	if l := it.ordering.line; l != nil && l.busy {
		l.waiting = append(l.waiting, it)
		it.ordering.inbox.waiting++
		p.wake(l.lane)
	} else if offered := p.offer(it); l != nil {
		l.busy = offered
	}
	p.waitForRoom()
}

func (p *Pool[K, T, R]) newOrdering() *ordering[T, R] {
	if len(p.orderings) == 0 {
		p.orderings = make([]ordering[T, R], min(p.pushed, 32))
	}
	o := &p.orderings[0]
	p.orderings = p.orderings[1:]
	return o
}

func (p *Pool[K, T, R]) waitForRoom() {
	p.producerWaits.Store(true)
	for !p.stopped.Load() && p.expired == nil && p.available() >= p.allowed() {
		p.noteRest(&p.producerRests, true)
		p.roomForItems.Wait()
		p.producerWaits.Store(true) // the one who woke it has cleared it
	}
	p.producerWaits.Store(false)
}

// available returns how many items are ready.
func (p *Pool[K, T, R]) available() int {
	n := p.unordered.len()
	for i := range p.inboxes {
		n += p.inboxes[i].ready.len()
	}
	return n
}

// allowed returns how many items may be ready before the producer waits.
func (p *Pool[K, T, R]) allowed() int {
	switch {
	case !p.narrow.Load():
		return p.ahead()
	case p.routed:
		return p.oneIfFree()
	}
	free := len(p.idle) + p.maxLanes - len(p.lanes) + p.starting
	if p.called != nil {
		free++
	}
	return free - p.out.behind()
}

func (p *Pool[K, T, R]) ahead() int {
	if p.routed {
		return RoutedAhead
	}
	return Ahead
}

// resumeProducer wakes the producer if it waits and can push several items. It reports whether it did.
func (p *Pool[K, T, R]) resumeProducer() bool {
	if !p.producerWaits.Load() || !p.narrow.Load() && p.available() > p.ahead()/2 || !p.producerWaits.Swap(false) {
		return false
	}
	p.wakeProducer()
	return true
}

func (p *Pool[K, T, R]) wakeProducer() {
	p.noteRest(&p.producerRests, false)
	p.roomForItems.Signal()
}

// Narrow makes the producer wait for a free lane before each item, since other lanes around the pool may run the item
// sooner. A lane does not count as free as long as the consumer has not passed on a Result in its place: it may be stuck.
// The producer calls Narrow.
func (p *Pool[K, T, R]) Narrow() { p.narrow.Store(true) }

// Exhaust notes that the producer has gone: no more items will be pushed.
func (p *Pool[K, T, R]) Exhaust() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exhausted.Store(true)
	p.wakeAll()
	p.leave(&p.producer)
	p.noteGoroutines() // last: until then the producer is what moves
}

// ReleaseExpired makes expired items ready without waiting for their lines: those that wait in a line now, up to the
// first that has not expired, and all that are pushed later. The producer then no longer waits for room. From then on
// [Pool.GiveUp] spares lanes that have nothing left from before.
func (p *Pool[K, T, R]) ReleaseExpired(expired func(*T) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expired = expired
	for _, l := range p.lines {
		for len(l.waiting) > 0 && expired(&l.waiting[0].Value) {
			it := p.popLine(l)
			it.ordering.line = nil
			p.offer(it)
		}
	}
	for _, l := range p.lanes {
		l.mu.Lock()
		l.late = l.asking == 0
		for _, it := range l.unfinished {
			it.late = true
		}
		l.mu.Unlock()
	}
	p.wakeProducer()
}
