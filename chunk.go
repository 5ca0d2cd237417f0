package batch

// Bulk effects: TryEachChunk, and the errors of single items.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
)

// TryEachChunk calls f for up to size values at once: the bulk write. An error
// fails all of them, an [ItemErrors] just those that it names. Results that
// are not Ready pass by without splitting a chunk, and everything leaves in the
// order in which it came.
//
// A chunk may hold several records of one group. If an earlier one fails, the later
// ones have been written already, are reported all the same, and are written
// again; where order matters, fail the chunk as a whole, or use [TryEach]. A
// [Catch] for what fails before this stage belongs before it, for a chunk that is
// being filled looks ahead.
//
// Functions before this stage run up to size records ahead of it. A chunk that is not
// full is written at the end of the stream. After [Parallel], or in its lanes, it is
// also written when time runs short: one reserve before the records' contexts end, a
// goroutine that waits for another one has the chunks after it written. What is in a
// chunk that was not written when the consumer stopped is reported. f gets the context
// of the batch, which is no record's.
func TryEachChunk[T any](s Stream[T], size int, f func(context.Context, []T) error) Stream[T] {
	requireStage("TryEachChunk", "f", s, f != nil)
	require(size >= 1, "TryEachChunk", "size is less than 1")
	return func(yield func(Result[T]) bool) {
		c := &chunk[T]{size: size, f: f, yield: yield}
		defer c.close()
		s(c.add)
		c.end()
		c.endAsFlushEnded()
	}
}

// A chunk is what TryEachChunk holds back. It has a lock because a stage before it may
// run on a goroutine of its own while the one that waits for time to run short is another.
type chunk[T any] struct {
	size  int
	f     func(context.Context, []T) error
	yield func(Result[T]) bool

	turn         turn
	held         []Result[T] // in the order of the stream, the first one Ready
	ready        int
	stopped      bool // the consumer wants no more
	level        *level
	feederNumber uint8
	feeder       *feeder     // that of level and number
	feeders      []*feeder   // who asks for what is held
	flushPanic   *PanicError // of what ran on the goroutine of one of them
	flushExited  bool        // that ended it
}

// add takes r and reports whether the consumer wants more.
func (c *chunk[T]) add(r Result[T]) bool {
	c.turn.take()
	defer c.turn.end()
	if c.stopped {
		return false
	}
	if r.h.admit(goesOn) {
		c.ready++
	} else if len(c.held) == 0 {
		return c.send(r)
	}
	c.held = append(c.held, r)
	r.h.entry.hold()
	if r.h.entry != nil {
		c.registerFor(&r.h)
	}
	if c.ready < c.size {
		return true
	}
	return c.writeAndSend(c.feeder)
}

// offer has the place that gave out the Result ask for what is held.
func (c *chunk[T]) registerFor(h *header) {
	if h.entry.level == c.level && h.feeder() == c.feederNumber || !h.entry.level.run.hasDeadline && h.entry.visit == nil {
		return // outside of lanes nobody asks before time runs short
	}
	c.level, c.feederNumber = h.entry.level, h.feeder()
	c.feeder = c.level.feeder(c.feederNumber)
	if !slices.Contains(c.feeders, c.feeder) {
		c.feeder.addBulk(c)
		c.feeders = append(c.feeders, c.feeder)
	}
}

// flush lets go of what is held, unless the stage is at work. The goroutine may be one of a stage before this one,
// which must not end because of a stage after it.
func (c *chunk[T]) flush(asking *feeder) (some, more bool) {
	if !c.turn.try() {
		return false, true
	}
	defer c.turn.end()
	returned := false
	defer func() {
		if returned {
			return
		}
		c.stopped = true
		if v := recover(); v != nil {
			c.flushPanic = newPanicError(v)
		} else {
			c.flushExited = true
		}
	}()
	some = len(c.held) > 0
	more = c.writeAndSend(asking)
	returned = true
	return some, more
}

// finish ends as what flush has called did.
func (c *chunk[T]) endAsFlushEnded() {
	c.turn.take()
	defer c.turn.end()
	if c.flushExited {
		runtime.Goexit()
	} else if c.flushPanic != nil {
		panic(c.flushPanic)
	}
}

// end lets go of what is held at the end of the stream.
func (c *chunk[T]) end() {
	c.turn.take()
	defer c.turn.end()
	c.writeAndSend(c.feeder)
}

// close is deferred: no place asks any more.
func (c *chunk[T]) close() {
	c.turn.take()
	defer c.turn.end()
	c.stopped = true
	for _, p := range c.feeders {
		p.removeBulk(c)
	}
}

// let writes what is held and sends it on. The place is where that runs; it is nil where nobody asks.
func (c *chunk[T]) writeAndSend(at *feeder) bool {
	if c.stopped {
		return false
	}
	c.write(at)
	held := c.held
	c.held, c.ready = nil, 0
	var before pause
	if at != nil {
		before = at.pause()
		defer func() { before.resume() }()
	}
	for _, r := range held {
		if at != nil {
			before.now = at.beginAny(r.h.entry)
		}
		more := c.send(r)
		r.h.entry.release() // not before, or the next record of its group might start
		if !more {
			return false
		}
	}
	return true
}

func (c *chunk[T]) send(r Result[T]) bool {
	c.stopped = !c.yield(r)
	return !c.stopped
}

// openScopes opens the scopes of what is to be written. The place is as for let.
func (c *chunk[T]) openScopes(at *feeder) {
	var before pause
	if at != nil {
		before = at.pause()
		defer func() { before.resume() }()
	}
	for i := range c.held {
		h := &c.held[i].h
		if h.state() != ready || !h.scopePending() {
			continue
		}
		if at != nil {
			before.now = at.beginAny(h.entry)
		}
		h.admitWithScope(goesOn)
	}
}

// write calls f for what is still Ready and may run, and settles it.
func (c *chunk[T]) write(at *feeder) {
	c.openScopes(at)
	values := make([]T, 0, c.ready)
	written := make([]*header, 0, c.ready)
	for i := range c.held {
		r := &c.held[i]
		if r.h.state() == ready && r.h.admit(goesOn) {
			values, written = append(values, r.value), append(written, &r.h)
		}
	}
	if len(values) == 0 {
		return
	}
	level := written[0].entry.level
	if at != nil {
		at.writing.Store(&written)
		defer at.writing.Store(nil)
	}
	// The error's own methods are called inside, too: they are the user's.
	items, err := call(level.ctx, values, func(ctx context.Context, values []T) (map[int]error, error) {
		return errorPerItem(c.f(ctx, values), len(values)), nil
	})
	for i, h := range written {
		if failure := cmp.Or(err, items[i]); failure != nil {
			h.fail(failure, goesOn)
		}
	}
}

// ItemErrors is what a bulk write returns if only some of its elements failed:
// their positions in the slice, each with its error. Elements with a nil error,
// and all that are not in it, succeeded. A position that the slice does not have
// fails the whole chunk, and so does any other error that is joined to it: nobody
// knows then what became of the rest.
type ItemErrors map[int]error

func (e ItemErrors) Error() string {
	failed := slices.DeleteFunc(slices.Sorted(maps.Keys(e)), func(i int) bool { return e[i] == nil })
	if len(failed) == 0 {
		return "no item failed"
	}
	return fmt.Sprintf("%d items failed, first item %d: %v", len(failed), failed[0], e[failed[0]])
}

// itemErrors spreads the error of a chunk of n over its elements.
func errorPerItem(err error, n int) map[int]error {
	if err == nil {
		return nil
	}
	all := ItemErrors{}
	if found, others := all.gather(err); found && !others {
		outside := func(i int) bool { return i < 0 || i >= n }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(all)), outside) {
			return all
		}
		err = fmt.Errorf("ItemErrors with positions outside the %d items: %w", n, err)
	}
	whole := make(map[int]error, n)
	for i := range n {
		whole[i] = err
	}
	return whole
}

// gather collects the errors of the items from every ItemErrors in the tree of
// err, not only from the first as errors.As does: several may be joined. It also
// reports whether the tree has errors of another kind at its leaves.
func (e ItemErrors) gather(err error) (found, others bool) {
	switch x := err.(type) {
	case nil:
		return false, false
	case ItemErrors:
		for i, item := range x {
			if item != nil {
				e[i] = item
			}
		}
		return true, false
	case *ItemErrors:
		if x != nil {
			return e.gather(*x)
		}
	case interface{ Unwrap() error }:
		if inner := x.Unwrap(); inner != nil {
			return e.gather(inner)
		}
	case interface{ Unwrap() []error }:
		for _, branch := range x.Unwrap() {
			f, o := e.gather(branch)
			found, others = found || f, others || o
		}
		return found, others
	}
	var converted ItemErrors
	if errors.As(err, &converted) {
		return e.gather(converted)
	}
	return false, true
}
