// Package lanes gives items to lanes, each of which works on a goroutine of its own, and hands on what comes of them.
//
// One producer pushes items into a [Pool], several lanes take them and emit Results, and one consumer receives those.
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
//
// Instead of sharing all items, each lane may have items of its own, which are pushed for it. It takes no others, and when
// it has ended early nobody takes them. The item that is next in a line may be for another lane than the one before it, which
// may still be held. So once all items have been pushed, the lane that holds it is told to let go. If it does not, and no lane
// has anything else to do, it is ended, and another lane takes what comes later for it.
//
// Nobody holds a lock while a user's function runs. The lock of a pool guards lines and gates, and who waits; that of a
// lane guards the items that it has, and comes second. An item that has neither a line nor a gate needs only the lane's,
// as long as nobody waits.
package lanes

import (
	"sync"
	"sync/atomic"
)

const (
	// Ahead is how many items may wait for a lane.
	Ahead = 128
	// Far is the same where items are meant for one lane each: the next one may be for a lane that has nothing to do. No
	// batch is larger.
	Far = 10_000
	// Behind is how many Results may wait for the consumer, in addition to as many that it has received.
	Behind = 64
)

// A Pool is the place where a producer, lanes and a consumer meet. Keys of lines and gates are Ks.
type Pool[K comparable, T, R any] struct {
	Face[T, R]
	// Changed receives a value when there is something new for a consumer that found nothing to receive.
	Changed chan struct{}

	fresh   fresh[T, R] // the items without a line or a gate
	out     outbox[R]
	calling atomic.Bool  // a new item is to call a lane
	full    atomic.Bool  // the producer waits
	orderly atomic.Bool  // an item has a line or a gate
	stopped atomic.Bool  // no item is given out any more
	broken  atomic.Bool  // and nothing is received any more
	awaited atomic.Bool  // the consumer waits for something new
	crowded atomic.Int32 // lanes that wait for the consumer

	mu        sync.Mutex
	n         int
	pushed    int32
	routed    bool         // each lane has a desk
	desks     []desk[T, R] // where the other items wait
	lines     map[K]*line[T, R]
	gates     map[K]*gate[T, R]
	standings []standing[T, R] // that nobody has yet
	expired   func(*T) bool    // set by Hurry
	narrow    bool
	room      sync.Cond
	done      bool // no item will be pushed any more
	producer  member

	lanes   []*Lane[T, R]
	coming  int           // lanes that have started and not asked yet
	idle    []*Lane[T, R] // those that wait for an item
	called  *Lane[T, R]   // on its way out of idle; it calls the next one
	hasty   bool          // lanes must not wait with what they hold
	space   sync.Cond
	running int // the producer and the lanes that are waited for
}

// A Face is what a Pool must know of its items. It is called with the lock of a lane held, or that of the pool, or both.
type Face[T, R any] struct {
	// Start starts a lane on a goroutine of its own, and may set its owner.
	Start func(*Lane[T, R])
	// Given is told that a lane, which has this owner, takes the item.
	Given func(owner any, item *T)
	// Left is told what leaves the lane.
	Left func(item *T, r R)
	// Inside reports whether anything of the item is left in the lane.
	Inside func(item *T) bool
	// Finished is told that nothing of the item is left inside.
	Finished func(item *T)
	// Abandoned makes the Result of an item whose lane nobody waits for any more.
	Abandoned func(item *T) R
	// Refused makes the Result of an item whose own lane has ended. The lane has this owner.
	Refused func(owner any, item *T) R
	// Held reports whether the item is held inside by somebody who lets go of it in time.
	Held func(item *T) bool
	// Adrift is told of such a lane when there is nothing of it left.
	Adrift func(owner any)
}

// An Item is one piece of work on its way through a lane.
type Item[T, R any] struct {
	Value T

	next     atomic.Pointer[Item[T, R]] // of those that have no standing
	standing *standing[T, R]            // nil: it has no line and no gate
	lane     *Lane[T, R]
	number   int32 // in the order in which they came
	place    int32 // the same, of those that have no standing
	returned bool  // the lane has asked for another one since
	finished bool
}

// A standing is where an item stands in its line and at its gate.
type standing[T, R any] struct {
	desk   *desk[T, R]
	line   *line[T, R]
	gate   *gate[T, R]
	rank   int
	held   []R  // until its turn at the gate has come
	passed bool // its turn at the gate is over
}

type line[T, R any] struct {
	busy    bool        // one of its items is ready or in a lane
	lane    *Lane[T, R] // the lane that has it
	held    int         // how many items that lane has of it
	waiting []*Item[T, R]
}

// member is a goroutine that is waited for, until it is gone or adrift.
type member struct{ gone, adrift bool }

// Init prepares a Pool of up to n lanes that share all items.
func (p *Pool[K, T, R]) Init(n int, face Face[T, R]) { p.init(n, 1, face) }

// Route prepares a Pool of n lanes for each of which items are pushed.
func (p *Pool[K, T, R]) Route(n int, face Face[T, R]) {
	p.routed = true
	p.orderly.Store(true)
	p.init(n, n, face)
}

func (p *Pool[K, T, R]) init(n, desks int, face Face[T, R]) {
	p.n, p.Face = n, face
	p.desks = make([]desk[T, R], desks)
	for i := range p.desks {
		p.desks[i].number = i
	}
	p.Changed = make(chan struct{}, 1)
	p.room.L, p.space.L = &p.mu, &p.mu
	p.running = 1 // the producer
	p.fresh.init()
	p.listen()
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

// notify wakes a consumer that waits for something new.
func (p *Pool[K, T, R]) notify() {
	if !p.awaited.Load() || !p.awaited.Swap(false) {
		return
	}
	select {
	case p.Changed <- struct{}{}:
	default:
	}
}
