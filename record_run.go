package batch

// A run is one iteration over a source. Its levels are the stretches of the pipeline whose
// stages share their failures, and its feeders track which records are being worked on.

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

// close ends the contexts of the records after the batch has been answered.
func (r *run) close() {
	r.answered.Store(true)
	r.cancel()
}

// The flags of a run. While neither is set unexpectedly, stages take a short way (see quiet).
const (
	acted    = 1 << iota // a function that may have effects was called; the bit equals pure
	troubled             // there was a failure that holds others back, or one that is still tentative
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
	for _, p := range r.feeders {
		all = p.appendRunning(all)
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
	firstFeeder feeder // number 0: the source, or the start of the lane

	mu      sync.Mutex
	feeders []*feeder // from number 1 on: the consumers of each Parallel and Route on this level
}

func (l *level) open(ctx context.Context, r *run) {
	l.ctx, l.run = ctx, r
	if line := r.batch.lineOf; line != nil {
		l.order.Init(line)
	}
	l.firstFeeder.register(r)
}

// addFeeder adds a feeder and returns its number. All feeders from the 255th on share one.
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

func (l *level) feeder(number uint8) *feeder {
	if number == 0 {
		return &l.firstFeeder
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.feeders[number-1]
}

// A feeder is a point of the pipeline where a goroutine takes up Results and runs the
// stages that follow, up to the point where another goroutine takes over: the source, the
// start of a lane, or the consumer of lanes. It tracks the record that is being worked on.
type feeder struct {
	current atomic.Uint64             // low half: the current record plus 1, or 0; high half: the number of changes
	writing atomic.Pointer[[]*header] // what TryEachChunk's function is being called with

	mu         sync.Mutex
	bulkStages []bulkStage
}

// A bulkStage is a stage that keeps Results: a chunk of TryEachChunk.
type bulkStage interface {
	// flush writes and sends on the kept Results, on behalf of the asking feeder. It
	// reports whether there were some, and whether the consumer wants more. It does
	// nothing while the stage is busy.
	flush(asking *feeder) (some, more bool)
}

func (p *feeder) register(r *run) {
	if !r.hasDeadline {
		return // without a deadline no one asks which functions are running
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.feeders = append(r.feeders, p)
}

// begin makes the record of e the current one.
func (p *feeder) begin(e *entry) (now uint64) {
	if !e.level.run.hasDeadline {
		return 0
	}
	return p.set(uint32(e.index) + 1)
}

// beginAny is begin for a feeder whose Results may be of several runs, or of none.
func (p *feeder) beginAny(e *entry) (now uint64) {
	if e == nil || !e.level.run.hasDeadline {
		return p.set(0)
	}
	return p.begin(e)
}

// idle says that no function runs here.
func (p *feeder) idle() { p.set(0) }

func (p *feeder) set(out uint32) (now uint64) {
	_, now = p.swap(out)
	return now
}

// swap is atomic because two goroutines may use the feeder: a user's stage may run the
// stages before it on another goroutine. It counts the changes so that resume can tell
// whether there was one since its pause.
func (p *feeder) swap(out uint32) (before, now uint64) {
	for {
		before = p.current.Load()
		now = (before>>32+1)<<32 | uint64(out)
		if p.current.CompareAndSwap(before, now) {
			return before, now
		}
	}
}

// pause makes the feeder idle until the pause is resumed.
func (p *feeder) pause() (paused pause) {
	paused.feeder = p
	paused.before, paused.now = p.swap(0)
	return paused
}

// A pause remembers what was current before it.
type pause struct {
	feeder      *feeder
	before, now uint64
}

// resume makes the record current again that was so before the pause. It does nothing
// if the feeder has changed since then; swap says how that happens.
func (p pause) resume() {
	if p.feeder != nil {
		p.feeder.current.CompareAndSwap(p.now, p.before)
	}
}

// isRunning reports whether a function for the record runs here.
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

// addBulk has flush include the stage.
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

// flush has the bulk stages that follow write what they keep. It repeats until none has
// anything left, because Results sent by one stage may be kept by another that was asked
// before it.
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
