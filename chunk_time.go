package batch

// When a chunk is written though it is not full.

import (
	"cmp"
	"time"
)

// A haste says when time is short for a chunk: when as much is left as [run.shortTime] says, and then each time that half of
// what was left has passed. So if Results follow each other fast, there are only a few small chunks, and not one for each Result.
type haste struct {
	run   *run          // the one that ends first, of those that have not ended
	short time.Duration // how much time is left when it is short next; 0: not known yet
	waits time.Duration // how much time is left when the chunk waits no longer for Results that follow at once; 0: it does not wait
}

// isDue reports whether a chunk that has just got a Result must be written, since the next one may come too late. If that follows at
// once, the chunk may wait for it, unless half of the time that is left has passed meanwhile.
func (t *haste) isDue(r *run, followed bool) bool {
	if !r.hasDeadline || r.level.ctx.Err() != nil { // a stage may have kept a Result of a run that has ended
		return false
	}
	if r != t.run && (t.run == nil || t.run.ended() != nil || r.end().Before(t.run.end())) {
		*t = haste{run: r}
	}
	left := time.Until(t.run.end())
	if left > cmp.Or(t.short, t.run.shortTime()) {
		return false
	}
	if followed {
		t.waits = cmp.Or(t.waits, left/2)
		if left > t.waits {
			return false
		}
	}
	t.short, t.waits = left/2, 0
	return true
}
