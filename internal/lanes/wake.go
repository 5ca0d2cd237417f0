package lanes

// callLane wakes or starts a lane if there are ready items. A woken lane calls the next one.
func (p *Pool[K, T, R]) callLane() {
	switch n := len(p.idle); {
	case p.called != nil || p.routed || p.stopped.Load() || p.available() == 0:
	case n > 0:
		p.called = p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.signal(p.called)
	case len(p.lanes) < p.maxLanes && p.starting < p.available():
		p.start(&p.inboxes[0])
	}
	p.updateCallable()
}

func (p *Pool[K, T, R]) start(in *inbox[T, R]) *Lane[T, R] {
	l := &Lane[T, R]{Number: in.number, inbox: in, starting: true}
	l.awake.L = &p.mu
	p.lanes = append(p.lanes, l)
	p.starting++
	p.running++
	p.Start(l)
	p.noteWork()
	return l
}

// updateCallable tells Push whether a new item should call a lane.
func (p *Pool[K, T, R]) updateCallable() {
	p.callable.Store(p.called == nil && (len(p.idle) > 0 || len(p.lanes) < p.maxLanes))
}

// wake wakes a lane that waits for an item.
func (p *Pool[K, T, R]) wake(l *Lane[T, R]) {
	for i, idle := range p.idle {
		if idle == l {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			p.signal(l)
			return
		}
	}
}

// signal wakes a goroutine of a lane that is not in idle any more.
func (p *Pool[K, T, R]) signal(l *Lane[T, R]) {
	l.idle--
	p.noteWork()
	l.awake.Signal()
}

func (p *Pool[K, T, R]) wakeAll() {
	for _, l := range p.idle {
		p.signal(l)
	}
	p.idle = p.idle[:0]
}

// Hasten makes lanes flush before they wait for an item, now and from now on.
func (p *Pool[K, T, R]) Hasten() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flushAll()
	p.hasty = true
}

// Urge makes lanes flush before they wait for an item, until [Pool.Calm] is called.
func (p *Pool[K, T, R]) Urge() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flushAll()
	p.urged.Store(true)
}

// Calm takes back what Urge has said. It may be called with any locks held.
func (p *Pool[K, T, R]) Calm() { p.urged.Store(false) }

// flushAll wakes the lanes and the consumer to flush, unless they know already that they must.
func (p *Pool[K, T, R]) flushAll() {
	for _, l := range p.lanes {
		l.mu.Lock()
		l.flushed.Store(l.flushed.Load() && p.mustFlush()) // that it flushed for another reason does not count
		l.mu.Unlock()
	}
	p.wakeAll()
	p.notify()
}

func (p *Pool[K, T, R]) mustFlush() bool { return p.hasty || p.urged.Load() }

// FlushAgain makes a lane flush once more before it waits for an item, if it would flush: it holds something that it did not
// hold before.
func (p *Pool[K, T, R]) FlushAgain(l *Lane[T, R]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.flushed.Store(false)
	p.wake(l)
}

// Hasty reports whether Hasten or Urge was called. Then the consumer must flush before it waits, too.
func (p *Pool[K, T, R]) Hasty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mustFlush()
}
