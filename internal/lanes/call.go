package lanes

// call gets a lane for what is ready: it wakes one, which then calls the next, or starts one.
func (p *Pool[K, T, R]) call() {
	switch n := len(p.idle); {
	case p.called != nil || p.routed || p.stopped.Load() || p.available() == 0:
	case n > 0:
		p.called = p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.called.awake.Signal()
	case len(p.lanes) < p.n && p.coming < p.available():
		p.start(&p.desks[0])
	}
	p.listen()
}

func (p *Pool[K, T, R]) start(d *desk[T, R]) *Lane[T, R] {
	l := &Lane[T, R]{Number: d.number, desk: d, coming: true}
	l.awake.L = &p.mu
	p.lanes = append(p.lanes, l)
	p.coming++
	p.running++
	p.Start(l)
	return l
}

// listen has a new item call if there is a lane to call.
func (p *Pool[K, T, R]) listen() {
	p.calling.Store(p.called == nil && (len(p.idle) > 0 || len(p.lanes) < p.n))
}

// wake wakes a lane that waits for an item.
func (p *Pool[K, T, R]) wake(l *Lane[T, R]) {
	for i, idle := range p.idle {
		if idle == l {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			l.awake.Signal()
			return
		}
	}
}

func (p *Pool[K, T, R]) wakeAll() {
	for _, l := range p.idle {
		l.awake.Signal()
	}
	p.idle = p.idle[:0]
}

// Hasten has lanes let go of what they hold before they wait for an item, now and from now on.
func (p *Pool[K, T, R]) Hasten() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lanes {
		l.mu.Lock()
		l.flushed = l.flushed && p.hasty // it was for another reason
		l.mu.Unlock()
	}
	p.hasty = true
	p.wakeAll()
	p.notify()
}

// Hasty reports whether Hasten was called.
func (p *Pool[K, T, R]) Hasty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hasty
}
