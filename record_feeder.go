package batch

// A feeder tracks which record one goroutine is working on, and which chunks it may flush.

import (
	"slices"
	"sync"
	"sync/atomic"
)

// A feeder is a point of the pipeline where a goroutine takes up Results: the source, the start
// of a lane, or the consumer of lanes. The goroutine runs the stages that follow, up to the
// point where another one takes over. The feeder tracks the record that is being worked on.
type feeder struct {
	current atomic.Uint64             // low half: the current record plus 1, or 0; high half: the number of changes
	writing atomic.Pointer[[]*header] // what TryEachChunk's function is being called with
	flushed atomic.Bool               // flush has been called
	again   func()                    // makes the goroutine call flush once more; nil if it never does

	mu         sync.Mutex
	bulkStages []bulkStage
}

func (f *feeder) register(r *run) {
	if !r.hasDeadline {
		return // without a deadline no one asks which functions are running
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.feeders = append(r.feeders, f)
}

// setCurrent makes the record of e the current one.
func (f *feeder) setCurrent(e *entry) {
	if e.level.run.hasDeadline {
		f.set(uint32(e.index) + 1)
	}
}

// idle says that no function runs here.
func (f *feeder) idle() { f.set(0) }

func (f *feeder) set(current uint32) { f.swap(current) }

// swap is atomic because two goroutines may use the feeder: a user's stage may run the
// stages before it on another goroutine. It counts the changes so that resume can tell
// whether there was one since its pause.
func (f *feeder) swap(current uint32) (before, now uint64) {
	for {
		before = f.current.Load()
		now = (before>>32+1)<<32 | uint64(current)
		if f.current.CompareAndSwap(before, now) {
			return before, now
		}
	}
}

// pause makes the feeder idle until the pause is resumed.
func (f *feeder) pause() (paused pause) {
	paused.feeder = f
	paused.before, paused.now = f.swap(0)
	return paused
}

// isCurrent reports whether the record is the current one.
func (f *feeder) isCurrent(index int32) bool { return uint32(f.current.Load()) == uint32(index)+1 }

// isRunning reports whether a function for the record runs here.
func (f *feeder) isRunning(index int32) bool { return slices.Contains(f.appendRunning(nil), index) }

func (f *feeder) appendRunning(all []int32) []int32 {
	if current := uint32(f.current.Load()); current > 0 {
		all = append(all, int32(current-1))
	}
	if written := f.writing.Load(); written != nil {
		for _, h := range *written {
			all = append(all, h.entry.index)
		}
	}
	return all
}

// addBulk registers a stage for flush.
func (f *feeder) addBulk(b bulkStage) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bulkStages = append(f.bulkStages, b)
}

func (f *feeder) removeBulk(b bulkStage) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bulkStages = slices.DeleteFunc(f.bulkStages, func(other bulkStage) bool { return other == b })
}

// flush makes the bulk stages that follow write what they keep. It repeats until none has
// anything left, because Results sent by one stage may be kept by another that was asked
// before it.
func (f *feeder) flush() (more bool) {
	f.flushed.Store(true)
	for again := true; again; {
		again = false
		for _, b := range f.bulkStagesNow() {
			some, more := b.flush(f)
			if !more {
				return false
			}
			again = again || some
		}
	}
	return true
}

// noteKept says that a bulk stage has kept a Result. If flush was called before, that was too early for this one: a stage of
// the user's has sent it on another goroutine.
func (f *feeder) noteKept() {
	if f.again != nil && f.flushed.Load() {
		f.again()
	}
}

func (f *feeder) bulkStagesNow() []bulkStage {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.bulkStages)
}

// A bulkStage is a stage that keeps Results: a chunk of TryEachChunk, whatever the type of its values.
type bulkStage interface {
	// flush writes and sends on the kept Results, on behalf of the asking feeder. It
	// reports whether there were some, and whether the consumer wants more. It does
	// nothing while the stage is busy.
	flush(asking *feeder) (some, more bool)
}

// A pause remembers what was current before it.
type pause struct {
	feeder      *feeder
	before, now uint64
}

// setCurrent makes the record of e the current one during the pause. If another goroutine has changed the current record
// meanwhile, resume will restore that one. The Results may be of several runs, or of none.
func (p *pause) setCurrent(e *entry) {
	current := uint32(0)
	if e != nil && e.level.run.hasDeadline {
		current = uint32(e.index) + 1
	}
	before, now := p.feeder.swap(current)
	if before != p.now {
		p.before = before
	}
	p.now = now
}

// resume makes the record current again that was so before the pause. It does nothing
// if the feeder has changed since then; swap says how that happens. But if another goroutine has
// paused the feeder meanwhile, and no record was current before, its resume must not bring back the one
// that is current now.
func (p pause) resume() {
	if p.feeder == nil {
		return
	}
	current, pausedAgain := &p.feeder.current, (p.now>>32+1)<<32
	for !current.CompareAndSwap(p.now, p.before) {
		if uint32(p.before) != 0 || current.CompareAndSwap(pausedAgain, pausedAgain+1<<32) {
			return
		}
		if now := current.Load(); now != p.now && now != pausedAgain {
			return
		}
	}
}
