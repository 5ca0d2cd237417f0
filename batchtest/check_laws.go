package batchtest

import (
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/lambdabatch/batch"
)

// A breach is a law, as something that should be true, and what the stage does instead.
type breach struct{ law, deed string }

const (
	lawLeaves     = "each record that enters a stage leaves it (law 1)"
	lawIdentity   = "a Result keeps the record that it came with (law 1)"
	lawOrder      = "the Results of one group leave in batch order, all of them under StopBatch"
	lawOnce       = "each part of a record is sent once (law 1)"
	lawFailures   = "a stage passes on what is not Ready, unless it is checked with Recovers (law 3)"
	lawUntried    = "nothing settles or changes a Done or unprocessed Result (law 3)"
	lawHeld       = "no function is called for a record that an earlier failure of its group holds back: call it by batch.Then, for one record of a group after the other"
	lawEnd        = "no function is called for a record whose context has ended: call it by batch.Then (law 4)"
	lawLanes      = "the lanes of Parallel are invisible (law 6)"
	lawAlone      = "a record gets what it would get on its own, unless the stage is checked with WholeBatch (law 6)"
	lawRanges     = "a stream keeps nothing from one range to the next, and its functions are deterministic"
	lawAtOnce     = "two ranges at once know nothing of each other"
	lawLazy       = "a stage does nothing until somebody ranges over its stream"
	lawSource     = "each range over its stream is one range over what comes before"
	lawStop       = "a stage sends nothing once its consumer has stopped"
	lawPanic      = "only functions may panic that are called by batch.Then or a library stage"
	lawReturns    = "a stage returns in the end"
	lawGoroutines = "nothing of a stage outlives the range"
)

// broken returns the first law that a passage breaks, nil if it breaks none.
func (c *checking[A, B]) broken(p *passage) *breach {
	if b := p.ended(); b != nil {
		return b
	}
	if p.lanes == 0 && (p.ranges > 1 || p.ranges == 0) {
		return &breach{lawSource, times(p.ranges)}
	}
	for _, rule := range []func(*passage) *breach{strangers, repeats, order, c.changes, c.losses, c.starts} {
		if b := rule(p); b != nil {
			return b
		}
	}
	return p.wrong
}

func times(n int) string {
	const source = "ranges over what comes before it"
	switch n {
	case 0:
		return "never " + source
	case 2:
		return source + " twice"
	}
	return fmt.Sprintf("%s %d times", source, n)
}

// ended is about how the passage ended.
func (p *passage) ended() *breach {
	last := ""
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.entered) > 0 {
		last = " after " + p.entered[len(p.entered)-1].name() + " entered"
	}
	switch e := p.ending; {
	case p.wrong != nil && p.wrong.law == lawStop: // which range-over-func makes a panic
		return p.wrong
	case e.stuck:
		return &breach{lawReturns, "never returns" + last}
	case e.exited && e.crash == nil:
		return &breach{lawPanic, "ends its goroutine" + last}
	case e.crash != nil:
		at := ""
		if _, ok := e.crash.(*batch.PanicError); e.at != "" && !ok { // which says where itself
			at = " at " + e.at
		}
		return &breach{lawPanic, fmt.Sprintf("panics%s%s: %s", at, last, panicText(e.crash))}
	}
	return nil
}

func panicText(v any) string {
	if err, ok := v.(error); ok {
		if p, ok := errors.AsType[*batch.PanicError](err); ok {
			return panicText(p.Value)
		}
	}
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprint(v)
}

// strangers is about Results of records that did not enter.
func strangers(p *passage) *breach {
	for _, c := range p.left {
		if !slices.ContainsFunc(p.entered, func(e crossing) bool { return e.index == c.index && e.ctx == c.ctx }) {
			return &breach{lawIdentity, fmt.Sprintf("sends %s for a record that did not enter", c)}
		}
	}
	return nil
}

// repeats is about parts that are sent twice.
func repeats(p *passage) *breach {
	for i, c := range p.left {
		if slices.ContainsFunc(p.left[:i], c.twin) {
			return &breach{lawOnce, "sends " + c.name() + " twice"}
		}
	}
	return nil
}

// order is about what must not overtake: the Results of a group, or of the batch.
func order(p *passage) *breach {
	last := make(map[string]int)
	for _, c := range p.left {
		group := groupOf(c)
		switch {
		case p.policy == batch.Continue || p.policy == batch.StopGroup && group == "":
			continue
		case p.policy == batch.StopBatch:
			group = ""
		}
		if before, ok := last[group]; ok && before > c.index {
			return &breach{lawOrder, fmt.Sprintf("sends %s after r%d", c.name(), before)}
		}
		last[group] = c.index
	}
	return nil
}

// changes is about what is not Ready.
func (c *checking[A, B]) changes(p *passage) *breach {
	for _, i := range indexes(p.entered) {
		in, out := of(i, p.entered), of(i, p.left)
		free := 0 // how many may become anything
		var missing []crossing
		for _, e := range in {
			var found bool
			if e.state == isReady || e.state == isFailed && c.recovers {
				free++
			} else if out, found = take(out, e.untouched); !found {
				missing = append(missing, e)
			}
		}
		switch {
		case len(missing) == 0 && (free > 0 || len(out) == 0):
		case len(missing) == 0:
			return &breach{lawOnce, fmt.Sprintf("sends r%d once more, as %s", i, out[0])}
		case len(out) > 0 && (free == 0 || !p.stopped()):
			return changed(missing[0], out[0])
		}
	}
	return nil
}

func changed(in, out crossing) *breach {
	law := lawUntried
	if in.state == isFailed {
		law = lawFailures
	}
	return &breach{law, fmt.Sprintf("makes %s of %s, which came as %s", out, in.name(), in)}
}

// losses is about what does not leave.
func (c *checking[A, B]) losses(p *passage) *breach {
	if p.stopped() {
		return nil
	}
	for _, i := range indexes(p.entered) {
		in, out := of(i, p.entered), of(i, p.left)
		if len(out) == 0 {
			return &breach{lawLeaves, fmt.Sprintf("drops r%d", i)}
		}
		if p.only == 0 && errors.Is(p.reported[i], batch.ErrUnreached) || c.fewer(in, out) {
			return &breach{lawLeaves, fmt.Sprintf("drops a part of r%d", i)}
		}
	}
	return nil
}

// fewer reports whether a part is missing that had to leave as it came.
func (c *checking[A, B]) fewer(in, out []crossing) bool {
	for _, e := range in {
		if e.state != isReady && !(e.state == isFailed && c.recovers) {
			var found bool
			if out, found = take(out, e.untouched); !found {
				return true
			}
		}
	}
	return false
}

// starts is about functions that were called though they must not be. A Result that leaves as it came proves that none was.
func (c *checking[A, B]) starts(p *passage) *breach {
	for _, i := range indexes(p.entered) {
		in, out := of(i, p.entered), of(i, p.left)
		law, why := c.hindrance(p, in)
		if law == "" {
			continue
		}
		for _, l := range out {
			if l.state == isUnprocessed || slices.ContainsFunc(in, l.untouched) {
				continue
			}
			if l.state == isDone {
				return &breach{law, fmt.Sprintf("acknowledges r%d, %s", i, why)}
			}
			return &breach{law, fmt.Sprintf("makes %s of r%d, %s", l, i, why)}
		}
	}
	return nil
}

// hindrance says why no function may be called for any part of a record.
func (c *checking[A, B]) hindrance(p *passage, in []crossing) (law, why string) {
	ready := slices.DeleteFunc(slices.Clone(in), func(e crossing) bool { return e.state != isReady })
	if len(ready) == 0 || len(ready) < len(in) && c.recovers {
		return "", ""
	}
	if !slices.ContainsFunc(ready, func(e crossing) bool { return !e.ended }) {
		return lawEnd, "whose context had ended when it came"
	}
	if by, ok := c.holder(p, ready[0]); ok {
		return lawHeld, fmt.Sprintf("which r%d holds back", by)
	}
	return "", ""
}

// holder returns the failed record that holds another one back, if it is known to. Without the group that is not known:
// in lanes groups do not wait for each other. Nor is it where the stage may settle the failure.
func (c *checking[A, B]) holder(p *passage, held crossing) (by int, ok bool) {
	if p.policy == batch.Continue || c.recovers {
		return 0, false
	}
	group := groupOf(held)
	for _, e := range p.entered {
		if e.state == isFailed && e.index < held.index && group != "" && groupOf(e) == group {
			return e.index, true
		}
	}
	return 0, false
}

func groupOf(c crossing) string {
	r, _ := batch.RecordFrom(c.ctx)
	return r.Group
}

// indexes returns the records that have entered, in the order of the batch.
func indexes(all []crossing) (found []int) {
	for _, c := range all {
		found = append(found, c.index)
	}
	slices.Sort(found)
	return slices.Compact(found)
}
