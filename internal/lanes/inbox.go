package lanes

// An inbox holds the ready items that have an ordering. All lanes share one inbox, or in a routed pool each has its
// own.
type inbox[T, R any] struct {
	number  int
	ready   queue[T, R]
	waiting int         // how many of its items wait in their lines
	lane    *Lane[T, R] // in a routed pool the lane that takes its items; nil: the next item starts one
	refuses bool        // its lane has ended before its input
	owner   any         // of the lane that ended
}

// offer makes an item ready. It reports false if the item will never run, since its lane has ended.
func (p *Pool[K, T, R]) offer(it *Item[T, R]) bool {
	in := it.ordering.inbox
	if in.refuses {
		p.deliver(it, p.Refused(in.owner, &it.Value))
		p.finish(it)
		return false
	}
	in.ready.add(it)
	switch {
	case !p.routed:
		p.callLane()
	case in.lane != nil:
		p.wake(in.lane)
	case !p.stopped.Load():
		in.lane = p.start(in)
	}
	return true
}
