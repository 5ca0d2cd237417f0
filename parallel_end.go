package batch

// How a Parallel ends.

import (
	"runtime"
	"time"
)

// untaken returns what to emit for a task that no lane has taken. It returns false if the lanes
// have returned early, since they dropped the Result.
func (p *parallel[A, B]) untaken(t *task[A]) (emitted[B], bool) {
	if !p.gaveUp && !p.lanesCrashed() {
		return emitted[B]{}, false
	}
	return headerOnly[B](t.visit.untaken(p.lanePanic.Load())), true
}

// endLikeInput panics, or ends the goroutine, if the stages before did.
func (p *parallel[A, B]) endLikeInput() {
	if p.inputExited.Load() {
		runtime.Goexit()
	} else if crash := p.inputPanic.Load(); crash != nil {
		panic(crash)
	}
}

// desert tells the lanes around these that all of these have ended before their input, by a panic or runtime.Goexit. If a lane around
// them counted as one that has returned, it would drop Results that no other may take, and later records of their groups would
// overtake them.
func (p *parallel[A, B]) desert() {
	if p.inputCut.Load() && p.lanesCrashed() {
		p.border.desert()
	}
}

// lanesCrashed reports whether a lane of Parallel has panicked or ended its goroutine.
func (p *parallel[A, B]) lanesCrashed() bool { return p.lanePanic.Load() != nil || p.laneExited.Load() }

// stop ends the lanes and the reader and waits for them, but not longer than the patience of the
// governing crossing.
func (p *parallel[A, B]) stop() {
	p.border.cancel() // first, so that no function starts in a lane that ends
	p.pool.Break()
	var due <-chan time.Time
	if x := p.border.governing.Load(); x != nil && x.outer.run.hasDeadline && !p.pool.Over() {
		due = time.After(x.patience)
	}
	for !p.pool.Over() {
		p.pool.Rest() // the reader may wait for its lane
		select {
		case <-p.pool.Changed:
		case <-due:
			p.pool.GiveUp(true)
		}
		p.pool.Rise()
	}
}
