package batch

// The border of lanes: the contexts inside, the flushing of chunks, and when the consumer stops
// waiting for lanes.

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A border is what is between the lanes of one Parallel or Route and the levels outside.
type border struct {
	routes     bool                     // it belongs to Route
	finishItem func(item any)           // tells the pool that the visit of an item is over
	flushAgain func()                   // makes the consumer flush once more before it waits
	governing  atomic.Pointer[crossing] // the one with the latest deadline; without deadlines, the last one; nil at first

	readerCrossing *crossing // the last one that the reader used

	mu         sync.Mutex
	crossings  []*crossing // mostly one
	hasteTimer *time.Timer
	around     []*inlet // the lanes around these, mostly one
	goroutines int32    // as in lanes.Callbacks
	busy       int32    // 1 or 0, as in lanes.Callbacks
}

// A crossing joins a border to one level outside: Results of that level enter the lanes and
// return to it. A border has several only if a user's stage mixes Results of several runs or lanes.
type crossing struct {
	border       *border
	outer        *level
	feeder       *feeder // the consumer, on the outer level
	feederNumber uint8   // the number of feeder, which other crossings may share
	number       uint32  // of the crossing, on the outer level
	inLane       bool    // the level outside is in a lane
	inRoute      bool    // a Route is around this one
	shared       bool    // a Parallel is around this one, and its other lanes could take the Results
	ctx          context.Context
	cancel       context.CancelFunc
	patience     time.Duration // how long the consumer waits for functions after ctx has ended
}

// crossing returns the crossing from the level of an entry, and whether it is a new one. Only
// the reader calls it.
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
	x = &crossing{border: b, outer: e.level, inLane: e.visit != nil, patience: e.level.run.reserve / 4}
	x.feeder, x.feederNumber = e.level.addFeeder(b.flushAgain)
	x.number = e.level.crossings.Add(1)
	x.ctx, x.cancel = context.WithCancel(e.level.ctx)
	for v := e.visit; v != nil; v = v.outside.entry.visit {
		x.inRoute = x.inRoute || v.crossing.border.routes
		x.shared = x.shared || !v.crossing.border.routes
		x.patience -= x.patience / 8 // leaves the Parallel around this one time to pass Results on
	}
	b.crossings = append(b.crossings, x)
	if in := e.level.lane; in != nil && !slices.Contains(b.around, in) {
		b.around = append(b.around, in)
		in.addInner(b.goroutines, b.busy)
	}
	return x, true
}

// governBy makes x the governing crossing if it replaces the present one, and reports whether it does. If x has a deadline, hasten is
// called when time is short. Nothing ends or hurries because of a batch that was answered.
func (b *border) governBy(x *crossing, hasten func()) bool {
	if w := b.governing.Load(); w != nil && !x.replaces(w) {
		return false
	}
	b.governing.Store(x)
	if run := x.outer.run; run.hasDeadline && !run.answered.Load() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.hasteTimer != nil {
			b.hasteTimer.Stop()
		}
		b.hasteTimer = time.AfterFunc(time.Until(run.end())-run.shortTime(), hasten)
	}
	return true
}

// replaces reports whether x governs rather than other. They differ if a stage mixes Results of several batches, such as those that it
// has kept from one that was answered.
func (x *crossing) replaces(other *crossing) bool {
	run, before := x.outer.run, other.outer.run
	switch {
	case run.answered.Load():
		return false
	case before.answered.Load() || !before.hasDeadline:
		return true
	case !run.hasDeadline || x.ctx.Err() != nil:
		return false
	}
	return other.ctx.Err() != nil || run.end().After(before.end())
}

// desert notes in the lanes around these that these have crashed.
func (b *border) desert() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, in := range b.around {
		in.deserted.Store(true)
	}
}

// flush makes the bulk stages after the lanes write what they keep.
func (b *border) flush() (more bool) {
	b.mu.Lock()
	all := b.crossings
	b.mu.Unlock()
	for _, x := range all {
		if !x.feeder.flush() {
			return false
		}
	}
	return true
}

// cancel ends the contexts in the lanes, because the consumer wants no more.
func (b *border) cancel() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.hasteTimer != nil {
		b.hasteTimer.Stop()
	}
	for _, x := range b.crossings {
		x.cancel()
		x.feeder.idle()
		x.outer.removeLanes(b)
	}
}

// An inlet is where Results enter one lane. It makes a level in the lane for each crossing.
type inlet struct {
	entrances atomic.Pointer[[]entrance] // mostly one; read also by lanes inside the lane
	entered   uint32                     // how many Results have entered
	crash     *PanicError                // set if the lane has panicked
	deserted  atomic.Bool                // all lanes of a Parallel in it have panicked or ended their goroutines before their input

	flushAgain func() // makes the lane flush once more before it waits

	inner     atomic.Int64 // an innerCount; one word, since what moves may pass from one of its halves to the other
	innerRest func()       // tells the pool that one of the two has become less
}

// An entrance is the level in a lane for Results that arrive by one crossing.
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
	l := &level{outer: x.outer, lane: in, left: x.feederNumber}
	l.open(x.ctx, x.outer.run)
	l.firstFeeder.again = in.flushAgain
	all := append(slices.Clip(in.all()), entrance{x, l})
	in.entrances.Store(&all)
	return l
}

// idle says that no function runs in the lane.
func (in *inlet) idle() {
	for _, e := range in.all() {
		e.level.firstFeeder.idle()
	}
}

// pause makes the lane's own goroutine idle on all its levels until the pauses are resumed, and returns them after those of
// room. It works with the last feeder of a level: with lanes inside the lane it is their consumer, and the first feeder belongs
// to their reader, which may be at work.
func (in *inlet) pause(room []pause) []pause {
	for _, e := range in.all() {
		room = append(room, e.level.pause(e.level.lastFeeder()))
	}
	return room
}

// flush makes the bulk stages in the lane write what they keep, and reports whether their consumers want more. Those in and after
// lanes within the lane do it on their own goroutines, soon.
func (in *inlet) flush() (more bool) {
	for _, e := range in.all() {
		if !e.level.firstFeeder.flush() {
			return false
		}
		e.level.urge()
	}
	return true
}

// close hands the failures whose Results were discarded in the lane over to the outer levels. outerStays has the number
// of the stay around each stay in the lane, if that is not over.
func (in *inlet) close(outerStays map[uint32]uint32) {
	for _, e := range in.all() {
		e.level.close()
		for _, f := range e.level.order.Unsettled() {
			e.level.handOverFailure(e.crossing.outer, outerStays[f.Stay], f)
		}
	}
}

// A clock tells the consumer when the contexts in its lanes have ended, and when to stop waiting for
// lanes. That is after the patience of the crossing, or half of the patience later if the reader may
// still get Results, and a bit more if other lanes come before these: what they give up must still
// pass through. Soon afterwards the clock tells the consumer to stop waiting for all lanes.
type clock struct {
	crossing *crossing
	ended    <-chan struct{}
	due      <-chan time.Time
	end      time.Time // of the contexts
	ticks    int
	gaveUp   bool
}

func (c *clock) follow(x *crossing) {
	if c.crossing == x {
		return
	}
	*c = clock{crossing: x}
	if !x.outer.run.answered.Load() {
		c.ended = x.ctx.Done() // the context outside may end a moment earlier
	}
}

// startPatience starts the patience of the crossing. It counts from the end of the contexts, which the
// consumer may notice late. Even then lanes get a moment to pass on what they have finished.
func (c *clock) startPatience() {
	c.ended = nil
	if !c.crossing.outer.run.hasDeadline {
		return
	}
	c.end = time.Now()
	if deadline, _ := c.crossing.ctx.Deadline(); deadline.Before(c.end) {
		c.end = deadline
	}
	c.due = time.After(max(time.Until(c.end.Add(c.crossing.patience)), c.crossing.patience/8))
}

// tick is called when due fires. It reports whether to stop waiting for lanes now, and whether for
// all of them. exhausted says that the reader has ended.
func (c *clock) tick(exhausted bool) (all, ok bool) {
	const manyLanes = 3 // more lanes after one another share a time, or too little would be left
	c.ticks++
	all = c.gaveUp
	c.gaveUp = exhausted || c.ticks > 1
	left := c.crossing.patience >> min(c.crossing.feederNumber, manyLanes)
	if c.ticks == 1 {
		c.due = time.After(time.Until(c.end.Add(2*c.crossing.patience - left)))
	} else {
		c.due = time.After(left / 4)
	}
	return all, c.gaveUp
}

// keysOf returns the line, whose Results run one after the other, and the gate, whose Results
// leave in order.
func keysOf(e *entry) (line, gate lineKey) {
	run := e.level.run
	if run.batch.policy == Continue {
		return line, gate
	}
	group := run.batch.groupOf(int(e.index))
	if run.batch.someGroupUnreadable {
		group = wholeRun // a record may be of any group, so all records count as one group
	}
	if group != 0 {
		line = lineKey{run, group}
		gate = line
	}
	if run.batch.policy == StopBatch {
		gate = lineKey{run, wholeRun}
	}
	return line, gate
}

// prepareCrossing prepares the pool and the border for Results that arrive by x.
func (p *parallel[A, B]) prepareCrossing(x *crossing) {
	if x.inLane {
		x.outer.addLanes(&p.border, innerLanes{p.pool.Urge, p.pool.Calm})
	}
	if x.inRoute {
		p.pool.Nest() // the input of the route must not end while these lanes work
	}
	if x.shared {
		p.pool.Narrow() // take no Result before a lane is free: other lanes outside may run it now
	}
	if p.border.governBy(x, p.pool.Hasten) {
		p.pool.Nudge()
	}
}
