package batch

// How a collector closes the scopes of the records that it answers for.

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lambdabatch/batch/internal/ledger"
)

// A closing closes the scopes of an answer, one after the other. What hangs is left behind, and others go on.
type closing struct {
	parts []closingPart
	next  atomic.Int64 // the record that is next, counted over all parts,
	left  atomic.Int64 // and how many are not done
	done  chan struct{}
}

// A closingPart is the records of one batch.
type closingPart struct {
	batch    *batch
	failures []Failure
	tallies  []*ledger.Tally
	cut      bool
}

// closing returns what closes the scopes of the answer, nil if there are none.
func (a *answer) closing(tallies []*tally, e ending) *closing {
	var c *closing
	rest := a.failures
	for k, b := range a.batches {
		reported := a.folds[k].Reported()
		if b.scopes != nil {
			if c == nil {
				c = &closing{done: make(chan struct{})}
			}
			part := closingPart{batch: b, failures: rest[:reported], cut: e.cut()}
			for _, t := range tallies {
				if t.run.batch == b {
					part.tallies = append(part.tallies, &t.Tally)
				}
			}
			c.parts = append(c.parts, part)
			c.left.Add(int64(b.length))
		}
		rest = rest[reported:]
	}
	return c
}

// outcome is what became of a record.
func (p *closingPart) outcome(record int) (o Outcome) {
	at, reported := slices.BinarySearchFunc(p.failures, record, func(f Failure, record int) int { return f.Record.Index - record })
	if reported {
		o.Err = p.failures[at].Err
	}
	if ledger.Whole(record, p.tallies, p.cut) {
		o.Finished = p.batch.scopes.arrivalOf(record)
	}
	return o
}

// run has the scopes closed. It waits for all of them, or until the context ends. If they are to be closed within some
// time, then every eighth of it twice as many are closed side by side: some may hang.
func (c *closing) run(ctx context.Context, within time.Duration) {
	var late <-chan time.Time
	if within > 0 {
		ticker := time.NewTicker(max(within/8, 1))
		defer ticker.Stop()
		late = ticker.C
	}
	go c.work()
	for workers := 1; ; {
		select {
		case <-c.done:
			return
		case <-ctx.Done():
			return
		case <-late:
			for range workers {
				go c.work()
			}
			workers *= 2
		}
	}
}

func (c *closing) work() {
	over := false
	defer func() {
		if !over {
			go c.work() // a hook has ended the goroutine
		}
	}()
	for c.one() {
	}
	over = true
}

// one closes the scope of the next record and reports whether there was one.
func (c *closing) one() bool {
	record := int(c.next.Add(1) - 1)
	for i := range c.parts {
		p := &c.parts[i]
		if record < p.batch.length {
			defer c.finished()
			p.batch.scopes.close(record, p.outcome)
			return true
		}
		record -= p.batch.length
	}
	return false
}

func (c *closing) finished() {
	if c.left.Add(-1) == 0 {
		close(c.done)
	}
}
