package batchtest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/printable"
	"github.com/samber/lo"
)

// A breach is a law and what the stage does against it.
type breach struct{ law, deed string }

func (b *breach) in(scene fmt.Stringer) string {
	return fmt.Sprintf("the stage %s, with the batch %v: %s", b.deed, scene, b.law)
}

const (
	lawLeaves     = "each record that enters a stage leaves it (law 1)"
	lawIdentity   = "a Result keeps its record (law 1)"
	lawOrder      = "the Results of one group leave in batch order; under StopBatch, all Results do"
	lawOnce       = "each part of a record is sent once (law 1)"
	lawFailures   = "a stage passes failures on unchanged, unless it is checked with Recovers (law 3)"
	lawUntried    = "a stage passes Done and unprocessed Results on unchanged (law 3)"
	lawHeld       = "no function is called for a record while an earlier failure of its group holds it back: use batch.Then, and process the records of a group one after another"
	lawEnd        = "no function is called for a record after its context has ended: use batch.Then (law 4)"
	lawLanes      = "a record has the same Results in the lanes of Parallel as without lanes (law 6)"
	lawAlone      = "the Results of a record do not depend on other records, unless the stage is checked with WholeBatch (law 6)"
	lawRanges     = "a stream keeps no state from one range to the next, and its functions are deterministic"
	lawAtOnce     = "two ranges at once do not affect each other"
	lawLazy       = "a stage does nothing until its output is ranged over"
	lawSource     = "each range over the output ranges over the input once"
	lawStop       = "a stage sends nothing, and asks for nothing, after its consumer has stopped"
	lawPanic      = "only functions that are called by batch.Then or a library stage may panic"
	lawReturns    = "a stage returns a Stream, and each range over it ends"
	lawGoroutines = "no goroutine of a stage outlives the range"
)

// broken returns the first law that the stage broke in a trial, nil if it broke none.
func (c *checker[A, B]) broken(t *trial) *breach {
	if b := t.badEnding(); b != nil {
		return b
	}
	if t.lanes == 0 && t.ranges != 1 {
		return &breach{lawSource, times(t.ranges)}
	}
	for _, rule := range []func(*trial) *breach{
		unknownRecord, repeatedPart, overtaking, c.changed, c.dropped, c.forbiddenCall,
	} {
		if b := rule(t); b != nil {
			return b
		}
	}
	return t.breach
}

func times(n int) string {
	switch n {
	case 0:
		return "never ranges over its input"
	case 2:
		return "ranges over its input twice"
	}
	return fmt.Sprintf("ranges over its input %d times", n)
}

// badEnding finds a trial that did not end by returning.
func (t *trial) badEnding() *breach {
	last := ""
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.received) > 0 {
		last = " after receiving " + t.received[len(t.received)-1].name()
	}
	switch e := t.ending; {
	case t.breach != nil && t.breach.law == lawStop: // its cause: a range loop panics if its body is called again
		return t.breach
	case e.stuck:
		return &breach{lawReturns, "never returns" + last}
	case e.exited && e.panicked == nil:
		return &breach{lawPanic, "ends its goroutine" + last}
	case e.panicked != nil:
		at := ""
		if _, ok := e.panicked.(*batch.PanicError); e.at != "" && !ok { // whose text names the place
			at = " at " + e.at
		}
		return &breach{lawPanic, fmt.Sprintf("panics%s%s: %s", at, last, panicText(e.panicked))}
	}
	return nil
}

// panicText returns the text of what was panicked with, whose methods may panic.
func panicText(v any) (text string) {
	defer func() {
		if recover() != nil {
			text = printable.Sprintf("%v", v)
		}
	}()
	if err, ok := v.(error); ok {
		if p, ok := errors.AsType[*batch.PanicError](err); ok {
			return panicText(p.Value)
		}
	}
	return printable.Sprintf("%v", v)
}

// unknownRecord finds a Result of a record that the stage did not receive.
func unknownRecord(t *trial) *breach {
	for _, s := range t.sent {
		if !slices.ContainsFunc(t.received, func(r snapshot) bool { return r.index == s.index && r.ctx == s.ctx }) {
			return &breach{lawIdentity, fmt.Sprintf("sends %s for a record that it did not receive", s)}
		}
	}
	return nil
}

// repeatedPart finds a part that was sent twice.
func repeatedPart(t *trial) *breach {
	for i, s := range t.sent {
		if slices.ContainsFunc(t.sent[:i], s.samePart) {
			return &breach{lawOnce, "sends " + s.name() + " twice"}
		}
	}
	return nil
}

// overtaking finds a Result that overtook an earlier one of its group, or of the batch.
func overtaking(t *trial) *breach {
	last := make(map[string]int)
	for _, s := range t.sent {
		group := s.group()
		switch {
		case t.policy == batch.Continue || t.policy == batch.StopGroup && group == "":
			continue
		case t.policy == batch.StopBatch:
			group = ""
		}
		if before, ok := last[group]; ok && before > s.index {
			return &breach{lawOrder, fmt.Sprintf("sends %s after r%d", s.name(), before)}
		}
		last[group] = s.index
	}
	return nil
}

// changed finds a Result that was not Ready when the stage received it and that the stage changed.
func (c *checker[A, B]) changed(t *trial) *breach {
	for _, i := range indexes(t.received) {
		in, out := ofRecord(i, t.received), ofRecord(i, t.sent)
		free := 0 // how many Results may become anything
		var missing []snapshot
		for _, r := range in {
			var found bool
			if c.mayChange(r) {
				free++
			} else if out, found = removeFirst(out, r.untouched); !found {
				missing = append(missing, r)
			}
		}
		switch {
		case len(missing) == 0 && (free > 0 || len(out) == 0):
		case len(missing) == 0:
			return &breach{lawOnce, fmt.Sprintf("sends r%d once more, as %s", i, out[0])}
		case len(out) > 0 && (free == 0 || !t.stopped()):
			return change(missing[0], out[0])
		}
	}
	return nil
}

func (c *checker[A, B]) mayChange(r snapshot) bool {
	return r.state == isReady || r.state == isFailed && c.recovers
}

func change(from, to snapshot) *breach {
	law := lawUntried
	if from.state == isFailed {
		law = lawFailures
	}
	return &breach{law, fmt.Sprintf("changes %s from %s to %s", from.name(), from, to)}
}

// dropped finds a record or a part that the stage received and did not send.
func (c *checker[A, B]) dropped(t *trial) *breach {
	if t.stopped() {
		return nil
	}
	for _, i := range indexes(t.received) {
		in, out := ofRecord(i, t.received), ofRecord(i, t.sent)
		if len(out) == 0 {
			return &breach{lawLeaves, fmt.Sprintf("drops r%d", i)}
		}
		if t.only == 0 && matches(t.reported[i], batch.ErrUnreached) || c.lacksUnchanged(in, out) {
			return &breach{lawLeaves, fmt.Sprintf("drops a part of r%d", i)}
		}
	}
	return nil
}

// lacksUnchanged reports whether a part is missing that must leave unchanged.
func (c *checker[A, B]) lacksUnchanged(in, out []snapshot) bool {
	for _, r := range in {
		if c.mayChange(r) {
			continue
		}
		var found bool
		if out, found = removeFirst(out, r.untouched); !found {
			return true
		}
	}
	return false
}

// forbiddenCall finds a record for which a function was called that must not be. A Result that leaves
// unchanged proves that none was called.
func (c *checker[A, B]) forbiddenCall(t *trial) *breach {
	for _, i := range indexes(t.received) {
		in, out := ofRecord(i, t.received), ofRecord(i, t.sent)
		law, why := c.forbids(t, in)
		if law == "" {
			continue
		}
		for _, s := range out {
			if s.state == isUnprocessed || slices.ContainsFunc(in, s.untouched) {
				continue
			}
			if s.state == isDone {
				return &breach{law, fmt.Sprintf("acknowledges r%d although %s", i, why)}
			}
			return &breach{law, fmt.Sprintf("turns r%d into %s although %s", i, s, why)}
		}
	}
	return nil
}

// forbids returns the law that forbids to call a function for any part of a record, and why it
// applies.
func (c *checker[A, B]) forbids(t *trial, in []snapshot) (law, why string) {
	ready := lo.Filter(in, func(r snapshot, _ int) bool { return r.state == isReady })
	if len(ready) == 0 || len(ready) < len(in) && c.recovers {
		return "", ""
	}
	if lo.EveryBy(ready, func(r snapshot) bool { return r.ended }) {
		return lawEnd, "its context had already ended"
	}
	if holder, ok := c.holder(t, ready[0]); ok {
		return lawHeld, fmt.Sprintf("r%d holds it back", holder)
	}
	return "", ""
}

// holder returns the failed record that certainly holds another one back. Without a group that is
// not certain, because records without one do not wait for each other in lanes. Nor is it if the
// stage may settle the failure.
func (c *checker[A, B]) holder(t *trial, held snapshot) (index int, ok bool) {
	group := held.group()
	if t.policy == batch.Continue || c.recovers || group == "" {
		return 0, false
	}
	holder, ok := lo.Find(t.received, func(r snapshot) bool {
		return r.state == isFailed && r.index < held.index && r.group() == group
	})
	return holder.index, ok
}
