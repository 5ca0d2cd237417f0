// Package lanes gives items to lanes, each of which works on a goroutine of its own, and hands on what comes of them.
//
// One producer pushes items into a [Pool], several lanes take them and emit Results, and one consumer receives those.
// All of them meet under one lock, which nobody holds while a user's function runs.
//
//	Push ──► ready ──► Next ─ lane ─ Emit ──► out ──► Receive
//	           ▲                        │
//	        lines: one after          gates: what must not
//	        the other                 overtake
//
// An item may be in a line: the items of a line run one after the other, in the order in which they came. A lane that
// asks for more while it has an item of a line may get the next one of it, since it is the only one that can. An item
// may have a gate: what comes of the items of a gate is handed on by their rank, whichever is finished first. Everything
// else is handed on at once.
//
// Lanes wait when too much of what they made waits for the consumer; what waits for its turn at a gate does not count,
// for the consumer could not take it. The producer waits when too many items wait for a lane; those that wait in their
// lines do not count.
package lanes

import "sync"

const (
	// Ahead is how many items may wait for a lane.
	Ahead = 128
	// Behind is how many Results may wait for the consumer, in addition to as many that it has received.
	Behind = 64
)

// A Pool is the place where a producer, lanes and a consumer meet. Keys of lines and gates are Ks.
type Pool[K comparable, T, R any] struct {
	Face[T, R]
	// Changed receives a value when there is something new for a consumer that found nothing to receive.
	Changed chan struct{}

	mu       sync.Mutex
	n        int
	pushed   int
	ready    queue[T, R] // the items that may run
	waiting  int         // the items that wait in their lines
	lines    map[K]*line[T, R]
	gates    map[K]*gate[T, R]
	expired  func(*T) bool // set by Hurry
	narrow   bool
	full     bool // the producer waits
	room     sync.Cond
	done     bool // no item will be pushed any more
	producer member

	lanes   []*Lane[T, R]
	coming  int           // lanes that have started and not asked yet
	idle    []*Lane[T, R] // those that wait for an item
	called  *Lane[T, R]   // on its way out of idle; it calls the next one
	hasty   bool          // lanes must not wait with what they hold
	stopped bool          // no item is given out any more
	broken  bool          // and nothing is received any more

	out     []R
	crowded int  // lanes that wait for the consumer
	awaited bool // the consumer waits for something new
	space   sync.Cond
	running int // the producer and the lanes that are waited for
}

// A Face is what a Pool must know of its items. It is called with the lock held.
type Face[T, R any] struct {
	// Start starts a lane on a goroutine of its own, and may set its owner.
	Start func(*Lane[T, R])
	// Given is told that a lane, which has this owner, takes the item.
	Given func(owner any, item *T)
	// Inside takes note of what leaves the lane, if that is not nil, and reports whether anything of the item is left
	// inside.
	Inside func(item *T, leaving *R) bool
	// Finished is told that nothing of the item is left inside.
	Finished func(item *T)
	// Abandoned makes the Result of an item whose lane nobody waits for any more.
	Abandoned func(item *T) R
	// Adrift is told of such a lane when there is nothing of it left.
	Adrift func(owner any)
}

// An Item is one piece of work on its way through a lane.
type Item[T, R any] struct {
	Value T
	Rank  int // at its gate

	number   int // in the order in which they came
	line     *line[T, R]
	gate     *gate[T, R]
	lane     *Lane[T, R]
	returned bool // the lane has asked for another one since
	finished bool
	held     []R  // until its turn has come
	passed   bool // its turn at the gate is over
}

type line[T, R any] struct {
	busy    bool        // one of its items is ready or in a lane
	lane    *Lane[T, R] // the lane that has it
	held    int         // how many items that lane has of it
	waiting []*Item[T, R]
}

// member is a goroutine that is waited for, until it is gone or adrift.
type member struct{ gone, adrift bool }

// Init prepares a Pool of up to n lanes.
func (p *Pool[K, T, R]) Init(n int, face Face[T, R]) {
	p.n, p.Face = n, face
	p.Changed = make(chan struct{}, 1)
	p.room.L, p.space.L = &p.mu, &p.mu
	p.running = 1 // the producer
}

// Push adds an item with the keys of its line and its gate, zero for none. It waits for room and reports whether more
// are wanted.
func (p *Pool[K, T, R]) Push(it *Item[T, R], lineKey, gateKey K) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	var none K
	it.number = p.pushed
	p.pushed++
	if gateKey != none {
		p.gate(gateKey).enter(it)
	}
	if lineKey != none && !(p.expired != nil && p.expired(&it.Value)) {
		it.line = p.line(lineKey)
	}
	if l := it.line; l != nil && l.busy {
		l.waiting = append(l.waiting, it)
		p.waiting++
		p.wake(l.lane)
	} else {
		if l != nil {
			l.busy = true
		}
		p.ready.push(it)
		p.call()
	}
	p.waitForRoom()
	return !p.stopped
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

func (p *Pool[K, T, R]) waitForRoom() {
	for !p.stopped && p.expired == nil && p.ready.len() >= p.allowed() {
		p.full = true
		p.room.Wait()
	}
	p.full = false
}

func (p *Pool[K, T, R]) allowed() int {
	if !p.narrow {
		return Ahead
	}
	free := len(p.idle) + p.n - len(p.lanes) + p.coming
	if p.called != nil {
		free++
	}
	return free
}

// makeRoom wakes the producer when it is worth it, and reports whether it did.
func (p *Pool[K, T, R]) makeRoom() bool {
	if !p.full || !p.narrow && p.ready.len() > Ahead/2 {
		return false
	}
	p.full = false
	p.room.Signal()
	return true
}

// Narrow has the producer wait for a free lane each time: others may have more use for the items.
func (p *Pool[K, T, R]) Narrow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.narrow = true
}

// Exhaust says that the producer has gone, and that no item will come any more.
func (p *Pool[K, T, R]) Exhaust() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = true
	p.leave(&p.producer)
	p.wakeAll()
}

// Hurry takes items that have expired out of their lines, each up to the first one that has not, and those that come from
// now on; and it lets the producer go ahead as far as it likes.
func (p *Pool[K, T, R]) Hurry(expired func(*T) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expired = expired
	for _, l := range p.lines {
		for len(l.waiting) > 0 && expired(&l.waiting[0].Value) {
			it := p.unline(l)
			it.line = nil
			p.ready.insert(it)
		}
	}
	p.call()
	p.room.Signal()
}

// Hasten has lanes let go of what they hold before they wait for an item, now and from now on.
func (p *Pool[K, T, R]) Hasten() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hasty = true
	p.wakeAll()
	p.notify()
}

// unline takes the first item out of the line.
func (p *Pool[K, T, R]) unline(l *line[T, R]) *Item[T, R] {
	it := l.waiting[0]
	l.waiting[0] = nil
	l.waiting = l.waiting[1:]
	p.waiting--
	if p.waiting == 0 && p.done {
		p.wakeAll()
	}
	return it
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

// call gets a lane for what is ready: it wakes one, which then calls the next, or starts one.
func (p *Pool[K, T, R]) call() {
	switch n := len(p.idle); {
	case p.called != nil || p.stopped || p.ready.len() == 0:
	case n > 0:
		p.called = p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.called.awake.Signal()
	case len(p.lanes) < p.n && p.coming < p.ready.len():
		l := &Lane[T, R]{coming: true}
		l.awake.L = &p.mu
		p.lanes = append(p.lanes, l)
		p.coming++
		p.running++
		p.Start(l)
	}
}

// leave says that a goroutine has ended.
func (p *Pool[K, T, R]) leave(m *member) {
	if m.gone {
		return
	}
	m.gone = true
	if !m.adrift {
		p.running--
	}
	p.notify()
}

func (p *Pool[K, T, R]) notify() {
	if !p.awaited {
		return
	}
	p.awaited = false
	select {
	case p.Changed <- struct{}{}:
	default:
	}
}
