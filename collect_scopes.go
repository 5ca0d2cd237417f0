package batch

// How a collector closes the scopes of the records in its answer.

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/lambdabatch/batch/internal/ledger"
)

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
	tallies  []*ledger.Tally // those in which a record must be acknowledged
	complete bool            // every record has arrived whole in all of them
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
			counting := ledger.Counting(b.talliesOf(tallies), e.cutShort())
			incomplete := slices.ContainsFunc(counting, func(t *ledger.Tally) bool { return !t.Complete() })
			part := closerBatch{b, rest[:reported], counting, !incomplete}
			c.batches = append(c.batches, part)
			c.remaining.Add(int64(b.length))
			c.records += int64(b.length)
		}
		rest = rest[reported:]
	}
	return c
}

// outcome returns what closing functions of a record are called with.
func (p *closerBatch) outcome(record int) (o Outcome) {
	at, reported := slices.BinarySearchFunc(p.failures, record, func(f Failure, record int) int { return f.Record.Index - record })
	if reported {
		o.Err = p.failures[at].Err
	}
	if p.complete || p.whole(record) {
		o.Finished = p.batch.scopes.arrivalTime(record)
	}
	return o
}

// whole reports whether the record has arrived whole in all tallies that count.
func (p *closerBatch) whole(record int) bool {
	return !slices.ContainsFunc(p.tallies, func(t *ledger.Tally) bool { return !t.Whole(record) })
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
	ticker := time.NewTicker(max(share, minHookTime) / turns)
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
