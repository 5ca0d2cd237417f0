package batch

// What a Result is inside a lane: an identity of its own, which it gives back when it leaves.

import (
	"github.com/lambdabatch/batch/internal/ledger"
	"github.com/lambdabatch/batch/internal/order"
)

// A visit is one Result inside a lane.
type visit struct {
	entry                // what it is inside
	outside  header      // what it was when it came
	crossing *crossing   // nil: it is of no record
	item     any         // its item in the pool
	parts    ledger.Stay // which are inside
	stay     uint32      // its number among those in the lane
}

// begin takes note of a Result that is to go into a lane. Its failure, if it has one,
// counts on for the stages before, and is undecided in the lanes.
func (v *visit) begin(x *crossing, h header, item any) {
	v.crossing, v.outside, v.item = x, h, item
	v.entry.index, v.entry.visit = h.entry.index, v
	v.parts.Enter(h.partNumber())
	h.entry.hold()
	if h.state().Failure() {
		x.outer.order.Enter(h.failureKey(), x.lanes)
	}
}

// enter takes note of the lane that takes the Result.
func (v *visit) enter(in *inlet) {
	if v.crossing != nil {
		v.entry.level = in.level(v.crossing)
		in.stays++
		v.stay = in.stays
		v.entry.level.firstFeeder.begin(&v.entry)
	}
}

// within is what the Result is inside.
func (v *visit) innerHeader() header {
	h := v.outside
	if v.crossing != nil {
		h.entry = &v.entry
		h.setFailureVersion(0)
		h.setFeeder(0)
	}
	return h
}

// leave takes the Result out of its lane. What it is counts outside from now on.
func (h *header) leave() {
	v := h.entry.visit
	inner, was := h.entry.level, h.failureKey()
	h.entry = v.outside.entry
	h.setFeeder(v.crossing.lanes)
	h.setFailureVersion(0)
	h.see()
	inner.order.Pass(was) // after it, since somebody may be looking at both
}

// back takes a Result out of these lanes that a stage in them has given back to one before
// them. What it was held by outside is to be released when it is in a lane again.
func (b *border) takeBack(h *header) (held []*entry) {
	for b.surrounds(h.entry) {
		v, number := h.entry.visit, h.partNumber()
		v.outside.entry.hold()
		held = append(held, v.outside.entry)
		h.leave()
		h.setFeeder(v.outside.feeder())
		v.parts.Leave(number)
		v.crossing.border.finishItem(v.item)
	}
	return held
}

// around reports whether these lanes are around an entry.
func (b *border) surrounds(e *entry) bool {
	for v := e.visit; v != nil; v = v.outside.entry.visit {
		if v.crossing.border == b {
			return true
		}
	}
	return false
}

// end takes note that nothing of the Result is inside any more. Failures that were thrown
// away there count outside from now on. The failure that it came with does not: what has
// left is Failed itself, or has settled it.
func (v *visit) end() {
	if v.crossing == nil {
		return
	}
	outer := v.crossing.outer
	if inner := v.entry.level; inner != nil {
		inner.handOverFailures(outer, inner.order.Leave(v.stay))
	}
	if v.outside.failureVersion() != 0 {
		outer.order.Settle(v.outside.failureKey())
	}
	v.outside.entry.release()
}

// handOver opens failures of a lane that were thrown away there on the level outside.
func (l *level) handOverFailures(outer *level, thrown []order.Cause[ledger.Verdict]) {
	for _, f := range thrown {
		h := header{&outer.run.entries[f.Index], f.Cause.Err, marked(f.Cause.State, f.Number)}
		holds := h.entry.holdsOthersBack()
		outer.order.Fail(h.failureKey(), holds, f.Cause)
		if holds {
			outer.run.setFlag(troubled)
		}
		l.order.Settle(f.Failure)
	}
}

// lost is the Result when its lane has not finished it: failed by the crash of the lane,
// or unreached, for nobody knows what became of it.
func (v *visit) lost(crash *PanicError) header {
	h := v.outerHeader()
	switch {
	case h.entry == nil:
	case crash != nil && !h.state().Unprocessed():
		h.fail(crash, goesOn)
	case h.state().Failure():
		h.see()
	default:
		v.unreach(&h, unreached)
	}
	return h
}

// untaken is the Result when no lane has taken it.
func (v *visit) untaken(crash *PanicError) header {
	h := v.outerHeader()
	if crash == nil && h.entry != nil && !h.state().Failure() && !h.admit(pure) {
		return h
	}
	return v.lost(crash)
}

// abandoned is the Result when nobody waits for its lane any more.
func (v *visit) abandoned() header {
	if v.crossing != nil && v.entry.level.firstFeeder.isRunning(v.entry.index) {
		if h := v.outerHeader(); !h.state().Failure() {
			v.unreach(&h, running)
			return h
		}
	}
	return v.lost(nil)
}

// out is the Result outside, as it was.
func (v *visit) outerHeader() header {
	h := v.outside
	if v.crossing != nil {
		h.setFeeder(v.crossing.lanes)
	}
	return h
}

func (v *visit) unreach(h *header, s state) {
	h.refuse(s, newUnreachedError(s), goesOn)
}
