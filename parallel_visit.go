package batch

// Visits: inside a lane, a Result has another entry, with the context and the failures of the lane.

import (
	"github.com/lambdabatch/batch/internal/lanes"
	"github.com/lambdabatch/batch/internal/ledger"
	"github.com/lambdabatch/batch/internal/order"
)

// A visit is the stay of one Result in a lane.
type visit struct {
	entry                // the Result's entry inside
	outside  header      // the Result's header before it entered
	crossing *crossing   // nil for the zero Result
	item     any         // the item in the pool
	parts    ledger.Stay // the parts of the Result that are still inside
	stay     uint32      // the number of the visit in its lane
}

// begin prepares the visit of a Result that is about to wait for a lane. If the Result is Failed,
// the failure still counts for the stages before, but is undecided for the stages in the lanes.
func (v *visit) begin(x *crossing, h header, item any) {
	v.crossing, v.outside, v.item = x, h, item
	v.entry.index, v.entry.visit = h.entry.index, v
	v.parts.Enter(h.partNumber())
	h.entry.hold()
	if h.state().Failure() {
		x.outer.order.Enter(h.failureKey(), x.number)
	}
}

// enter says which lane has taken the Result.
func (v *visit) enter(in *inlet) {
	if v.crossing != nil {
		v.entry.level = in.level(v.crossing)
		in.entered++
		v.stay = in.entered
		v.entry.level.calm()
		v.entry.level.firstFeeder.setCurrent(&v.entry)
	}
}

// innerHeader returns the header that the Result has inside.
func (v *visit) innerHeader() header {
	h := v.outside
	if v.crossing != nil {
		h.entry = &v.entry
		h.setFailureVersion(0)
		h.setFeederNumber(0)
	}
	return h
}

// leave takes the Result out of its lane. From then on its failure counts, or is settled, outside.
func (h *header) leave() {
	v := h.entry.visit
	inner, was := h.entry.level, h.failureKey()
	h.entry = v.outside.entry
	h.setFeederNumber(v.crossing.feederNumber)
	h.setFailureVersion(0)
	h.see()
	inner.order.Pass(was) // afterwards, so that stages that check both orders always see the failure
}

// takeBack takes a Result out of these lanes if a user's stage inside has sent it to the reader
// again. The caller must release the returned entries when the Result is in a lane again.
func (b *border) takeBack(h *header) (held []*entry) {
	for b.surrounds(h.entry) {
		v, number := h.entry.visit, h.partNumber()
		v.outside.entry.hold()
		held = append(held, v.outside.entry)
		h.leave()
		h.setFeederNumber(v.outside.feederNumber())
		v.parts.Leave(number)
		v.crossing.border.finishItem(v.item)
	}
	return held
}

// surrounds reports whether the entry is inside these lanes.
func (b *border) surrounds(e *entry) bool {
	for v := e.visit; v != nil; v = v.outside.entry.visit {
		if v.crossing.border == b {
			return true
		}
	}
	return false
}

// end says that no part of the Result is inside any more. Failures whose Results were discarded
// inside now count outside. The failure with which the Result entered does not: the Results that
// have left are Failed themselves, or have settled it. It remains only if the Result was discarded
// before a stage of the library had seen it inside.
func (v *visit) end() {
	if v.crossing == nil {
		return
	}
	outer, inner := v.crossing.outer, v.entry.level
	failed := v.outside.failureVersion() != 0
	seen := failed && (v.parts.Over() || inner != nil && inner.order.Failed(v.stay))
	if failed && !seen {
		outer.order.Enter(v.outside.failureKey(), 0)
	}
	if inner != nil {
		for _, f := range inner.order.Leave(v.stay) {
			inner.handOverFailure(outer, v.outside.entry.stay(), f)
		}
		for _, late := range inner.lateLevels() {
			outer.addLate(late) // the failure may belong to this visit
			outer.noteLate()
		}
	}
	if seen {
		outer.order.Settle(v.outside.failureKey()) // afterwards, so that stages outside always see a failure
	}
	v.outside.entry.release() // last: it may end the visit to the lanes around these
}

// shut closes the inlet of a lane that has ended or is given up.
func (p *parallel[A, B]) shut(owner any, unfinished []*lanes.Item[task[A], emitted[B]]) {
	outerStays := make(map[uint32]uint32, len(unfinished))
	for _, it := range unfinished {
		if v := &it.Value.visit; v.crossing != nil {
			outerStays[v.stay] = v.outside.entry.stay()
		}
	}
	owner.(*inlet).close(outerStays)
	for _, e := range owner.(*inlet).all() {
		e.level.noteRunning()
	}
}

// noteRunning notes for which records functions run, since the lane has ended or is given up.
func (l *level) noteRunning() {
	for _, index := range l.firstFeeder.appendRunning(nil) {
		if l.running == nil {
			l.running = make(map[int32]bool)
		}
		l.running[index] = true
	}
}

// handOverFailure opens a failure, whose Result was discarded in the lane l, on the outer level. If that is inside other
// lanes, stay is the number of the visit there that the failure belongs to.
func (l *level) handOverFailure(outer *level, stay uint32, f order.Cause[ledger.Verdict]) {
	holds := outer.run.entries[f.Index].holdsOthersBack()
	outer.order.Fail(order.Failure{Index: f.Index, Number: f.Number, Stay: stay}, holds, f.Cause) // the run is troubled since the failure in the lane
	l.order.Settle(f.Failure)
	outer.noteLate()
}

// lost returns the header of a Result that its lane has not finished: Failed by the panic of the
// lane, or unreached.
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

// untaken returns the header of a Result that no lane has taken.
func (v *visit) untaken(crash *PanicError) header {
	if h := v.outerHeader(); crash == nil && !h.admit(pure) {
		return h
	}
	return v.lost(crash)
}

// abandoned returns the header of a Result in a lane that the consumer no longer waits for:
// running if its function has not returned. The zero Result has no parts that could be inside.
func (v *visit) abandoned() header {
	if v.entry.level.running[v.entry.index] {
		if h := v.outerHeader(); !h.state().Failure() {
			v.unreach(&h, running)
			return h
		}
	}
	return v.lost(nil)
}

// outerHeader returns the header with which the Result entered, as if it had left the lanes.
func (v *visit) outerHeader() header {
	h := v.outside
	if v.crossing != nil {
		h.setFeederNumber(v.crossing.feederNumber)
	}
	return h
}

func (v *visit) unreach(h *header, s state) {
	h.refuse(s, newUnreachedError(s, h.entry.level.run.ended()), goesOn)
}
