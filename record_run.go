package batch

// A run is one iteration over a source. Its levels are the stretches of the pipeline whose
// stages share their failures.

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lambdabatch/batch/internal/ledger"
	"github.com/lambdabatch/batch/internal/order"
)

// A run is one iteration over a source.
type run struct {
	level       level // the one outside of lanes
	batch       *batch
	entries     []entry
	numbers     ledger.Numbers
	started     time.Time
	hasDeadline bool // the invocation has a deadline
	reserve     time.Duration
	cancel      context.CancelFunc

	flags    atomic.Uint32
	answered atomic.Bool // no user function starts any more, not even Tap's

	mu      sync.Mutex
	feeders []*feeder
	room    [1]*feeder // saves an allocation for the source's feeder
}

func newRun(b *batch) *run {
	r := &run{batch: b, entries: make([]entry, b.length), started: time.Now()}
	r.feeders = r.room[:0]
	r.numbers.Init(b.length)
	var ctx context.Context
	if deadline, ok := b.parent.Deadline(); ok {
		r.hasDeadline = true
		r.reserve = b.reserveFor(deadline.Sub(r.started))
		if first := b.awaited.Load(); first != nil {
			r.reserve = max(r.reserve, first.reserve)
		}
		ctx, r.cancel = context.WithDeadline(b.parent, deadline.Add(-r.reserve))
	} else {
		ctx, r.cancel = context.WithCancel(b.parent)
	}
	r.level.open(ctx, r)
	return r
}

// ended returns why the contexts of the records have ended, or nil if they have not.
func (r *run) ended() error { return context.Cause(r.level.ctx) }

// end returns when the contexts of the records end. It is for a run with a deadline.
func (r *run) end() time.Time {
	end, _ := r.level.ctx.Deadline()
	return end
}

// shortTime returns how much time is left when chunks must no longer wait for Results: a reserve, or two thirds of
// the time if that is less. It is for a run with a deadline.
func (r *run) shortTime() time.Duration { return min(r.reserve, r.end().Sub(r.started)*2/3) }

// close ends the contexts of the records after the batch has been answered.
func (r *run) close() {
	r.answered.Store(true)
	r.cancel()
}

// The flags of a run. level.quiet says how they shorten the way of most Results.
const (
	acted    = 1 << iota // a function that may have effects was called; the bit equals pure
	troubled             // there was a failure that holds others back, or one that is still tentative
	strayed              // a function was called for a record that was not the current one of its feeder
	exited               // a function has ended its goroutine, which may be one of a user's stage
)

func (r *run) setFlag(flag uint32) {
	if r.flags.Load()&flag == 0 {
		r.flags.Or(flag)
	}
}

// runningRecords returns the records whose functions have not returned: the current one
// of each feeder, and those that are being written in bulk. Without a deadline it is
// empty.
func (r *run) runningRecords() (all []int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.feeders {
		all = f.appendRunning(all)
	}
	return all
}

// A level is a stretch of the pipeline in which Results neither enter nor leave lanes:
// the whole pipeline outside of lanes, or the inside of one lane. Its stages share one
// order, so they see each other's failures.
type level struct {
	ctx         context.Context
	run         *run
	order       order.Order[ledger.Verdict]
	outer       *level        // the level around the lane; nil outside of lanes
	lane        *inlet        // nil outside of lanes
	left        uint8         // the number that a Result has on that level when it has left the lane
	firstFeeder feeder        // number 0: the source, or the start of the lane
	crossings   atomic.Uint32 // how often Parallel and Route have begun on this level

	mu      sync.Mutex                // guards lanes, and the replacing of feeders and late
	feeders atomic.Pointer[[]*feeder] // from number 1 on: the consumers of each Parallel and Route on this level

	closed  atomic.Bool              // the lane has ended
	late    atomic.Pointer[[]*level] // the levels inside that had ended when a failure began there
	urged   atomic.Bool              // the lane was asked to flush, and has got no Result since
	running map[int32]bool           // the records for which functions ran when the lane ended or was given up; nil: none
	lanes   map[*border]innerLanes   // those that begin on this level, if it is in a lane
}

func (l *level) open(ctx context.Context, r *run) {
	l.ctx, l.run = ctx, r
	l.order.Init(r.batch.lineOf)
	l.firstFeeder.register(r)
}

// addFeeder adds a feeder and returns its number. All feeders from the 255th on share one. again is as in feeder.
func (l *level) addFeeder(again func()) (*feeder, uint8) {
	const most = 255
	l.mu.Lock()
	defer l.mu.Unlock()
	var before []*feeder
	if there := l.feeders.Load(); there != nil {
		before = *there
	}
	if len(before) == most {
		return before[most-1], most
	}
	f := &feeder{again: again}
	f.register(l.run)
	all := append(slices.Clip(before), f)
	l.feeders.Store(&all)
	return f, uint8(len(all))
}

func (l *level) feeder(number uint8) *feeder {
	if number == 0 {
		return &l.firstFeeder
	}
	return (*l.feeders.Load())[number-1]
}

// lastFeeder returns the feeder that was added last: the one of the goroutine whose Results leave the level.
func (l *level) lastFeeder() *feeder {
	if added := l.feeders.Load(); added != nil {
		return (*added)[len(*added)-1]
	}
	return &l.firstFeeder
}

// pause pauses a feeder of the level. Without a deadline no one asks for its current record.
func (l *level) pause(f *feeder) (paused pause) {
	if l.run.hasDeadline {
		paused = f.pause()
	}
	return paused
}
