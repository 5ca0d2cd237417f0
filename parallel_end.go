package batch

// How a Parallel ends.

import (
	"runtime"
	"time"
)

// untaken returns what to emit for a task that no lane has taken. It returns false if the lanes
// have returned early, since they dropped the Result.
func (p *parallel[A, B]) untaken(t *task[A]) (emitted[B], bool) {
	crash := p.lanePanic.Load()
	if !p.gaveUp && crash == nil && !p.laneExited.Load() {
		return emitted[B]{}, false
	}
	return headerOnly[B](t.visit.untaken(crash)), true
}

// endLikeInput panics, or ends the goroutine, if the stages before did.
func (p *parallel[A, B]) endLikeInput() {
	if p.inputExited.Load() {
		runtime.Goexit()
	} else if crash := p.inputPanic.Load(); crash != nil {
		panic(crash)
	}
}

// endLikeLanes panics, or ends the goroutine, if lanes did. It is for lanes that have all ended, within another lane: if that
// one ended as usual, it would drop Results that no other may take, and later records of their groups would overtake them.
func (p *parallel[A, B]) endLikeLanes() {
	if crash := p.lanePanic.Load(); crash != nil {
		panic(crash)
	} else if p.laneExited.Load() {
		runtime.Goexit()
	}
}

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
