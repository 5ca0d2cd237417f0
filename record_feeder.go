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
	run     *run
	current atomic.Uint64 // a word
	flushed atomic.Bool   // flush has been called
	again   func()        // makes the goroutine call flush once more; nil for the source, which never does

	someLeft atomic.Bool // left is not empty

	mu         sync.Mutex
	bulkStages []bulkStage
	writing    []*[]*header  // what functions of TryEachChunk are being called with; a stage of the user's may let several run
	left       map[word]word // the words that are left, each with the one before it
}

func (f *feeder) register(r *run) {
	f.run = r
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
// stages before it on another goroutine.
func (f *feeder) swap(current uint32) (before, now word) {
	for {
		before = word(f.current.Load())
		now = before.next(current)
		if f.replace(before, now) {
			return before, now
		}
	}
}

// isCurrent reports whether the record is the current one.
func (f *feeder) isCurrent(index int32) bool {
	return word(f.current.Load()).record() == uint32(index)+1
}

func (f *feeder) appendRunning(all []int32) []int32 {
	if current := word(f.current.Load()).record(); current > 0 {
		all = append(all, int32(current-1))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, written := range f.writing {
		for _, h := range *written {
			if h.entry.level.run == f.run {
				all = append(all, h.entry.index)
			}
		}
	}
	return all
}

func (f *feeder) beginWriting(written *[]*header) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writing = append(f.writing, written)
}

func (f *feeder) endWriting(written *[]*header) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writing = slices.DeleteFunc(f.writing, func(other *[]*header) bool { return other == written })
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

// flush makes the bulk stages that follow write what they keep, and reports whether the consumer wants more.
func (f *feeder) flush() (more bool) {
	f.flushed.Store(true)
	for _, b := range f.bulkStagesNow() {
		if !b.flush(f) {
			return false
		}
	}
	return true
}

// noteKept says that a bulk stage has kept a Result. If flush was called before, that was too early for this one: it comes from
// a stage that was asked later, or a stage of the user's has sent it on another goroutine.
func (f *feeder) noteKept() {
	if f.flushed.Load() {
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
	// reports whether the consumer wants more. It does nothing while the stage is busy.
	flush(asking *feeder) (more bool)
}
