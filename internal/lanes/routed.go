package lanes

import "slices"

// closeInbox is called when the lane of an inbox ends. A retired lane that has returned gets a successor once there are
// later items for it. The items of any other lane are refused.
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
		in.lane = nil
		if in.ready.len() > 0 {
			in.lane = p.start(in)
		}
	}
}

// blocksOthers reports whether an item for another lane waits for one that this lane holds. While more items may be
// pushed, that is no reason to let go of it.
func (p *Pool[K, T, R]) blocksOthers(l *Lane[T, R]) bool {
	return p.routed && p.exhausted.Load() && slices.ContainsFunc(l.lines, func(line *line[T, R]) bool {
		return len(line.waiting) > 0 && line.waiting[0].ordering.inbox != l.inbox
	})
}

// retireBlocker retires a lane that blocks others and was asked in vain to flush, if no lane has anything else to do:
// it would hold its items until its input ends. retireBlocker reports whether it has retired a lane.
func (p *Pool[K, T, R]) retireBlocker() bool {
	if !p.routed || !p.exhausted.Load() {
		return false
	}
	var last *Lane[T, R]
	for _, l := range p.lanes {
		switch {
		case l.gone:
		case l.retiring || l.inbox.ready.len() > 0 || p.Works(l.Owner, l.asking):
			return false
		case p.blocksOthers(l):
			if !l.flushed.Load() {
				p.wake(l) // the goroutine that took its last item may wait elsewhere
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

// oneIfFree is how many items may wait in a narrow routed pool. The lane of the next item is not known yet, so the
// producer goes on only when no lane is busy, and the consumer is not either.
func (p *Pool[K, T, R]) oneIfFree() int {
	if p.out.behind() > 0 || slices.ContainsFunc(p.lanes, func(l *Lane[T, R]) bool { return !l.gone && l.asking == 0 }) {
		return 0
	}
	return 1
}
