package lanes

import "slices"

// A desk is where items wait that may run as soon as a lane is free. All lanes share one, or each has its own: then an
// item is meant for one lane.
type desk[T, R any] struct {
	number  int
	ready   queue[T, R]
	waiting int         // how many of its items wait in their lines
	lane    *Lane[T, R] // the one that it belongs to, as long as there is one
	refuses bool        // its lane has ended before its input
	owner   any         // of that lane
}

// offer has an item run as soon as a lane is free. It reports false if it never will, since the lane it is for has ended.
func (p *Pool[K, T, R]) offer(it *Item[T, R]) bool {
	d := it.standing.desk
	if d.refuses {
		p.deliver(it, p.Refused(d.owner, &it.Value))
		p.finish(it)
		return false
	}
	d.ready.add(it)
	switch {
	case !p.routed:
		p.call()
	case d.lane != nil && !(d.lane.parting && p.leavesRoom(d.lane)):
		p.wake(d.lane)
	case !p.stopped.Load():
		d.lane = p.start(d)
	}
	return true
}

// advance lets the next item of a line run.
func (p *Pool[K, T, R]) advance(l *line[T, R]) {
	for l.busy = false; len(l.waiting) > 0; {
		if p.offer(p.unline(l)) {
			l.busy = true
			return
		}
	}
}

// unline takes the first item out of the line.
func (p *Pool[K, T, R]) unline(l *line[T, R]) *Item[T, R] {
	it := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	d := it.standing.desk
	d.waiting--
	if d.waiting == 0 && p.done {
		p.wakeAll()
	}
	return it
}

// leaveDesk is for a lane that ends. If it has parted for the sake of others, another one takes the later items; otherwise
// nobody does.
func (p *Pool[K, T, R]) leaveDesk(l *Lane[T, R], returned bool) {
	d := l.desk
	if d.lane == l {
		d.lane = nil
	}
	switch {
	case p.stopped.Load(): // Rest has what nobody takes any more
	case !l.parting || !returned:
		d.refuses, d.owner = true, l.Owner
		for _, it := range d.ready.all() {
			p.offer(it)
			if line := it.standing.line; line != nil {
				p.advance(line)
			}
		}
	case d.lane == nil && d.ready.len() > 0:
		d.lane = p.start(d)
	}
}

// wanted reports whether an item for another lane waits for one that this lane holds. As long as more may be pushed, that is
// no reason to let go of it.
func (p *Pool[K, T, R]) wanted(l *Lane[T, R]) bool {
	return p.routed && p.done && slices.ContainsFunc(l.lines, func(line *line[T, R]) bool {
		return len(line.waiting) > 0 && line.waiting[0].standing.desk != l.desk
	})
}

// part has a lane end that is wanted and does not let go, if there is one and no lane has anything else to do: it holds what
// others wait for until its input ends. It reports whether there was one.
func (p *Pool[K, T, R]) part() bool {
	if !p.routed || !p.done {
		return false
	}
	var last *Lane[T, R]
	for _, l := range p.lanes {
		switch {
		case l.gone || l.parting:
		case !l.asking || l.desk.ready.len() > 0:
			return false
		case p.wanted(l):
			if !l.flushed {
				return false
			}
			last = l
		}
	}
	if last == nil {
		return false
	}
	last.parting = true
	p.wake(last)
	return true
}

// leavesRoom reports whether all that the lane holds is in lanes of its own, so that another one may work next to it. Its
// items have a standing, so they come and go with the pool's lock held.
func (p *Pool[K, T, R]) leavesRoom(l *Lane[T, R]) bool {
	return !slices.ContainsFunc(l.held, func(it *Item[T, R]) bool { return !p.Held(&it.Value) })
}

// oneIfFree is what narrow lanes that have their own items are allowed: nobody knows which one the next item is for, so none
// must be busy.
func (p *Pool[K, T, R]) oneIfFree() int {
	if slices.ContainsFunc(p.lanes, func(l *Lane[T, R]) bool { return !l.gone && !l.asking }) {
		return 0
	}
	return 1
}
