package batch

// A run is one iteration over a source; its levels are where stages know each other's failures.

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
	level       level // outside of lanes
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
	room    [1]*feeder // for the one that there is always
}

func newRun(b *batch) *run {
	r := &run{batch: b, entries: make([]entry, b.length), started: time.Now()}
	r.feeders = r.room[:0]
	r.numbers.Init(b.length)
	var ctx context.Context
	if deadline, ok := b.parent.Deadline(); ok {
		r.hasDeadline = true
		r.reserve = b.reserveFor(deadline.Sub(r.started))
		ctx, r.cancel = context.WithDeadline(b.parent, deadline.Add(-r.reserve))
	} else {
		ctx, r.cancel = context.WithCancel(b.parent)
	}
	r.level.open(ctx, r)
	if b.scopes != nil {
		b.scopes.noteBegin(r.started)
	}
	return r
}

// close ends the contexts of the records: the batch is answered.
func (r *run) close() {
	r.answered.Store(true)
	r.cancel()
}

// The events of a run that concern later Results.
const (
	acted    = 1 << iota // a function was called that may have effects; it has the bit of pure
	troubled             // a failure may hold others back, or is to be dropped by what goes on
)

// take takes note of an event.
func (r *run) setFlag(event uint32) {
	if r.flags.Load()&event == 0 {
		r.flags.Or(event)
	}
}

// running returns the records whose functions have not returned: those that were given out
// last, each by its place, and those that are being written in bulk.
func (r *run) runningRecords() (all []int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.feeders {
		all = p.appendRunning(all)
	}
	return all
}

// A level is a stretch of the pipeline on which Results go from stage to stage without going into lanes or out of
// them: all that is outside of lanes, or one lane.
type level struct {
	ctx         context.Context
	run         *run
	order       order.Order[ledger.Verdict]
	firstFeeder feeder // who gives Results out first: the source, or the lane

	mu      sync.Mutex
	feeders []*feeder // who gives them out later: the lanes on this level, from 1 on
}

func (l *level) open(ctx context.Context, r *run) {
	l.ctx, l.run = ctx, r
	if line := r.batch.lineOf; line != nil {
		l.order.Init(line)
	}
	l.firstFeeder.register(r)
}

// join adds a place and returns its number. From the 255th on they share one.
func (l *level) addFeeder() (*feeder, uint8) {
	const most = 255
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.feeders) == most {
		return l.feeders[most-1], most
	}
	p := new(feeder)
	p.register(l.run)
	l.feeders = append(l.feeders, p)
	return p, uint8(len(l.feeders))
}

// place returns who gave a Result out.
func (l *level) feeder(number uint8) *feeder {
	if number == 0 {
		return &l.firstFeeder
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.feeders[number-1]
}

// A place is where one goroutine gives Results out, and runs the stages after it until another goroutine takes over.
type feeder struct {
	current atomic.Uint64 // the record given out last, plus 1, or 0; in the upper half, how often that has changed
	writing atomic.Pointer[[]*header]

	mu         sync.Mutex
	bulkStages []bulkStage
}

// bulk is a stage that holds Results back.
type bulkStage interface {
	// flush lets go of them, and reports whether there were any and whether more are wanted. It does nothing while the
	// stage is busy. The place is the one that asks.
	flush(asking *feeder) (some, more bool)
}

func (p *feeder) register(r *run) {
	if !r.hasDeadline {
		return // nobody will ask who is running
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.feeders = append(r.feeders, p)
}

// give takes note of the record that is given out.
func (p *feeder) begin(e *entry) (now uint64) {
	if !e.level.run.hasDeadline {
		return 0
	}
	return p.set(uint32(e.index) + 1)
}

// pass is give where Results of several iterations, or of none, are given out.
func (p *feeder) beginAny(e *entry) (now uint64) {
	if e == nil || !e.level.run.hasDeadline {
		return p.set(0)
	}
	return p.begin(e)
}

// rest takes note that no function runs here.
func (p *feeder) idle() { p.set(0) }

func (p *feeder) set(out uint32) (now uint64) {
	_, now = p.swap(out)
	return now
}

// swap is one step, since two goroutines may give out here: a stage of the user's may run the stages before it on another
// one. With two of the same number the pause of one could be resumed after the other has rested.
func (p *feeder) swap(out uint32) (before, now uint64) {
	for {
		before = p.current.Load()
		now = (before>>32+1)<<32 | uint64(out)
		if p.current.CompareAndSwap(before, now) {
			return before, now
		}
	}
}

// pause takes note that no function runs here until it is resumed.
func (p *feeder) pause() (paused pause) {
	paused.feeder = p
	paused.before, paused.now = p.swap(0)
	return paused
}

// A pause is what was given out before it.
type pause struct {
	feeder      *feeder
	before, now uint64
}

// resume does nothing if something has happened meanwhile: stages of the user's may run the stages before them on
// another goroutine.
func (p pause) resume() {
	if p.feeder != nil {
		p.feeder.current.CompareAndSwap(p.now, p.before)
	}
}

// has reports whether a function for the record runs here.
func (p *feeder) isRunning(index int32) bool { return slices.Contains(p.appendRunning(nil), index) }

func (p *feeder) appendRunning(all []int32) []int32 {
	if out := uint32(p.current.Load()); out > 0 {
		all = append(all, int32(out-1))
	}
	if written := p.writing.Load(); written != nil {
		for _, h := range *written {
			all = append(all, h.entry.index)
		}
	}
	return all
}

// hold has the stage asked to let go of what it holds.
func (p *feeder) addBulk(b bulkStage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bulkStages = append(p.bulkStages, b)
}

func (p *feeder) removeBulk(b bulkStage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := slices.Index(p.bulkStages, b); at >= 0 {
		p.bulkStages = slices.Delete(p.bulkStages, at, at+1)
	}
}

// flush has the bulk stages after this place write what they hold, again and again: what one of them sends, another may
// hold back that is asked before it.
func (p *feeder) flush() (more bool) {
	for again := true; again; {
		again = false
		for _, b := range p.bulkStagesNow() {
			some, more := b.flush(p)
			if !more {
				return false
			}
			again = again || some
		}
	}
	return true
}

func (p *feeder) bulkStagesNow() []bulkStage {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.bulkStages)
}
