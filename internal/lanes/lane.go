package lanes

import (
	"runtime"
	"slices"
	"sync"
)

// A Lane takes one item after the other.
type Lane[T, R any] struct {
	Owner any // for the face

	member
	coming  bool // it has not asked yet
	asking  bool
	flushed bool // it has let go of what it held since its last item
	awake   sync.Cond
	current *Item[T, R]   // the last one that it was given
	held    []*Item[T, R] // the ones that are not finished
	lines   []*line[T, R] // those it has an item of
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
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrive(l)
	if it := l.current; it != nil {
		l.current = nil
		it.returned = true
		p.settle(it)
	}
	l.asking = true
	defer func() { l.asking = false }()
	for !p.stopped && !l.adrift && !l.gone {
		if it := p.take(l); it != nil {
			p.Given(l.Owner, &it.Value)
			l.current, l.flushed = it, false
			l.held = append(l.held, it)
			p.call()
			if p.makeRoom() {
				p.mu.Unlock()
				runtime.Gosched() // lets the producer have this processor before the lanes run dry
				p.mu.Lock()
			}
			return it, Work
		}
		if p.done && p.waiting == 0 {
			break
		}
		if p.hasty && !l.flushed && len(l.held) > 0 {
			l.flushed = true
			return nil, Flush
		}
		p.idle = append(p.idle, l)
		p.makeRoom()
		l.awake.Wait()
		if p.called == l {
			p.called = nil
		}
	}
	p.call() // it may have been called for an item that it does not take
	return nil, End
}

func (p *Pool[K, T, R]) arrive(l *Lane[T, R]) {
	if l.coming {
		l.coming = false
		p.coming--
	}
}

// take gives the lane the first item that may run there: one that is ready, or one of a line that only this lane has.
func (p *Pool[K, T, R]) take(l *Lane[T, R]) *Item[T, R] {
	it := p.ready.first()
	var own *line[T, R]
	for _, line := range l.lines {
		if len(line.waiting) > 0 && (it == nil || line.waiting[0].number < it.number) {
			it, own = line.waiting[0], line
		}
	}
	switch {
	case it == nil:
		return nil
	case own != nil:
		p.unline(own)
	default:
		p.ready.pop()
	}
	it.lane = l
	if line := it.line; line != nil {
		if line.held == 0 {
			line.lane = l
			l.lines = append(l.lines, line)
		}
		line.held++
	}
	return it
}

// Emit hands on what the lane has made of an item; nil is an item of no lane here. It waits while too much waits for
// the consumer, and reports whether the lane may go on.
func (p *Pool[K, T, R]) Emit(l *Lane[T, R], it *Item[T, R], r R) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.out) >= Behind && !p.stopped && !l.adrift {
		p.crowded++
		p.space.Wait()
		p.crowded--
	}
	if p.broken || l.adrift || l.gone {
		return false
	}
	delivered := p.deliver(it, r)
	if it != nil {
		p.Inside(&it.Value, delivered)
		p.settle(it)
	}
	return true
}

// Settle finishes an item if nothing is left of it in its lane. It is for what Inside has not been told by Emit.
func (p *Pool[K, T, R]) Settle(it *Item[T, R]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settle(it)
}

func (p *Pool[K, T, R]) settle(it *Item[T, R]) {
	if it.returned && !it.finished && !p.Inside(&it.Value, nil) {
		p.finish(it)
	}
}

func (p *Pool[K, T, R]) finish(it *Item[T, R]) {
	it.finished = true
	p.Finished(&it.Value)
	p.open(it.gate)
	l := it.lane
	if l == nil {
		return
	}
	at := slices.Index(l.held, it)
	l.held = slices.Delete(l.held, at, at+1)
	line := it.line
	if line == nil {
		return
	}
	if line.held--; line.held > 0 {
		return
	}
	at = slices.Index(l.lines, line)
	l.lines = slices.Delete(l.lines, at, at+1)
	line.lane = nil
	if line.busy = len(line.waiting) > 0; line.busy {
		p.ready.insert(p.unline(line))
		p.call()
	}
}

// Close ends a lane. lost makes the Results of what it has not finished, if there is to be one.
func (p *Pool[K, T, R]) Close(l *Lane[T, R], lost func(*T) (R, bool)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.arrive(l)
	p.release(l, lost)
	p.leave(&l.member)
	if p.ended() {
		p.stop()
	}
	p.call()
}

// ended reports whether all lanes that there can be have ended, so that nobody takes an item any more.
func (p *Pool[K, T, R]) ended() bool {
	return len(p.lanes) == p.n && !slices.ContainsFunc(p.lanes, func(l *Lane[T, R]) bool { return !l.gone && !l.adrift })
}

// release finishes what a lane holds.
func (p *Pool[K, T, R]) release(l *Lane[T, R], lost func(*T) (R, bool)) {
	l.current = nil
	for len(l.held) > 0 {
		it := l.held[0]
		if p.Inside(&it.Value, nil) {
			if r, ok := lost(&it.Value); ok {
				p.deliver(it, r)
			}
		}
		p.finish(it)
	}
}
