package lanes

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A Lane takes one item after another.
type Lane[T, R any] struct {
	Owner  any // for the callbacks
	Number int // in a routed pool, which items it takes: those that are pushed for this number

	participant
	inbox     *inbox[T, R]
	starting  bool        // it has not asked for an item yet
	asking    int         // how many of its goroutines have called Next
	idle      int         // how many of them wait, and have not been woken
	placeless int         // how many of its goroutines wait for a place, and have not been woken
	flushed   atomic.Bool // it was asked to flush since its last item
	retiring  bool        // it gets no more items; a successor takes them
	awake     sync.Cond
	lines     []*line[T, R] // those of which it holds an item

	mu         sync.Mutex
	late       bool        // it has not asked for an item since the last ReleaseExpired
	shut       bool        // nothing enters or leaves any more
	current    *Item[T, R] // the item that it was given last, until it asks for another
	unfinished []*Item[T, R]
}

// A Turn is what a lane must do next.
type Turn int

const (
	Work  Turn = iota // work on the item
	Flush             // there is no item yet: let go of the items that it holds, and ask again
	End               // there will be no more items
)

// Next waits for the next item of a lane. It also notes that the lane has returned from the one before. Two goroutines
// of a lane may call it at once: then an item is returned when either asks for the next one.
func (p *Pool[K, T, R]) Next(l *Lane[T, R]) (*Item[T, R], Turn) {
	if it := p.nextUnordered(l); it != nil {
		return it, Work
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noteStarted(l)
	l.mu.Lock()
	p.returnCurrent(l)
	l.mu.Unlock()
	l.asking++
	for !p.stopped.Load() && !l.shut && !l.retiring {
		if it := p.take(l); it != nil {
			l.asking--
			l.mu.Lock()
			p.give(l, it)
			l.mu.Unlock()
			p.callLane()
			if p.resumeProducer() {
				p.mu.Unlock()
				runtime.Gosched() // so that the producer runs before the lanes have nothing left to do
				p.mu.Lock()
			}
			return it, Work
		}
		if p.exhausted.Load() && l.inbox.waiting == 0 {
			break
		}
		if !l.flushed.Load() && (p.mustFlush() || p.blocksOthers(l)) && l.holds() {
			l.flushed.Store(true)
			l.asking--
			return nil, Flush
		}
		if p.retireBlocker() {
			continue
		}
		p.wait(l)
	}
	l.asking--
	p.callLane() // this lane may have been called for an item that it does not take
	p.wake(l)    // another goroutine of the lane may wait, which has no more to wait for either
	return nil, End
}

// nextUnordered is Next without the pool's lock, for as long as no item has an ordering. It returns nil if it cannot
// do without.
func (p *Pool[K, T, R]) nextUnordered(l *Lane[T, R]) *Item[T, R] {
	if p.ordered.Load() || p.stopped.Load() {
		return nil
	}
	l.mu.Lock()
	if l.current == nil || l.current.ordering != nil { // it is nil once the lane is shut
		l.mu.Unlock()
		return nil
	}
	p.returnCurrent(l)
	it := p.unordered.take()
	if it != nil {
		p.give(l, it)
	}
	l.mu.Unlock()
	if p.producerWaits.Load() && p.unordered.len() <= Ahead/2 {
		p.mu.Lock()
		made := p.resumeProducer()
		p.mu.Unlock()
		if made {
			runtime.Gosched() // as in Next
		}
	}
	return it
}

// wait waits until there may be something for the lane.
func (p *Pool[K, T, R]) wait(l *Lane[T, R]) {
	p.idle = append(p.idle, l)
	p.updateCallable()
	if p.unordered.first() != nil { // it was pushed before this lane could be called
		p.idle = p.idle[:len(p.idle)-1]
		return
	}
	p.resumeProducer()
	l.idle++
	p.noteBusy()
	l.awake.Wait()
	if p.called == l {
		p.called = nil
		p.updateCallable()
	}
}

func (p *Pool[K, T, R]) noteStarted(l *Lane[T, R]) {
	if l.starting {
		l.starting = false
		p.starting--
	}
}

// returnCurrent notes that the lane has returned from its current item.
func (p *Pool[K, T, R]) returnCurrent(l *Lane[T, R]) {
	l.late = false
	if it := l.current; it != nil {
		l.current = nil
		it.returned = true
		p.tryFinish(it)
	}
}

func (p *Pool[K, T, R]) give(l *Lane[T, R], it *Item[T, R]) {
	it.lane = l
	p.Given(l.Owner, &it.Value)
	l.current = it
	if l.flushed.Load() {
		l.flushed.Store(false)
	}
	l.unfinished = append(l.unfinished, it)
}

// take takes the earliest item that may run in the lane: a ready one, or the next one of a line that the lane holds.
func (p *Pool[K, T, R]) take(l *Lane[T, R]) *Item[T, R] {
	it := l.inbox.ready.first()
	var own *line[T, R]
	for _, line := range l.lines {
		if len(line.waiting) > 0 && line.waiting[0].ordering.inbox == l.inbox && (it == nil || line.waiting[0].number < it.number) {
			it, own = line.waiting[0], line
		}
	}
	if first := p.unordered.first(); first != nil && (it == nil || first.number < it.number) {
		if first = p.unordered.take(); first != nil {
			return first
		}
	}
	switch {
	case it == nil:
		return nil
	case own != nil:
		p.popLine(own)
	default:
		l.inbox.ready.pop()
	}
	if line := it.ordering.line; line != nil {
		if line.held == 0 {
			line.lane = l
			l.lines = append(l.lines, line)
		}
		line.held++
	}
	return it
}

func (l *Lane[T, R]) holds() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.unfinished) > 0
}

// Close notes that a lane has ended. returned reports that it has not crashed. lost makes the Results of its
// unfinished items; it reports false for an item that gets none.
func (p *Pool[K, T, R]) Close(l *Lane[T, R], returned bool, lost func(*T) (R, bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noteStarted(l)
	p.shutLane(l, lost)
	if p.routed {
		p.closeInbox(l, returned)
	}
	p.leave(&l.participant)
	p.closed++
	if p.ended() {
		p.stop()
	}
	p.callLane()
	p.retireBlocker()
	p.resumeProducer()
	p.noteBusy()
}

// ended reports whether all possible lanes have ended, so that none is left to take an item.
func (p *Pool[K, T, R]) ended() bool {
	return !p.routed && p.closed == p.maxLanes
}

// shutLane finishes all items of a lane. Nothing enters or leaves it afterwards.
func (p *Pool[K, T, R]) shutLane(l *Lane[T, R], lost func(*T) (R, bool)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut = true
	l.current = nil
	p.Shut(l.Owner, l.unfinished)
	for len(l.unfinished) > 0 {
		it := l.unfinished[0]
		if p.Inside(&it.Value) {
			it.cut = true
			if r, ok := lost(&it.Value); ok {
				p.deliver(it, r)
			}
		}
		p.finish(it)
	}
}
