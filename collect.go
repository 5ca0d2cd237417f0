package batch

// The collectors: Run, Collect and Partition.

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lambdabatch/batch/internal/ledger"
)

// Run runs the records of source through stage and returns the response to the invocation.
// It is for a handler function that takes an event of package events:
//
//	func handler(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
//		return batch.Run(batch.SQS(ctx, event), process)
//	}
//
// Prefer a [Handler], such as [SQSHandler] returns, if you can choose the signature.
// With Run, lambda.Start decodes the event, and it fails the whole batch if one record
// does not decode. It also decodes {} or an event of an API into an event without
// records, and Run returns success for that.
//
// The response lists every record that failed, was held back by the policy, or has a result
// that did not reach Run. All other records are acknowledged.
//
// Run runs stage on its own goroutine. When the records' contexts have ended, Run waits for
// the stage for half of the reserve (see [WithReserve]). Then it returns with what is
// finished. Functions that have still not returned are left running: their records are
// reported with [ErrRunning], and what the functions do later does not change the response. Without a
// deadline Run waits as long as the stage takes. Functions must heed their context. Their
// writes must be idempotent or conditional, because a function that was left running may
// take effect after its record has been redelivered.
//
// The errors of Run are
//
//   - an [*AllFailedError], if no record was acknowledged (see [WithoutAllFailedError]);
//   - a [*PanicError], if a stage panics outside of the functions that it calls;
//   - [ErrNoID], if a record without an identifier must be reported;
//   - an unnamed error, if stage calls [runtime.Goexit] before it has ranged over source.
//
// If Run returns an error, the response that it returns also fails the whole batch: the
// response lists every record, or contains an identifier that voids it.
//
// Pass the source itself, without stages around it. Run does not know the records that
// an earlier stage drops, and such a stage runs without a limit of time. If stage has
// not begun to range over source after a quarter of a second, Run itself ranges up to
// the first result to find out the deadline. Stages before Run then process that record
// twice.
//
// Only records of source are in the response. Results of another batch, which a stage has
// kept or made, are ignored, and a line in the log says so.
func Run[A, B any](source Stream[A], stage func(Stream[A]) Stream[B]) (Response, error) {
	require(source != nil, "Run", "source is nil")
	require(stage != nil, "Run", "stage is nil")
	c := newDrivenCollector[B]()
	return c.answer(c.drive(newPipeline(c, source, stage))).result()
}

// Collect ranges over s and returns the response, with the errors of [Run]. Like Run, it
// calls report functions, and ends the records' contexts. It runs on the caller's goroutine
// and waits for functions outside lanes as long as they take. A panic of a stage is not
// recovered.
//
// Collect is for tests and for Streams outside handlers; a handler function calls Run.
// Collect knows the batch only from the results that reach it. If a stage drops all of
// them, Collect returns the response to an empty batch, which acknowledges every record.
func Collect[T any](s Stream[T]) (Response, error) {
	require(s != nil, "Collect", "s is nil")
	c := newCollector[T]()
	defer c.closeIfUnanswered()
	s(c.add)
	return c.answer(ending{}).result()
}

// Partition ranges over s as [Collect] does. It returns the values of the ready results of
// acknowledged records, and one [Failure] per reported record, both in the order of the
// batch. The values of one record are in the order in which they arrived.
func Partition[T any](s Stream[T]) (values []T, failures []Failure) {
	require(s != nil, "Partition", "s is nil")
	c := newCollector[T]()
	c.keepValues = true
	defer c.closeIfUnanswered()
	s(c.add)
	a := c.answer(ending{})
	for _, k := range c.inOrder(a) {
		if a.acknowledged(k.batch, k.index) {
			values = append(values, k.value)
		}
	}
	return values, slices.Clone(a.failures)
}

// A collector ticks off the Results that reach it.
type collector[T any] struct {
	signals        chan signal // what drive waits for; nil in Collect and Partition
	begun          atomic.Bool // the pipeline has begun
	ranged         atomic.Bool // a range over the source has begun
	pipelineErr    error       // how the pipeline ended; set before it signals finished
	pipelineExited bool        // likewise

	mu                sync.Mutex
	firstRun          *run // the run whose batch has the settings of the answer
	closed            bool // the answer is given, and nothing counts any more
	tallies           []*tally
	last              *tally
	keepValues        bool
	keptValues        []keptValue[T]
	oneValuePerRecord bool // a second value of a record is a failure
	foreignResults    int  // how many Results of another batch were ignored
	contextsEnded     time.Time
	result            answer

	// These save allocations, because there is nearly always one tally.
	tallyRoom   tally
	talliesRoom [1]*tally
}

// A tally is what has reached the collector from one run.
type tally struct {
	ledger.Tally
	run      *run
	ended    error           // why the contexts of the run had ended when the answer was decided; nil if they had not
	arrivals []time.Duration // by record, when its last Result arrived, if the batch has scopes; see noteArrival
}

// A keptValue is the value of a ready Result that has reached the collector.
type keptValue[T any] struct {
	batch *batch
	index int
	value T
}

func newCollector[T any]() *collector[T] {
	c := &collector[T]{}
	c.tallies = c.talliesRoom[:0]
	c.result.batches, c.result.folds = c.result.batchRoom[:0], c.result.foldRoom[:0]
	return c
}

// newDrivenCollector returns a collector for drive. Runs register with it when they begin.
func newDrivenCollector[T any]() *collector[T] {
	c := newCollector[T]()
	c.signals = make(chan signal, 2)
	return c
}

// add takes one Result and reports whether the collector wants more.
func (c *collector[T]) add(r Result[T]) bool {
	if r.h.entry == nil {
		return true
	}
	for r.h.entry.visit != nil { // a user's stage has carried it out of its lane
		r.h.leave()
	}
	r.h.see()
	r.h.notePassed()
	run, index := r.h.entry.level.run, int(r.h.entry.index)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return false
	}
	t := c.tallyOf(run)
	if t == nil {
		c.foreignResults++
		c.mu.Unlock()
		return true
	}
	if run.batch.scopes != nil {
		t.noteArrival(index, r.h.state())
	}
	worse := t.Arrive(index, r.h.partNumber(), ledger.Verdict{State: r.h.state(), Err: r.h.err})
	if c.keepValues && r.h.state() == ready && t.Value(index, r.h.partNumber()) {
		c.keptValues = append(c.keptValues, keptValue[T]{run.batch, index, r.value})
	}
	c.mu.Unlock()
	if worse && r.h.state() == failed {
		run.batch.logFailure(r.h.entry, r.h.err)
	}
	return true
}

// register adds a run before its Results arrive.
func (c *collector[T]) register(r *run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		r.close() // a stage that was left running ranges over the source again
		return
	}
	first := c.firstRun == nil
	c.findOrAddTally(r)
	if first {
		r.batch.awaited.CompareAndSwap(nil, r)
		c.signals <- began
	}
}

// tallyOf returns the tally of a run. It is nil if the run is of another batch and the
// collector has a batch: in Collect and Partition every run counts.
func (c *collector[T]) tallyOf(r *run) *tally {
	if c.last != nil && c.last.run == r {
		return c.last
	}
	own := c.signals == nil || !r.answered.Load() &&
		slices.ContainsFunc(c.tallies, func(t *tally) bool { return t.run.batch == r.batch })
	if own {
		return c.findOrAddTally(r)
	}
	return c.findTally(r)
}

func (c *collector[T]) findOrAddTally(r *run) *tally {
	if t := c.findTally(r); t != nil {
		return t
	}
	t := &c.tallyRoom
	if c.firstRun == nil {
		c.firstRun = r
	} else {
		t = new(tally)
	}
	t.run = r
	t.Init(&r.numbers)
	c.tallies = append(c.tallies, t)
	c.last = t
	return t
}

func (c *collector[T]) findTally(r *run) *tally {
	for _, t := range c.tallies {
		if t.run == r {
			c.last = t
			return t
		}
	}
	return nil
}

// closeRuns ends the contexts of the records.
func (c *collector[T]) closeRuns() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, t := range c.tallies {
		t.run.close()
	}
}

// inOrder returns the kept values in the order of the batch.
func (c *collector[T]) inOrder(a *answer) []keptValue[T] {
	ordered := slices.Clone(c.keptValues)
	slices.SortStableFunc(ordered, func(x, y keptValue[T]) int {
		return cmp.Or(slices.Index(a.batches, x.batch)-slices.Index(a.batches, y.batch), x.index-y.index)
	})
	return ordered
}
