package batch

// How a collector closes the scopes of the records that it answers for.

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/lambdabatch/batch/internal/ledger"
)

// A closing closes the scopes of an answer, one after the other. What hangs is left behind, and others go on.
type scopeCloser struct {
	batches   []closerBatch
	records   int64        // of all parts
	next      atomic.Int64 // the record that is next, counted over all parts,
	remaining atomic.Int64 // and how many are not done
	done      chan struct{}
}

// A closingPart is the records of one batch.
type closerBatch struct {
	batch    *batch
	failures []Failure
	tallies  []*ledger.Tally // those that count
	complete bool            // they have every record
}

// closing returns what closes the scopes of the answer, nil if there are none.
func (a *answer) newScopeCloser(tallies []*tally, e ending) *scopeCloser {
	var c *scopeCloser
	rest := a.failures
	for k, b := range a.batches {
		reported := a.folds[k].Reported()
		if b.scopes != nil {
			if c == nil {
				c = &scopeCloser{done: make(chan struct{})}
			}
			counting := ledger.Counting(b.talliesOf(tallies), e.cut())
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

// outcome is what became of a record.
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

func (p *closerBatch) whole(record int) bool {
	return !slices.ContainsFunc(p.tallies, func(t *ledger.Tally) bool { return !t.Whole(record) })
}

// run closes scopes for some time, or, without a deadline, however long it takes. Some may hang, so every eighth of the time
// twice as many are closed side by side, and for the last eighth all that are left.
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
			go c.work() // a hook has ended the goroutine
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

// take returns the next record, nil if there is none.
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
