// Package lanes runs work on several goroutines. It decides which piece of work may run when, and which result may be
// handed on when.
//
// A piece of work is an item. One producer pushes items into a [Pool]. A [Lane] is a goroutine that takes one item
// after another and emits Results for each. One consumer receives the Results.
//
//	producer                 lanes                  consumer
//	  Push ──► ready ──► Next ... Emit ──► outbox ──► Receive
//	             ▲                 │
//	           lines             gates
//
// An item is ready when it may run as soon as a lane is free. It is finished when its lane has asked for the next
// item and nothing of it is left in the lane. A lane may ask before that: a bulk write collects several items first.
//
// # Lines and gates
//
// An item may be in a line. The items of a line run one after another, in the order in which they were pushed: each
// is ready once the one before it is finished. Only the lane that holds an unfinished item of a line can take the
// next one earlier.
//
// An item may have a gate, and a rank at it. The Results of a gate's items are handed on by rank, whichever item is
// finished first. All other Results are handed on at once.
//
// # Waiting
//
// A lane waits while too many Results wait for the consumer. Results that are held back at a gate do not count, since
// the consumer could not receive them. The producer waits while too many items wait for a lane. Items that wait in
// their lines do not count.
//
// # Routed pools
//
// In a routed pool every item is pushed for one lane, and no other lane takes it. If that lane ends early, its
// remaining items are refused.
//
// Such lanes can block each other. The next item of a line may be for another lane than the item before it, and that
// lane may hold the earlier item until its input ends. So once all items have been pushed, a lane that blocks others
// is asked to flush, which means to let go of the items that it holds. If it does not, and no lane has anything else
// to do, it is retired: its input ends, and once it has ended, a new lane takes its later items. A lane in which there
// are pools has something to do while anything moves in these, which therefore tell the routed pool around.
//
// # Locks
//
// No lock is held while a user's function runs. The lock of the pool guards lines, gates and waiting. The lock of a
// lane guards the items of that lane, and is taken after the pool's. The locks of a pool that is within a lane of
// another pool are taken before those of the other. An item with neither a line nor a gate needs only the lock of its
// lane, unless a goroutine waits.
package lanes

import (
	"sync"
	"sync/atomic"
)

const (
	// Ahead is how many items may wait for a lane.
	Ahead = 128
	// RoutedAhead is the same for a routed pool, where the next item may be for a lane that has nothing to do. No
	// batch is larger.
	RoutedAhead = 10_000
	// Behind is how many Results may wait for the consumer, in addition to as many that it has received.
	Behind = 64
)

// A Pool is where a producer, lanes and a consumer meet. The keys of lines and gates are Ks.
type Pool[K comparable, T, R any] struct {
	Callbacks[T, R]
	// Changed receives a value when there is something new for a consumer that found nothing to receive.
	Changed chan struct{}

	unordered     unordered[T, R]
	out           outbox[R]
	callable      atomic.Bool  // there is a lane that a new item can wake or start
	producerWaits atomic.Bool  // for roomForItems
	ordered       atomic.Bool  // an item with an ordering has been pushed
	stopped       atomic.Bool  // lanes take no more items
	broken        atomic.Bool  // Emit hands on no more Results
	narrow        atomic.Bool  // set by Narrow
	urged         atomic.Bool  // set by Urge
	consumerWaits atomic.Bool  // for Changed
	consumerRests atomic.Bool  // set by Rest
	producerRests atomic.Bool  // until roomForItems is signalled
	exhausted     atomic.Bool  // all items have been pushed
	nested        atomic.Bool  // set by Nest
	placeWaiters  atomic.Int32 // lanes that wait for placeFree

	mu           sync.Mutex
	maxLanes     int
	pushed       int32
	routed       bool
	inboxes      []inbox[T, R] // one per lane if the pool is routed, otherwise one
	lines        map[K]*line[T, R]
	gates        map[K]*gate[T, R]
	orderings    []ordering[T, R] // allocated, not used yet
	expired      func(*T) bool    // set by ReleaseExpired
	roomForItems sync.Cond
	producer     participant

	lanes     []*Lane[T, R]
	closed    int           // lanes that have ended
	starting  int           // lanes that have started and not asked for an item yet
	idle      []*Lane[T, R] // lanes that wait for an item
	called    *Lane[T, R]   // woken by callLane, not running yet; it calls the next one
	hasty     bool          // set by Hasten
	placeFree sync.Cond
	placeless []*Lane[T, R] // the lanes of the goroutines that wait for placeFree, in the order in which they wait
	running   int           // participants that the pool still waits for
	busy      bool          // a lane works, as far as the pools around were told
}

// Callbacks tell a Pool what it must know of its items. They are called with the lock of the pool or of a lane held,
// or with both.
type Callbacks[T, R any] struct {
	// Start starts a lane on its own goroutine, and may set its Owner.
	Start func(*Lane[T, R])
	// Given reports that the lane with this owner takes the item.
	Given func(owner any, item *T)
	// Left reports that a Result of the item leaves the lane.
	Left func(item *T, r R)
	// Inside reports whether anything of the item is left in the lane.
	Inside func(item *T) bool
	// Finished reports that nothing of the item is left inside.
	Finished func(item *T)
	// Abandoned makes the Result of an unfinished item whose lane is given up.
	Abandoned func(item *T) R
	// Refused makes the Result of an item whose own lane, which had this owner, has ended.
	Refused func(owner any, item *T) R
	// Works reports whether the lane with this owner works while so many of its goroutines wait for this pool.
	Works func(owner any, waiting int) bool
	// Goroutines reports that the number of goroutines has changed that the pool adds to the lane around it, less those of that lane
	// that wait in the pool. It is called after Nest only, and may call [Pool.InnerRest] of the pools around.
	Goroutines func(now func() int)
	// Busy reports whether a lane of the pool works. The rest is as in Goroutines.
	Busy func(busy bool)
	// Shut reports that the lane with this owner has ended or is given up, before its unfinished items are finished. A
	// lane that is given up and ends later is reported twice.
	Shut func(owner any, unfinished []*Item[T, R])
}

// An Item is one piece of work.
type Item[T, R any] struct {
	Value T

	next     atomic.Pointer[Item[T, R]] // in unordered
	ordering *ordering[T, R]            // nil: the item may run on any lane at any time
	lane     *Lane[T, R]
	number   int32 // among all items, in the order in which they were pushed
	position int32 // the same among those without an ordering
	returned bool  // the lane has asked for another item since
	finished bool
	cut      bool // something of it was inside when its lane ended
	late     bool // it was in a lane at the last ReleaseExpired
}

// An ordering is what an item must wait for. It has neither a line nor a gate if only the lane is prescribed.
type ordering[T, R any] struct {
	inbox    *inbox[T, R]
	line     *line[T, R]
	gate     *gate[T, R]
	rank     int
	heldBack []R  // until the item's turn at the gate
	passed   bool // the item's turn at the gate is over
}

// A participant is the producer or a lane. The pool waits for it until it has gone or is given up.
type participant struct{ gone, givenUp bool }

// Init prepares a Pool of up to n lanes that share all items.
func (p *Pool[K, T, R]) Init(n int, callbacks Callbacks[T, R]) { p.init(n, 1, callbacks) }

// InitRouted prepares a routed Pool of n lanes.
func (p *Pool[K, T, R]) InitRouted(n int, callbacks Callbacks[T, R]) {
	p.routed = true
	p.init(n, n, callbacks)
}

func (p *Pool[K, T, R]) init(n, inboxes int, callbacks Callbacks[T, R]) {
	p.maxLanes, p.Callbacks = n, callbacks
	p.inboxes = make([]inbox[T, R], inboxes)
	for i := range p.inboxes {
		p.inboxes[i].number = i
	}
	p.Changed = make(chan struct{}, 1)
	p.roomForItems.L, p.placeFree.L = &p.mu, &p.mu
	p.running = 1 // the producer
	p.unordered.init()
	p.updateCallable()
}

// leave notes that a participant has gone. It is called once for each.
func (p *Pool[K, T, R]) leave(m *participant) {
	m.gone = true
	if !m.givenUp {
		p.running--
	}
	p.notify()
}

// notify wakes the consumer if it waits.
func (p *Pool[K, T, R]) notify() {
	if !p.consumerWaits.Load() || !p.consumerWaits.Swap(false) {
		return
	}
	p.noteGoroutines()
	select {
	case p.Changed <- struct{}{}:
	default:
	}
}
