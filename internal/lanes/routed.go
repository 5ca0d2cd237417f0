package lanes

import "slices"

// closeInbox is called when the lane of an inbox ends. A retired lane that has returned gets a successor for its
// later items. The items of any other lane are refused. If a retired lane crashes while its successor works, the
// successor finishes what it has taken, and the rest is refused.
func (p *Pool[K, T, R]) closeInbox(l *Lane[T, R], returned bool) {
	in := l.inbox
	switch {
	case p.stopped.Load(): // Drain handles what is left
	case !l.retiring || !returned:
		in.refuses, in.owner = true, l.Owner
		for _, it := range in.ready.drain() {
			p.offer(it)
			if line := it.ordering.line; line != nil {
				p.advance(line)
			}
		}
	default:
		p.startSuccessor(l)
	}
}

// blocksOthers reports whether an item for another lane waits for one that this lane holds. While more items may be
// pushed, that is no reason to let go of it.
func (p *Pool[K, T, R]) blocksOthers(l *Lane[T, R]) bool {
	return p.routed && p.exhausted && slices.ContainsFunc(l.lines, func(line *line[T, R]) bool {
		return len(line.waiting) > 0 && line.waiting[0].ordering.inbox != l.inbox
	})
}

// retireBlocker retires a lane that blocks others and was asked in vain to flush, if no lane has anything else to do:
// it would hold its items until its input ends. retireBlocker reports whether it has retired a lane.
func (p *Pool[K, T, R]) retireBlocker() bool {
	if !p.routed || !p.exhausted {
		return false
	}
	var last *Lane[T, R]
	for _, l := range p.lanes {
		switch {
		case l.gone || l.retiring:
		case !l.asking || l.inbox.ready.len() > 0:
			return false
		case p.blocksOthers(l):
			if !l.flushed.Load() {
				return false
			}
			last = l
		}
	}
	if last == nil {
		return false
	}
	last.retiring = true
	p.wake(last)
	return true
}

// startSuccessor starts a successor for the ready items of a lane that retires, if it is allowed now.
func (p *Pool[K, T, R]) startSuccessor(l *Lane[T, R]) {
	if in := l.inbox; in.lane == l && in.ready.len() > 0 && p.allowsSuccessor(l) && !p.stopped.Load() {
		in.lane = p.start(in)
	}
}

// allowsSuccessor reports whether a successor may work while the lane ends: stages in the lane hold all its items and
// will let go of them in time. The items have an ordering, so the list of them changes only under the pool's lock.
func (p *Pool[K, T, R]) allowsSuccessor(l *Lane[T, R]) bool {
	return !slices.ContainsFunc(l.unfinished, func(it *Item[T, R]) bool { return !p.Held(&it.Value) })
}

// oneIfFree is how many items may wait in a narrow routed pool. The lane of the next item is not known yet, so the
// producer goes on only when no lane is busy, and the consumer is not either.
func (p *Pool[K, T, R]) oneIfFree() int {
	if p.out.behind() > 0 || slices.ContainsFunc(p.lanes, func(l *Lane[T, R]) bool { return !l.gone && !l.asking }) {
		return 0
	}
	return 1
}
