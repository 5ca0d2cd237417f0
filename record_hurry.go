package batch

// What a feeder does when time runs short.

import (
	"cmp"
	"time"
)

// hurry makes the bulk stages that follow write what they keep, if time runs short. The source and lanes call it before they take
// up a Result: the functions for that one may return too late. It reports whether the consumer wants more.
func (f *feeder) hurry() (more bool) { return !f.bulky.Load() || f.hurryBulk() } // short, so that it is inlined

func (f *feeder) hurryBulk() (more bool) {
	if !f.run.hasDeadline || !f.isShort() {
		return true
	}
	f.idle() // the stages have come back from the Result before
	return f.flushNow()
}

// isShort reports whether time runs short: when a reserve is left, or half of the time if that is less; and then each time that
// half of what was left has passed. So if Results follow each other fast, there are only a few small chunks, and not one for
// each Result.
func (f *feeder) isShort() bool {
	end, _ := f.run.level.ctx.Deadline()
	left := time.Until(end)
	if left > cmp.Or(time.Duration(f.shortAt.Load()), min(f.run.reserve, end.Sub(f.run.started)/2)) {
		return false
	}
	f.shortAt.Store(int64(left / 2))
	return true
}
