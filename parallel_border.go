package batch

// The border of lanes: what ends contexts inside, who asks for what is held, and when the consumer gives up.

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A border is where Results cross into the lanes of one Parallel and out of them.
type border struct {
	routes     bool                     // each lane has its own Results
	finishItem func(item any)           // finishes the item of a visit that is over
	governing  atomic.Pointer[crossing] // whose end is the end; nil before the first record

	readerCrossing *crossing // of the reader

	mu         sync.Mutex
	crossings  []*crossing // mostly one
	hasteTimer *time.Timer
}

// A crossing is the way from one level into lanes and back.
type crossing struct {
	border   *border
	outer    *level
	lanes    uint8   // the number of the lanes on the level outside
	place    *feeder // the consumer, which gives out what has left the lanes
	depth    int     // how many lanes are around
	shared   bool    // and other lanes may take what these have not taken
	ctx      context.Context
	cancel   context.CancelFunc
	patience time.Duration // for functions, after the end
}

// crossing returns the crossing from the level of an entry, and whether it is a new one. It
// is for the reader to call.
func (b *border) crossing(e *entry) (x *crossing, fresh bool) {
	if b.readerCrossing == nil || b.readerCrossing.outer != e.level {
		b.readerCrossing, fresh = b.find(e)
	}
	return b.readerCrossing, fresh
}

func (b *border) find(e *entry) (x *crossing, fresh bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, x := range b.crossings {
		if x.outer == e.level {
			return x, false
		}
	}
	x = &crossing{border: b, outer: e.level, patience: e.level.run.reserve / 4}
	x.place, x.lanes = e.level.addFeeder()
	x.ctx, x.cancel = context.WithCancel(e.level.ctx)
	for v := e.visit; v != nil; v = v.outside.entry.visit {
		x.depth++
		x.shared = x.shared || !v.crossing.border.routes
		x.patience -= x.patience / 8 // what is handed on is to reach the Parallel around this one in time
	}
	b.crossings = append(b.crossings, x)
	return x, true
}

// watch makes the end of the crossing the one that matters, unless another one's does, which
// ends later. hasten is called one reserve before it.
func (b *border) governBy(x *crossing, hasten func()) bool {
	if w := b.governing.Load(); w != nil && w.outer.run.hasDeadline && !x.outlasts(w) {
		return false
	}
	b.governing.Store(x)
	if x.outer.run.hasDeadline {
		end, _ := x.ctx.Deadline()
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.hasteTimer != nil {
			b.hasteTimer.Stop()
		}
		b.hasteTimer = time.AfterFunc(time.Until(end)-x.outer.run.reserve, hasten)
	}
	return true
}

// outlasts reports whether what is on its way here has longer than there: a stage may have
// kept a Result of a batch that is answered.
func (x *crossing) outlasts(other *crossing) bool {
	if !x.outer.run.hasDeadline || x.ctx.Err() != nil {
		return false
	}
	end, _ := x.ctx.Deadline()
	before, _ := other.ctx.Deadline()
	return other.ctx.Err() != nil || end.After(before)
}

// flush has what is held after the lanes written.
func (b *border) flush() (more bool) {
	b.mu.Lock()
	all := b.crossings
	b.mu.Unlock()
	for _, x := range all {
		if !x.place.flush() {
			return false
		}
	}
	return true
}

// cancel ends the contexts in lanes. The consumer has gone.
func (b *border) cancel() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hasteTimer != nil {
		b.hasteTimer.Stop()
	}
	for _, x := range b.crossings {
		x.cancel()
		x.place.idle()
	}
}

// An inlet is where one lane lets Results in. It makes a level for each one outside.
type inlet struct {
	entrances atomic.Pointer[[]entrance] // mostly one; lanes within the lane look at them, too
	stays     uint32                     // how many have been let in
	crash     *PanicError                // of the lane, when it has ended
}

type entrance struct {
	crossing *crossing
	level    *level
}

func (in *inlet) all() []entrance {
	if all := in.entrances.Load(); all != nil {
		return *all
	}
	return nil
}

func (in *inlet) level(x *crossing) *level {
	for _, e := range in.all() {
		if e.crossing == x {
			return e.level
		}
	}
	return in.add(x)
}

func (in *inlet) add(x *crossing) *level {
	l := new(level)
	l.open(x.ctx, x.outer.run)
	all := append(slices.Clip(in.all()), entrance{x, l})
	in.entrances.Store(&all)
	return l
}

// rest takes note that no function runs in the lane.
func (in *inlet) idle() {
	for _, e := range in.all() {
		e.level.firstFeeder.idle()
	}
}

// pause does so until it is resumed.
func (in *inlet) pause() (paused pause) {
	for _, e := range in.all() {
		if p := e.level.firstFeeder.pause(); uint32(p.before) != 0 {
			paused = p // the others rest anyway
		}
	}
	return paused
}

// flush has what is held in the lane written.
func (in *inlet) flush() {
	for _, e := range in.all() {
		e.level.firstFeeder.flush()
	}
}

// close hands over the failures that were thrown away in the lane, of which nobody is told any more.
func (in *inlet) close() {
	for _, e := range in.all() {
		e.level.handOverFailures(e.crossing.outer, e.level.order.Unsettled())
	}
}

// A clock tells the consumer of lanes when the contexts have ended, and when to give lanes
// up: after its patience, or half of it later if something may still come from lanes
// before these; and soon after that, what has still not ended.
type clock struct {
	crossing *crossing
	ended    <-chan struct{}
	due      <-chan time.Time
	ticks    int
	gaveUp   bool
}

func (c *clock) watch(x *crossing) {
	if c.crossing != x {
		*c = clock{crossing: x, ended: x.ctx.Done()} // not that outside, which may end a moment earlier
	}
}

// end begins the time of patience.
func (c *clock) end() {
	c.ended = nil
	if c.crossing.outer.run.hasDeadline {
		c.due = time.After(c.crossing.patience)
	}
}

// tick reports whether lanes are given up now, and whether all of them are. settled says
// that nothing more comes from before.
func (c *clock) tick(settled bool) (all, ok bool) {
	c.ticks++
	all = c.gaveUp
	c.gaveUp = c.gaveUp || settled || c.ticks > 1
	next := c.crossing.patience / 2
	if c.ticks > 1 {
		next /= 2
	}
	c.due = time.After(next)
	return all, c.gaveUp
}
