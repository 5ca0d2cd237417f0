package lanes

import (
	"runtime"
	"slices"
	"sync"
)

// A Lane takes one item after the other.
type Lane[T, R any] struct {
	Owner  any // for the face
	Number int // which items it takes, as Push has it

	member
	desk    *desk[T, R]
	coming  bool // it has not asked yet
	asking  bool
	flushed bool // it has let go of what it held since its last item
	parting bool // it gets nothing more, and another one its later items
	awake   sync.Cond
	lines   []*line[T, R] // those it has an item of

	mu      sync.Mutex
	shut    bool          // nothing goes in or out any more
	current *Item[T, R]   // the last one that it was given
	held    []*Item[T, R] // the ones that are not finished
}

// What Next has for a lane.
type Turn int

const (
	Work  Turn = iota // an item
	Flush             // nothing: let go of what is held, and ask again
	End               // nothing, and nothing will come
)

// Next lets go of the item that the lane was given last, and waits for another one.
func (p *Pool[K, T, R]) Next(l *Lane[T, R]) (*Item[T, R], Turn) {
	if it := p.nextFresh(l); it != nil {
		return it, Work
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrive(l)
	l.mu.Lock()
	p.letGo(l)
	l.mu.Unlock()
	l.asking = true
	defer func() { l.asking = false }()
	for !p.stopped.Load() && !l.shut && !l.parting {
		if it := p.take(l); it != nil {
			l.asking = false
			l.mu.Lock()
			p.give(l, it)
			l.mu.Unlock()
			p.call()
			if p.makeRoom() {
				p.mu.Unlock()
				runtime.Gosched() // lets the producer have this processor before the lanes run dry
				p.mu.Lock()
			}
			return it, Work
		}
		if p.done && l.desk.waiting == 0 {
			break
		}
		if !l.flushed && (p.hasty || p.wanted(l)) && l.holds() {
			l.flushed = true
			return nil, Flush
		}
		if p.part() {
			continue
		}
		p.wait(l)
	}
	p.call() // it may have been called for an item that it does not take
	return nil, End
}

// nextFresh is Next where that needs no more than the lane: all items are fresh, and there is one.
func (p *Pool[K, T, R]) nextFresh(l *Lane[T, R]) *Item[T, R] {
	if p.orderly.Load() || p.stopped.Load() {
		return nil
	}
	l.mu.Lock()
	if l.shut || l.current == nil || l.current.standing != nil {
		l.mu.Unlock()
		return nil
	}
	p.letGo(l)
	it := p.fresh.take()
	if it != nil {
		p.give(l, it)
	}
	l.mu.Unlock()
	if it != nil && p.full.Load() && p.fresh.len() <= Ahead/2 {
		p.mu.Lock()
		made := p.makeRoom()
		p.mu.Unlock()
		if made {
			runtime.Gosched() // as above
		}
	}
	return it
}

// wait waits until there may be something for the lane.
func (p *Pool[K, T, R]) wait(l *Lane[T, R]) {
	p.idle = append(p.idle, l)
	p.listen()
	if p.fresh.first() != nil { // it has come without calling
		p.idle = p.idle[:len(p.idle)-1]
		return
	}
	p.makeRoom()
	l.awake.Wait()
	if p.called == l {
		p.called = nil
		p.listen()
	}
}

func (p *Pool[K, T, R]) arrive(l *Lane[T, R]) {
	if l.coming {
		l.coming = false
		p.coming--
	}
}

// letGo says that the lane has asked for another item since the last one.
func (p *Pool[K, T, R]) letGo(l *Lane[T, R]) {
	if it := l.current; it != nil {
		l.current = nil
		it.returned = true
		p.settle(it)
	}
}

func (p *Pool[K, T, R]) give(l *Lane[T, R], it *Item[T, R]) {
	it.lane = l
	p.Given(l.Owner, &it.Value)
	l.current, l.flushed = it, false
	l.held = append(l.held, it)
}

// take takes the first item that may run in the lane: one that is ready, or one of a line that only this lane has.
func (p *Pool[K, T, R]) take(l *Lane[T, R]) *Item[T, R] {
	it := l.desk.ready.first()
	var own *line[T, R]
	for _, line := range l.lines {
		if len(line.waiting) > 0 && line.waiting[0].standing.desk == l.desk && (it == nil || line.waiting[0].number < it.number) {
			it, own = line.waiting[0], line
		}
	}
	if first := p.fresh.first(); first != nil && (it == nil || first.number < it.number) {
		if first = p.fresh.take(); first != nil {
			return first
		}
	}
	switch {
	case it == nil:
		return nil
	case own != nil:
		p.unline(own)
	default:
		l.desk.ready.pop()
	}
	if line := it.standing.line; line != nil {
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
	return len(l.held) > 0
}

// Close ends a lane, and says whether it has ended as it should. lost makes the Results of what it has not finished, if
// there is to be one.
func (p *Pool[K, T, R]) Close(l *Lane[T, R], returned bool, lost func(*T) (R, bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrive(l)
	p.release(l, lost)
	if p.routed {
		p.leaveDesk(l, returned)
	}
	p.leave(&l.member)
	if p.ended() {
		p.stop()
	}
	p.call()
	p.part()
	p.makeRoom()
}

// ended reports whether all lanes that there can be have ended, so that nobody takes an item any more.
func (p *Pool[K, T, R]) ended() bool {
	return !p.routed && len(p.lanes) == p.n && !slices.ContainsFunc(p.lanes, func(l *Lane[T, R]) bool { return !l.gone && !l.adrift })
}

// release finishes what a lane holds, and shuts it.
func (p *Pool[K, T, R]) release(l *Lane[T, R], lost func(*T) (R, bool)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shut = true
	l.current = nil
	for len(l.held) > 0 {
		it := l.held[0]
		if p.Inside(&it.Value) {
			if r, ok := lost(&it.Value); ok {
				p.deliver(it, r)
			}
		}
		p.finish(it)
	}
}
