package batch

// How a collector closes the scopes of the records in its answer.

import (
	"slices"
	"sync/atomic"
	"time"
)

// noteArrival says that a Result of the record has reached the collector now. Unreached and
// running Results are made by lanes in place of those that they have lost, so the real
// ones never arrive.
func (t *tally) noteArrival(record int, as state) {
	if t.arrivals == nil {
		t.arrivals = make([]time.Duration, t.run.batch.length)
	}
	switch {
	case as == unreached || as == running:
		t.arrivals[record] = neverArrived
	case t.arrivals[record] != neverArrived:
		t.arrivals[record] = time.Since(t.run.started)
	}
}

const neverArrived = -1

// A scopeCloser closes the scopes of an answer. It calls closing functions one after the other as
// long as they return, and more and more of them concurrently if some hang.
type scopeCloser struct {
	batches   []closerBatch
	records   int64        // of all batches
	next      atomic.Int64 // the position, counted over all batches, of the next record to close
	remaining atomic.Int64 // the records whose scopes have not been closed
	done      chan struct{}
}

// A closerBatch is one batch of a scopeCloser.
type closerBatch struct {
	batch    *batch
	failures []Failure
	tallies  []*tally // those in which a record must be acknowledged
}

// newScopeCloser returns a scopeCloser for the answer, or nil if its batches have no scopes.
func (a *answer) newScopeCloser(tallies []*tally, e ending) *scopeCloser {
	var c *scopeCloser
	rest := a.failures
	for k, b := range a.batches {
		reported := a.folds[k].Reported()
		if b.scopes != nil {
			if c == nil {
				c = &scopeCloser{done: make(chan struct{})}
			}
			c.batches = append(c.batches, closerBatch{b, rest[:reported], b.countingTallies(tallies, e)})
			c.remaining.Add(int64(b.length))
			c.records += int64(b.length)
		}
		rest = rest[reported:]
	}
	return c
}

// countingTallies returns the tallies of the batch in which a record must be acknowledged.
func (b *batch) countingTallies(tallies []*tally, e ending) (counting []*tally) {
	own := slices.DeleteFunc(slices.Clone(tallies), func(t *tally) bool { return t.run.batch != b })
	for i, t := range own {
		if t.Counts(e.cutShort(), i == len(own)-1) {
			counting = append(counting, t)
		}
	}
	return counting
}

// outcome returns what closing functions of a record are called with.
func (p *closerBatch) outcome(record int) (o Outcome) {
	at, reported := slices.BinarySearchFunc(p.failures, record, func(f Failure, record int) int { return f.Record.Index - record })
	if reported {
		o.Err = p.failures[at].Err
	}
	o.Finished = p.finished(record, reported)
	return o
}

// finished returns when the last Result of the record arrived, or zero if one never did. If the record is acknowledged, all
// had arrived when that was decided. A lane that was left running may have taken hold of one again since.
func (p *closerBatch) finished(record int, reported bool) (last time.Time) {
	for _, t := range p.tallies {
		if reported && (!t.Whole(record) || t.arrivals[record] == neverArrived) {
			return time.Time{}
		}
		if at := t.run.started.Add(t.arrivals[record]); at.After(last) {
			last = at
		}
	}
	return last
}

// run closes scopes for the given share of time. Without a deadline it takes as long as it takes.
// Closing functions may hang, so run starts more goroutines after each eighth of the time: 1, 2, 4
// and so on, and for the last eighth one per remaining record.
func (c *scopeCloser) run(timed bool, share time.Duration) {
	go c.work()
	if !timed {
		<-c.done
		return
	}
	const turns = 8
	ticker := time.NewTicker(share / turns)
	defer ticker.Stop()
	for turn := 1; ; turn++ {
		select {
		case <-c.done:
			return
		case <-ticker.C:
		}
		more := int64(1) << (turn - 1)
		switch turn {
		case turns:
			return
		case turns - 1:
			more = c.records - c.next.Load()
		}
		for range more {
			go c.work()
		}
	}
}

func (c *scopeCloser) work() {
	over, n := false, 0
	defer func() {
		if !over {
			go c.work() // a closing function has ended this goroutine
		}
		if n > 0 && c.remaining.Add(-int64(n)) == 0 {
			close(c.done)
		}
	}()
	for p, record := c.take(); p != nil; p, record = c.take() {
		n++
		p.batch.scopes.close(record, p)
	}
	over = true
}

// take returns the next record and its batch, which is nil if there is no record left.
func (c *scopeCloser) take() (p *closerBatch, record int) {
	record = int(c.next.Add(1) - 1)
	for i := range c.batches {
		p := &c.batches[i]
		if record < p.batch.length {
			return p, record
		}
		record -= p.batch.length
	}
	return nil, 0
}
