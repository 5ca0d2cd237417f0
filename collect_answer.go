package batch

// How a collector makes the answer from what it has ticked off.

import (
	"errors"
	"slices"
	"time"

	"github.com/lambdabatch/batch/internal/ledger"
)

// An ending is how a pipeline ended.
type ending struct {
	err    error // it panicked, or called runtime.Goexit before it had ranged over the source
	late   bool  // it has not ended in time
	exited bool  // it called runtime.Goexit
}

// cutShort reports whether the pipeline may have stopped in the middle of a run.
func (e ending) cutShort() bool { return e.late || e.exited }

// An answer is what a collector returns: the response or the error, and the report.
type answer struct {
	batches   []*batch
	batchRoom [1]*batch      // saves an allocation for batches
	folds     []ledger.Fold  // by batch
	foldRoom  [1]ledger.Fold // saves an allocation for folds
	response  Response
	failures  []Failure
	discarded []discardedFailure
	running   []runningRecord // for the log
	report    Report
	noID      bool
	err       error
}

func (a *answer) result() (Response, error) { return a.response, a.err }

// A discardedFailure is a failure that did not reach the collector, because a stage has
// discarded its Result.
type discardedFailure struct {
	batch *batch
	index int
	err   error
}

// A runningRecord is a record whose function had not returned.
type runningRecord struct {
	batch *batch
	index int
}

// answer decides the answer and calls the hooks.
func (c *collector[T]) answer(e ending) *answer {
	a := c.decide(e)
	a.chooseError(c.firstRun, e, c.oneValuePerRecord)
	if first := c.firstRun; first != nil {
		first.callHooks(a.report, c.contextsEndFor(first), c.endLog(a, e), a.newScopeCloser(c.tallies, e))
	}
	return a
}

// decide closes the collector and decides what becomes of each record. Each run is folded
// separately. A record must be acknowledged in all runs that count (see [ledger.NewFold]).
func (c *collector[T]) decide(e ending) *answer {
	busy := c.runningRecords()
	c.noteContextsEnded()
	c.closeRuns()
	a := &c.result
	a.fold(c.tallies, e)
	for _, r := range busy {
		a.foldOf(r.batch).MarkRunning(r.index)
	}
	if c.oneValuePerRecord {
		c.failSeveralValues(a)
	}
	listed := make(map[string]bool)
	for i, b := range a.batches {
		if e.err != nil {
			a.folds[i].Unreach() // nothing is acknowledged if the pipeline crashed
		}
		b.holdBack(&a.folds[i])
		a.addBatch(b, &a.folds[i], listed, b.endedIn(c.tallies))
	}
	return a
}

// maxSharedRounds is how often holdBack goes through a batch. Identifiers of services do not repeat, let alone link groups.
const maxSharedRounds = 16

// holdBack makes the records blocked that reported ones hold back, and those whose identifiers are reported, which hold others
// back in turn. If that does not end soon, every record is reported: a chain through the batch would take too long.
func (b *batch) holdBack(f *ledger.Fold) {
	for range maxSharedRounds {
		if b.lineOf != nil {
			f.HoldBack(b.lineOf, func(record int) bool { return !b.lastReceive(record) })
		}
		if !f.ReportShared(b.id) {
			return
		}
	}
	f.BlockRest()
}

// closeIfUnanswered is deferred by collectors that run the pipeline on the caller's
// goroutine. If the pipeline has panicked there is no answer, but open scopes are closed.
func (c *collector[T]) closeIfUnanswered() {
	if c.answered() {
		return
	}
	e := ending{err: errUnanswered}
	if scopes := c.decide(e).newScopeCloser(c.tallies, e); scopes != nil {
		scopes.run(c.firstRun.hasDeadline, max(time.Until(c.contextsEndFor(c.firstRun)), minHookTime))
	}
}

var errUnanswered = errors.New("no answer")

// runningRecords returns the records whose functions have not returned, some perhaps several times.
func (c *collector[T]) runningRecords() (all []runningRecord) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.tallies {
		for _, index := range t.run.runningRecords() {
			all = append(all, runningRecord{t.run.batch, int(index)})
		}
	}
	return all
}

// noteContextsEnded notes whether the records' contexts have ended, why, and when if drive has not
// done so.
func (c *collector[T]) noteContextsEnded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.firstRun == nil {
		return
	}
	for _, t := range c.tallies {
		t.ended = t.run.ended()
	}
	if c.contextsEnded.IsZero() && c.firstRun.ended() != nil {
		c.contextsEnded = time.Now()
	}
}

// contextsEndFor returns when the records' contexts end or have ended, for a run with a
// deadline.
func (c *collector[T]) contextsEndFor(first *run) time.Time {
	end, _ := first.level.ctx.Deadline()
	if !c.contextsEnded.IsZero() && c.contextsEnded.Before(end) {
		return c.contextsEnded
	}
	return end
}

// fold folds the tallies by batch. Failures that are still open are added to the tallies
// first, because a stage may have discarded their Results.
func (a *answer) fold(tallies []*tally, e ending) {
	for _, t := range tallies {
		flags := t.run.flags.Load()
		t.Acted, t.Interrupted = flags&acted != 0, t.Interrupted || flags&exited != 0
		if !slices.Contains(a.batches, t.run.batch) {
			a.batches = append(a.batches, t.run.batch)
		}
		for _, failure := range t.run.level.unsettled() {
			v := failure.Cause
			if t.Fail(failure.Index, v) && v.State == failed {
				a.noteDiscarded(t.run.batch, failure.Index, v.Err)
			}
		}
	}
	for _, b := range a.batches {
		a.folds = append(a.folds, ledger.NewFold(b.length, b.talliesOf(tallies), e.cutShort()))
	}
}

// noteDiscarded keeps a failure for the log, if its batch has one.
func (a *answer) noteDiscarded(b *batch, index int, err error) {
	if b.logger != nil {
		a.discarded = append(a.discarded, discardedFailure{b, index, err})
	}
}

func (b *batch) talliesOf(tallies []*tally) []*ledger.Tally {
	own := make([]*ledger.Tally, 0, 4)
	for _, t := range tallies {
		if t.run.batch == b {
			own = append(own, &t.Tally)
		}
	}
	return own
}

// endedIn returns why the contexts of the batch had ended, or nil if those of its last run had not.
func (b *batch) endedIn(tallies []*tally) (ended error) {
	for _, t := range tallies {
		if t.run.batch == b {
			ended = t.ended
		}
	}
	return ended
}

func (a *answer) foldOf(b *batch) *ledger.Fold { return &a.folds[slices.Index(a.batches, b)] }

func (a *answer) acknowledged(b *batch, i int) bool { return a.foldOf(b).Of(i).State == done }

var errSeveralValues = errors.New("several values for one record")

// failSeveralValues fails the records that have become several values.
func (c *collector[T]) failSeveralValues(a *answer) {
	seen := make(map[*batch]map[int]bool)
	for _, k := range c.keptValues {
		if seen[k.batch] == nil {
			seen[k.batch] = make(map[int]bool)
		}
		if seen[k.batch][k.index] && a.foldOf(k.batch).Worsen(k.index, ledger.Verdict{State: failed, Err: errSeveralValues}) {
			a.noteDiscarded(k.batch, k.index, errSeveralValues)
		}
		seen[k.batch][k.index] = true
	}
}

// addBatch adds the records of a batch to the report, and to the response unless their
// identifiers are listed already.
func (a *answer) addBatch(b *batch, f *ledger.Fold, listed map[string]bool, ended error) {
	a.report.Records += b.length
	if f.Clean() {
		a.report.Acknowledged += b.length
		return
	}
	for i := range b.length {
		v := f.Of(i)
		if v.State == done {
			a.report.Acknowledged++
			continue
		}
		a.countReported(v.State)
		if v.State == running && b.logger != nil {
			a.running = append(a.running, runningRecord{b, i})
		}
		reported := b.describe(i)
		a.failures = append(a.failures, Failure{reported, b.errorFor(i, v, ended)})
		id := reported.ID
		a.noID = a.noID || id == ""
		if !listed[id] {
			listed[id] = true
			a.response.BatchItemFailures = append(a.response.BatchItemFailures, ItemFailure{id, b.kafka})
		}
	}
}

// errorFor returns the error with which a record is reported. A verdict without an error is the collector's own.
func (b *batch) errorFor(i int, v ledger.Verdict, ended error) error {
	switch {
	case v.Err != nil && v.State != running:
		return v.Err
	case v.State == blocked:
		return &blockedError{b, int32(i), v.By}
	}
	return newUnreachedError(v.State, ended)
}

func (a *answer) countReported(s state) {
	switch s {
	case failed:
		a.report.Failed++
	case blocked:
		a.report.Blocked++
	case notStarted:
		a.report.NotStarted++
	case unreached:
		a.report.Unreached++
	case running:
		a.report.Unreached++
		a.report.Running++
	}
}

// chooseError chooses the error of the answer by the settings of the first run, which
// is nil if no run has begun.
func (a *answer) chooseError(first *run, e ending, allFailedOK bool) {
	if a.response.BatchItemFailures == nil {
		a.response.BatchItemFailures = []ItemFailure{}
	}
	a.report.Failures = a.failures
	if first == nil {
		a.err = e.err
		return
	}
	a.report.Elapsed = time.Since(first.started)
	switch {
	case e.err != nil:
		a.err = e.err
	case a.noID:
		at := slices.IndexFunc(a.failures, func(f Failure) bool { return f.Record.ID == "" })
		a.err = &noIDError{a.failures[at].Record.Index, a.failures[at].Err}
	case a.report.Acknowledged == 0 && a.report.Records > 0 && !allFailedOK && !first.batch.allFailedOK:
		a.err = &AllFailedError{Failures: slices.Clone(a.failures)}
	}
}
