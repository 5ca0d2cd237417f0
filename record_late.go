package batch

// Failures that begin in a lane that has ended, because a stage has carried a Result out of it.

import (
	"math"
	"slices"

	"github.com/lambdabatch/batch/internal/ledger"
	"github.com/lambdabatch/batch/internal/order"
)

// close notes that the lane of the level has ended. The failures that are open there are handed over to the level outside, but
// those that begin later are not. They stay where they are, since the stages that may settle them look for them there.
func (l *level) close() {
	l.closed.Store(true)
	if l.late.Load() != nil {
		l.noteLate()
	}
}

// noteLate is called when a failure has begun on the level, or on one inside. If the lane has ended, the level outside must ask
// this one, too.
func (l *level) noteLate() {
	for ; l.closed.Load(); l = l.outer { // the level outside of all lanes is never closed
		l.outer.addLate(l)
	}
}

func (l *level) addLate(inner *level) {
	l.mu.Lock()
	defer l.mu.Unlock()
	late := l.lateLevels()
	if !slices.Contains(late, inner) {
		late = append(slices.Clip(late), inner)
		l.late.Store(&late)
	}
}

func (l *level) lateLevels() []*level {
	if late := l.late.Load(); late != nil {
		return *late
	}
	return nil
}

// unsettled returns the failures on the level, and those that began too late to be handed over to it.
func (l *level) unsettled() []order.Cause[ledger.Verdict] {
	all := l.order.Unsettled()
	for _, inner := range l.lateLevels() {
		all = append(all, inner.unsettled()...)
	}
	return all
}

// blocker returns the record that holds another one back at a place on the level. What has failed in a lane that has ended, in an
// attempt that may be repeated, was carried out of it. So it holds back what has left these lanes, too.
func (l *level) blocker(index int, at order.Place) (by int, ok bool) {
	by, ok = l.order.Blocker(index, at)
	for _, inner := range l.lateLevels() {
		if ok {
			break
		}
		by, ok = inner.blocker(index, order.Place{After: math.MaxUint8, Before: at.Before || at.After < inner.left})
	}
	return by, ok
}
