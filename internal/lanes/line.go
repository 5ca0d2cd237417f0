package lanes

import "slices"

// A line is a sequence of items that run one after another.
type line[T, R any] struct {
	busy    bool        // an item of the line is ready or in a lane
	lane    *Lane[T, R] // the lane that holds items of it
	held    int         // how many that lane holds
	waiting []*Item[T, R]
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

// popLine takes the first item out of the line.
func (p *Pool[K, T, R]) popLine(l *line[T, R]) *Item[T, R] {
	it := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	in := it.ordering.inbox
	in.waiting--
	if in.waiting == 0 && p.exhausted.Load() {
		p.wakeAll()
	}
	return it
}

// leaveLine notes that the lane has finished an item of the line.
func (p *Pool[K, T, R]) leaveLine(l *Lane[T, R], line *line[T, R]) {
	if line.held--; line.held > 0 {
		return
	}
	at := slices.Index(l.lines, line)
	l.lines = slices.Delete(l.lines, at, at+1)
	line.lane = nil
	p.advance(line)
}

// advance makes the next item of the line ready.
func (p *Pool[K, T, R]) advance(l *line[T, R]) {
	for l.busy = false; len(l.waiting) > 0; {
		if p.offer(p.popLine(l)) {
			l.busy = true
			return
		}
	}
}
