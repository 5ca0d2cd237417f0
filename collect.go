package batch

// Collectors fold a Stream into the answer.

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lambdabatch/batch/internal/ledger"
)

// Run sends source through stage and answers the invocation: the records that
// failed, that a policy held back, or that did not reach the end. It is what a
// handler function calls that takes an event of package events. Prefer a handler such
// as [SQSHandler] where the signature is yours to choose: lambda.Start decodes {} and the
// event of an API into an event without records, which Run cannot tell from an empty batch
// and answers with success, and a record that does not decode fails the whole batch.
//
// Give it the source itself: stages before Run are outside
// of its deadline, and what they swallow it does not know. If the stage has not ranged
// over source for a quarter of a second, Run does so itself, as far as the first Result, to learn the
// deadline: stages before Run then run twice for that record.
//
// The stage runs on a goroutine of its own. After the records' context has ended
// Run waits for it for half of the reserve, and then answers with what is
// finished; functions that are still running are left behind ([ErrRunning]), and
// what they do afterwards has no part in the answer. Without a deadline it waits as
// long as it takes. Functions must heed their context, and their writes must be
// idempotent or conditional: a function that was left behind may take effect after
// its record was delivered again.
//
// Only records of source are in the answer. Results of another batch, which a stage
// has kept or made, name nobody, and a line in the log says so.
//
// If nothing was acknowledged the error is an [*AllFailedError]. If a stage that
// is not the library's panics, it is a [*PanicError]. If a reported record has no
// identifier, it is [ErrNoID]. The response with an error fails the whole batch,
// too: it lists every record, or has an identifier that voids it.
func Run[A, B any](source Stream[A], stage func(Stream[A]) Stream[B]) (Response, error) {
	require(source != nil, "Run", "source is nil")
	require(stage != nil, "Run", "stage is nil")
	c := newDrivenCollector[B]()
	return c.answer(c.drive(bind(c, source, stage))).result()
}

// Collect folds s into the response, with the errors of [Run]. It runs on the
// caller's goroutine and waits for functions however long they take.
//
// Collect learns the batch from the Results that reach it: where a stage swallows
// every single one it sees an empty batch. It is for tests and for streams at
// hand; handlers call [Run].
func Collect[T any](s Stream[T]) (Response, error) {
	require(s != nil, "Collect", "s is nil")
	c := newCollector[T]()
	defer c.closeIfUnanswered()
	s(c.add)
	return c.answer(ending{}).result()
}

// Partition returns the values that reached the end, those of acknowledged
// records only, and the failures of the others, both in the order of the batch.
// The rules are those of [Collect].
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

// A collector ticks the Results that reach it.
type collector[T any] struct {
	signals        chan signal // what drive waits for; nil: nobody drives it
	begun          atomic.Bool // the pipeline has begun,
	ranged         atomic.Bool // and so has a range over the source
	pipelineErr    error       // how the pipeline ended, before it signals that
	pipelineExited bool        // likewise

	mu                sync.Mutex
	firstRun          *run // the first iteration over the source, where c is told of them
	closed            bool // the answer is given: nothing counts any more
	decided           bool // and it is known what is in it
	tallies           []*tally
	last              *tally
	keepValues        bool
	keptValues        []keptValue[T]
	oneValuePerRecord bool // the answer has room for one value of each record
	foreignResults    int  // Results of another batch
	contextsEnded     time.Time
	result            answer

	// Room for what there is nearly always one of.
	tallyRoom   [1]tally
	talliesRoom [1]*tally
}

// A tally is what reached the collector of one iteration.
type tally struct {
	ledger.Tally
	run *run
}

// kept is a value that reached the end.
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

// newRunning returns a collector that is told about iterations as they begin.
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
	for r.h.entry.visit != nil { // a stage has carried it past the end of its lane
		r.h.leave()
	}
	r.h.see()
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
	if all := run.batch.scopes; all != nil {
		all.noteArrival(index, r.h.state())
	}
	fresh, worse := t.Arrive(index, r.h.partNumber(), ledger.Verdict{State: r.h.state(), Err: r.h.err})
	if c.keepValues && fresh && r.h.state() == ready {
		c.keptValues = append(c.keptValues, keptValue[T]{run.batch, index, r.value})
	}
	c.mu.Unlock()
	if worse && r.h.state() == failed {
		run.batch.logFailure(r.h.entry, r.h.err)
	}
	return true
}

// learn takes note of an iteration over the source before its Results arrive.
func (c *collector[T]) register(r *run) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		r.close() // a function that was left behind has come back and begins anew
		return
	}
	c.findTally(r, true)
	if c.firstRun == nil {
		c.firstRun = r
		c.signals <- began
	}
}

// tallyOf returns the tally of an iteration. It is nil for one of another batch, where c
// is told which batch it is.
func (c *collector[T]) tallyOf(r *run) *tally {
	if c.last != nil && c.last.run == r {
		return c.last
	}
	own := c.signals == nil || !r.answered.Load() &&
		slices.ContainsFunc(c.tallies, func(t *tally) bool { return t.run.batch == r.batch })
	return c.findTally(r, own)
}

func (c *collector[T]) findTally(r *run, add bool) *tally {
	at := slices.IndexFunc(c.tallies, func(t *tally) bool { return t.run == r })
	if at < 0 && !add {
		return nil
	}
	if at < 0 {
		at = len(c.tallies)
		t := &c.tallyRoom[0]
		if at > 0 {
			t = new(tally)
		}
		t.run = r
		t.Init(&r.numbers)
		c.tallies = append(c.tallies, t)
	}
	c.last = c.tallies[at]
	return c.last
}

// end ends the contexts of the records.
func (c *collector[T]) closeRuns() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, t := range c.tallies {
		t.run.close()
	}
}

// inOrder returns what was kept in the order of the batch.
func (c *collector[T]) inOrder(a *answer) []keptValue[T] {
	ordered := slices.Clone(c.keptValues)
	slices.SortStableFunc(ordered, func(x, y keptValue[T]) int {
		return cmp.Or(slices.Index(a.batches, x.batch)-slices.Index(a.batches, y.batch), x.index-y.index)
	})
	return ordered
}
