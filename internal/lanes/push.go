package lanes

// Push adds an item for the lane of this number, 0 if they share all items, with the keys of its line and its
// gate, zero for none, and its rank at the gate. It waits for room and reports whether more are wanted.
func (p *Pool[K, T, R]) Push(it *Item[T, R], lane int, lineKey, gateKey K, rank int) bool {
	it.number = p.pushed
	p.pushed++
	var none K
	if lineKey != none || gateKey != none || p.routed {
		p.pushInOrder(it, lane, lineKey, gateKey, rank)
		return !p.stopped.Load()
	}
	p.fresh.push(it)
	if p.calling.Load() {
		p.mu.Lock()
		p.call()
		p.mu.Unlock()
	}
	if p.narrow || p.orderly.Load() || p.fresh.len() >= Ahead {
		p.mu.Lock()
		p.waitForRoom()
		p.mu.Unlock()
	}
	return !p.stopped.Load()
}

func (p *Pool[K, T, R]) pushInOrder(it *Item[T, R], lane int, lineKey, gateKey K, rank int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.orderly.Store(true)
	it.standing = p.newStanding()
	it.standing.rank = rank
	it.standing.desk = &p.desks[lane]
	var none K
	if gateKey != none {
		p.gate(gateKey).enter(it)
	}
	if lineKey != none && !(p.expired != nil && p.expired(&it.Value)) {
		it.standing.line = p.line(lineKey)
	}
	if l := it.standing.line; l != nil && l.busy {
		l.waiting = append(l.waiting, it)
		it.standing.desk.waiting++
		p.wake(l.lane)
	} else if offered := p.offer(it); l != nil {
		l.busy = offered
	}
	p.waitForRoom()
}

func (p *Pool[K, T, R]) newStanding() *standing[T, R] {
	if len(p.standings) == 0 {
		p.standings = make([]standing[T, R], min(p.pushed, 32))
	}
	s := &p.standings[0]
	p.standings = p.standings[1:]
	return s
}

func (p *Pool[K, T, R]) line(key K) *line[T, R] {
	l := p.lines[key]
	if l == nil {
		if p.lines == nil {
			p.lines = make(map[K]*line[T, R])
		}
		l = new(line[T, R])
		p.lines[key] = l
	}
	return l
}

func (p *Pool[K, T, R]) waitForRoom() {
	for p.full.Store(true); !p.stopped.Load() && p.expired == nil && p.available() >= p.allowed(); p.full.Store(true) {
		p.room.Wait()
	}
	p.full.Store(false)
}

// available is how many items wait for a lane.
func (p *Pool[K, T, R]) available() int {
	n := p.fresh.len()
	for i := range p.desks {
		n += p.desks[i].ready.len()
	}
	return n
}

func (p *Pool[K, T, R]) allowed() int {
	switch {
	case !p.narrow:
		return p.ahead()
	case p.routed:
		return p.oneIfFree()
	}
	free := len(p.idle) + p.n - len(p.lanes) + p.coming
	if p.called != nil {
		free++
	}
	return free
}

func (p *Pool[K, T, R]) ahead() int {
	if p.routed {
		return Far
	}
	return Ahead
}

// makeRoom wakes the producer when it is worth it, and reports whether it did.
func (p *Pool[K, T, R]) makeRoom() bool {
	if !p.full.Load() || !p.narrow && p.available() > p.ahead()/2 || !p.full.Swap(false) {
		return false
	}
	p.room.Signal()
	return true
}

// Narrow has the producer, which calls it, wait for a free lane each time: others may have more use for the items.
func (p *Pool[K, T, R]) Narrow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.narrow = true
}

// Exhaust says that the producer has gone, and that no item will come any more.
func (p *Pool[K, T, R]) Exhaust() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = true
	p.leave(&p.producer)
	p.wakeAll()
}

// Hurry takes items that have expired out of their lines, each up to the first one that has not, and those that come from
// now on; and it lets the producer go ahead as far as it likes.
func (p *Pool[K, T, R]) Hurry(expired func(*T) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expired = expired
	for _, l := range p.lines {
		for len(l.waiting) > 0 && expired(&l.waiting[0].Value) {
			it := p.unline(l)
			it.standing.line = nil
			p.offer(it)
		}
	}
	p.room.Signal()
}
