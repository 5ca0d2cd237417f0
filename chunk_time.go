package batch

// When a chunk is written though it is not full.

import (
	"cmp"
	"time"
)

// The hastes of a chunk say when time is short for it: mostly one, but several if a user's stage mixes Results of several runs.
type hastes []haste

// A haste says when time is short for a run: when as much is left as [run.shortTime] says, and then each time that half of
// what was left has passed. So if Results follow each other fast, there are only a few small chunks, and not one for each Result.
type haste struct {
	run   *run
	next  time.Duration // how much time is left when it is short next
	waits time.Duration // how much time is left when the chunk waits no longer for Results that follow at once; 0: it does not wait
}

// isDue reports whether a chunk that has just got a Result must be written, since the next one may come too late. If that follows at
// once, the chunk may wait for it, unless half of the time that is left has passed meanwhile.
func (all *hastes) isDue(r *run, followed bool) bool {
	if !r.hasDeadline || r.level.ctx.Err() != nil { // a stage may have kept a Result of a run that has ended
		return false
	}
	t := all.of(r)
	if left := t.left(); left > t.next || followed && t.mayWait(left) {
		return false
	}
	for i := range *all {
		(*all)[i].noteWritten()
	}
	return true
}

func (all *hastes) of(r *run) *haste {
	for i := range *all {
		if t := &(*all)[i]; t.run == r {
			return t
		}
	}
	*all = append(*all, haste{run: r, next: r.shortTime()})
	return &(*all)[len(*all)-1]
}

func (t *haste) left() time.Duration { return time.Until(t.run.end()) }

func (t *haste) mayWait(left time.Duration) bool {
	t.waits = cmp.Or(t.waits, left/2)
	return left > t.waits
}

// noteWritten says that the chunk is written now.
func (t *haste) noteWritten() {
	if left := t.left(); left <= t.next {
		t.next, t.waits = left/2, 0
	}
}
