// Package dispatch gives items to lanes: to a free lane the first item that may
// run, in the order in which they came, and of each line only one at a time.
package dispatch

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// A Queue takes items from one producer and gives each to one of several lanes.
// Items of one line run one after the other. As long as none has a line, lanes
// take them without the lock.
type Queue[K comparable, T any] struct {
	n     int
	start func()

	rows    atomic.Pointer[[][]item[T]]
	lined   atomic.Bool // an item has a line
	stopped atomic.Bool

	_       [64]byte    // what is written often, and by whom, is kept apart
	calling atomic.Bool // a new item is to call a lane
	full    atomic.Bool // the producer waits for room
	_       [64]byte
	filled  atomic.Int64
	length  int64 // the same, for the producer
	window  int64 // how far the producer may be ahead, if not as many lanes are free
	seen    int64 // of the cursor, by the producer
	spare   []item[T]
	_       [64]byte
	cursor  atomic.Int64 // the items before it were taken, or wait in their lines
	_       [64]byte

	mu        sync.Mutex
	room      sync.Cond
	lines     map[K]*line
	waiting   int           // items that wait in lines
	ready     []int         // items that have waited long enough, in order
	expired   func(*T) bool // set by Hurry
	exhausted bool
	started   int
	ended     int
	idle      []*Lane
	called    *Lane // on its way out of idle; it calls the next one
}

type item[T any] struct {
	line  *line
	value T
}

type line struct {
	busy    bool  // one of its items is ready or in a lane
	lane    *Lane // the lane that has it
	held    int   // items in that lane
	waiting []int
}

// A Lane takes one item after the other.
type Lane struct {
	Member
	wake  sync.Cond
	lines []*line // of which it has an item
	limit int64   // how many items there were when it last looked
}

const (
	window   = 128
	rowSize  = 32
	mostRows = 4 // of one allocation
)

// Init makes a Queue for up to n lanes. start starts one.
func (q *Queue[K, T]) Init(n int, start func()) {
	q.n, q.start, q.window = n, start, window
	q.room.L = &q.mu
	q.lines = make(map[K]*line)
	q.rows.Store(new([][]item[T]))
	q.calling.Store(true)
}

// Narrow has the producer wait for a free lane each time: others may have more use
// for the items. It is for the producer to call.
func (q *Queue[K, T]) Narrow() { q.window = 0 }

// Len returns how many items have been pushed.
func (q *Queue[K, T]) Len() int { return int(q.filled.Load()) }

// At returns an item.
func (q *Queue[K, T]) At(i int) *T { return &q.at(i).value }

func (q *Queue[K, T]) at(i int) *item[T] { return &(*q.rows.Load())[i/rowSize][i%rowSize] }

// Back returns the item that the next Push adds, for the producer to fill.
func (q *Queue[K, T]) Back() *T {
	if int(q.length)/rowSize == len(*q.rows.Load()) {
		q.grow()
	}
	return q.At(int(q.length))
}

func (q *Queue[K, T]) grow() {
	if len(q.spare) == 0 {
		have := len(*q.rows.Load())
		q.spare = make([]item[T], rowSize*min(max(have, 1), mostRows))
	}
	rows := append(*q.rows.Load(), q.spare[:rowSize:rowSize])
	q.spare = q.spare[rowSize:]
	q.rows.Store(&rows)
}

// Push adds an item to the line with that key, to none for the zero key. It waits
// for room and reports whether the queue wants more.
func (q *Queue[K, T]) Push(key K) bool {
	var none K
	if key != none {
		q.enter(key)
	}
	q.length++
	q.filled.Store(q.length)
	if q.calling.Load() {
		q.mu.Lock()
		q.call()
		q.mu.Unlock()
	}
	if q.length-q.seen >= q.window {
		q.wait()
	}
	return !q.stopped.Load()
}

func (q *Queue[K, T]) enter(key K) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[key]
	if l == nil {
		l = new(line)
		q.lines[key] = l
		q.lined.Store(true)
	}
	q.at(int(q.length)).line = l
}

// wait waits until there is room behind the lanes.
func (q *Queue[K, T]) wait() {
	if q.seen = q.cursor.Load(); q.length-q.seen < q.window {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.expired == nil && !q.stopped.Load() {
		q.full.Store(true)
		if q.ahead() < max(q.window, int64(q.free())) {
			break
		}
		q.room.Wait()
	}
	q.full.Store(false)
}

// free counts the lanes that would come for an item.
func (q *Queue[K, T]) free() int {
	free := len(q.idle) + q.n - q.started
	if q.called != nil {
		free++
	}
	return free
}

func (q *Queue[K, T]) ahead() int64 { return q.filled.Load() - q.cursor.Load() }

// roomy reports whether the producer is to be woken.
func (q *Queue[K, T]) roomy() bool {
	return q.full.Load() && q.ahead() <= window/2 && q.full.Swap(false)
}

// Try returns an item that may run in the lane, if that needs no lock.
func (q *Queue[K, T]) Try(l *Lane) (i int, ok bool) {
	for !q.stopped.Load() {
		c := q.cursor.Load()
		if c >= l.limit {
			l.limit = q.filled.Load()
		}
		if c >= l.limit || q.lined.Load() {
			break
		}
		if !q.cursor.CompareAndSwap(c, c+1) {
			continue
		}
		if q.roomy() {
			q.mu.Lock()
			q.room.Signal()
			q.mu.Unlock()
			runtime.Gosched() // lets the producer have this processor before the lanes run dry
		}
		return int(c), true
	}
	return 0, false
}

// Next waits for an item that may run in the lane. It reports false if none will
// come.
func (q *Queue[K, T]) Next(l *Lane) (i int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l.wake.L = &q.mu
	for !q.stopped.Load() {
		if i, ok := q.take(l); ok {
			q.listen()
			if q.more() {
				q.call()
			}
			return i, true
		}
		if q.exhausted && q.waiting == 0 {
			return 0, false
		}
		q.idle = append(q.idle, l)
		q.listen()
		if q.more() { // an item has come that did not call
			q.idle = q.idle[:len(q.idle)-1]
			continue
		}
		q.room.Signal()
		l.wake.Wait()
		if q.called == l {
			q.called = nil
		}
	}
	return 0, false
}

func (q *Queue[K, T]) more() bool { return len(q.ready) > 0 || q.ahead() > 0 }

// listen lets new items call a lane if there is one to call.
func (q *Queue[K, T]) listen() {
	q.calling.Store(q.called == nil && (len(q.idle) > 0 || q.started < q.n))
}

// call wakes a lane, which then calls the next one, or starts as many as there
// are items.
func (q *Queue[K, T]) call() {
	switch n := len(q.idle); {
	case q.called != nil || q.stopped.Load():
	case n > 0:
		q.called = q.idle[n-1]
		q.idle = q.idle[:n-1]
		q.called.wake.Signal()
	default:
		items := q.filled.Load()
		for more := items - q.cursor.Load() + int64(len(q.ready)); more > 0 && q.started < int(min(int64(q.n), items)); more-- {
			q.started++
			q.start()
		}
	}
	q.listen()
}

// take gives the lane the first item that may run there: one that is ready, one
// behind those that the lane itself has, or a new one. The first two are older.
func (q *Queue[K, T]) take(l *Lane) (i int, ok bool) {
	i = -1
	if len(q.ready) > 0 {
		i = q.ready[0]
	}
	var own *line
	for _, line := range l.lines {
		if len(line.waiting) > 0 && (i < 0 || line.waiting[0] < i) {
			i, own = line.waiting[0], line
		}
	}
	switch {
	case own != nil:
		q.leaveLine(own)
	case i >= 0:
		q.ready = q.ready[1:]
	default:
		if i = q.advance(l); i < 0 {
			return 0, false
		}
	}
	if line := q.at(i).line; line != nil {
		if line.held == 0 {
			line.lane = l
			l.lines = append(l.lines, line)
		}
		line.held++
	}
	return i, true
}

// advance returns the first new item that may run. Those that it passes wait in
// their lines.
func (q *Queue[K, T]) advance(l *Lane) int {
	for c := q.cursor.Load(); c < q.filled.Load(); c = q.cursor.Load() {
		if !q.cursor.CompareAndSwap(c, c+1) {
			continue
		}
		if q.roomy() {
			q.room.Signal()
		}
		it := q.at(int(c))
		switch line := it.line; {
		case line == nil || line.lane == l:
		case q.expired != nil && q.expired(&it.value):
			it.line = nil
		case !line.busy:
			line.busy = true
		default:
			line.waiting = append(line.waiting, int(c))
			q.waiting++
			q.rouse(line.lane)
			continue
		}
		return int(c)
	}
	return -1
}

func (q *Queue[K, T]) leaveLine(l *line) {
	l.waiting = l.waiting[1:]
	q.waiting--
	if q.waiting == 0 && q.exhausted {
		q.rouseAll()
	}
}

// Done says that an item has left its lane.
func (q *Queue[K, T]) Done(i int) {
	if !q.lined.Load() {
		return
	}
	l := q.at(i).line
	if l == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if l.held--; l.held > 0 {
		return
	}
	l.lane.lines = slices.DeleteFunc(l.lane.lines, func(other *line) bool { return other == l })
	l.lane = nil
	if l.busy = len(l.waiting) > 0; !l.busy {
		return
	}
	next := l.waiting[0]
	q.leaveLine(l)
	at, _ := slices.BinarySearch(q.ready, next)
	q.ready = slices.Insert(q.ready, at, next)
	q.call()
}

// Exhaust says that no item will come any more.
func (q *Queue[K, T]) Exhaust() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.exhausted = true
	q.rouseAll()
}

// Hurry takes the items that have expired out of their lines, now and from now
// on, and lets the producer go ahead as far as it likes.
func (q *Queue[K, T]) Hurry(expired func(*T) bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.expired = expired
	for _, l := range q.lines {
		for len(l.waiting) > 0 && expired(q.At(l.waiting[0])) {
			q.at(l.waiting[0]).line = nil
			q.ready = append(q.ready, l.waiting[0])
			q.leaveLine(l)
		}
	}
	slices.Sort(q.ready)
	q.call()
	q.room.Signal()
}

// End says that a lane has ended. Without lanes the queue stops.
func (q *Queue[K, T]) End() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended++; q.ended == q.n {
		q.stop()
	}
}

// Stop ends the queue for both sides, whatever is in it. It returns the lanes
// that waited for an item.
func (q *Queue[K, T]) Stop() []*Member {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stop()
}

func (q *Queue[K, T]) stop() (idle []*Member) {
	q.stopped.Store(true)
	for _, l := range q.idle {
		idle = append(idle, &l.Member)
	}
	q.rouseAll()
	q.room.Signal()
	return idle
}

// Stopped reports whether Stop was called.
func (q *Queue[K, T]) Stopped() bool { return q.stopped.Load() }

func (q *Queue[K, T]) rouse(l *Lane) {
	if at := slices.Index(q.idle, l); at >= 0 {
		q.idle = slices.Delete(q.idle, at, at+1)
		l.wake.Signal()
	}
}

func (q *Queue[K, T]) rouseAll() {
	for _, l := range q.idle {
		l.wake.Signal()
	}
	q.idle = nil
}
