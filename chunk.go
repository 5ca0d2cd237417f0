package batch

// Bulk writes: TryEachChunk, and the errors of single items in a chunk.

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
)

// TryEachChunk collects ready results into chunks and calls f with up to size values at
// once, for a bulk write. f gets a context that belongs to the batch, not to a record: it ends
// when the records' contexts end, and has the values of the invocation's context, but not those
// of scopes. f is not called for an empty chunk, and may keep the slice.
//
// A result becomes unprocessed, and its value is not given to f, if its record is held back
// or its context has ended, both when it arrives and when the chunk is written (see [Then]).
//
// If f returns an [ItemErrors], the results that it names become Failed. Any other
// error, and a panic of f, makes all results of the chunk Failed. Results that are not
// ready do not end a chunk. All results are sent on in the order in which they arrived.
//
// A chunk that is not full is written at the end of the Stream. Until a chunk is written,
// functions of earlier stages run ahead, by up to size records. If the consumer stops the
// loop, chunks that were not written are dropped, and their records are reported. If lanes had
// the chunk written when the loop was left, they take up nothing more. But if lanes come after
// TryEachChunk and the loop over these is left, it learns of that only when it next sends a
// result: it fills one more chunk and writes it, and the records are reported nevertheless.
//
// If the invocation has a deadline, a chunk that is not full is also written when time runs
// short: when only one reserve is left before the records' contexts end, or two thirds of the
// time if that is less.
//
//   - It is written when a result arrives for it then, ready or not, and again each time that half
//     of the remaining time has passed. It waits for the other parts of a record, and for the
//     rest of a chunk before it. So if the functions before it take more than half of the
//     remaining time for one record, the chunk may wait for them too long, and its records are
//     reported.
//   - After [Parallel] or [Route], and in a lane, it is also written as soon as nothing more
//     arrives for it, however long functions in the lanes take. That requires one Parallel or Route
//     before the chunk: if a stage of your own starts one for each record, the chunk may wait
//     for the record that is stuck. A stage of your own after the chunk must not take results from
//     the stages before it: they may be waiting for the chunk. And a stage that sends some
//     results to the chunk and others past it must not get them from another goroutine,
//     or both may arrive at the next stage at once.
//
// If an item of a chunk fails, later items have already been written. Those that the policy
// holds back (under [StopBatch] all of them, under [StopGroup] those of its group) are
// reported nevertheless, and are written again. If the order matters, fail the whole chunk,
// or use [TryEach].
//
// To settle failures of earlier stages, put [Catch] before TryEachChunk. After it, Catch is
// too late for the records that arrive while a chunk fills: the failure holds them back.
func TryEachChunk[T any](s Stream[T], size int, f func(context.Context, []T) error) Stream[T] {
	requireStage("TryEachChunk", "f", s, f != nil)
	require(size >= 1, "TryEachChunk", "size is less than 1")
	return func(yield func(Result[T]) bool) {
		c := &chunk[T]{size: size, f: f, yield: yield}
		c.turn.init()
		defer c.close()
		s(c.add)
		c.end()
	}
}

// A chunk holds the Results that TryEachChunk has collected. It needs the lock of turn
// because a feeder may flush it on one goroutine while a user's stage before it adds to it
// on another.
type chunk[T any] struct {
	size  int
	f     func(context.Context, []T) error
	yield func(Result[T]) bool

	turn         turn
	held         []Result[T] // in the order of the stream, the first one Ready
	ready        int
	stopped      bool // the consumer wants no more
	closed       bool // there is no more
	hastes       hastes
	level        *level
	feederNumber uint8
	feeder       *feeder     // the one of level and feederNumber, from which the last Result came
	feeders      []*feeder   // those that may flush
	flushPanic   *PanicError // a panic of a function called by flush
	flushExited  bool        // such a function called runtime.Goexit
}

// add takes r and reports whether the consumer wants more.
func (c *chunk[T]) add(r Result[T]) bool {
	more, keptFor := c.take(r)
	if keptFor != nil {
		keptFor.noteKept()
	}
	return more
}

// take is add, and also returns the feeder that may flush r, if the chunk has kept it.
func (c *chunk[T]) take(r Result[T]) (more bool, keptFor *feeder) {
	c.turn.take()
	defer c.turn.end()
	if c.stopped {
		return false, nil
	}
	if r.h.admit(goesOn) {
		c.ready++
	} else if len(c.held) == 0 {
		return c.send(r), nil
	}
	c.held = append(c.held, r)
	due := false
	if e := r.h.entry; e != nil {
		e.hold()
		c.registerFor(&r.h)
		r.h.notePassed()
		due = c.hastes.isDue(e.level.run, r.h.followed())
	}
	if c.ready < c.size && !due {
		return true, c.feeder
	}
	return c.writeAndSend(c.feeder), nil
}

// registerFor registers the chunk with the feeder that the Result came from, which may
// flush it.
func (c *chunk[T]) registerFor(h *header) {
	known := h.entry.level == c.level && h.feederNumber() == c.feederNumber
	neverFlushed := !h.entry.level.run.hasDeadline && h.entry.visit == nil
	if known || neverFlushed {
		return
	}
	c.level, c.feederNumber = h.entry.level, h.feederNumber()
	c.feeder = c.level.feeder(c.feederNumber)
	if !slices.Contains(c.feeders, c.feeder) {
		c.feeder.addBulk(c)
		c.feeders = append(c.feeders, c.feeder)
	}
}

// flush implements bulkStage. It may run on the goroutine of an earlier stage, which must
// not end because of a panic in a later one, so it recovers. end panics again.
func (c *chunk[T]) flush(asking *feeder) (more bool) {
	if !c.turn.try() {
		return true
	}
	defer c.turn.end()
	if c.closed { // since the feeder began to ask
		return true
	}
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
	more = c.writeAndSend(asking)
	returned = true
	return more
}

// end writes the last chunk at the end of the Stream. It panics, or ends the goroutine, if a function called by
// flush did so.
func (c *chunk[T]) end() {
	c.turn.take()
	defer c.turn.end()
	c.writeAndSend(c.feeder)
	if c.flushExited {
		runtime.Goexit()
	} else if c.flushPanic != nil {
		panic(c.flushPanic)
	}
}

// close makes sure that no feeder flushes any more. It is deferred.
func (c *chunk[T]) close() {
	c.turn.take()
	defer c.turn.end()
	c.stopped, c.closed = true, true
	for _, f := range c.feeders {
		f.removeBulk(c)
	}
}

// writeAndSend writes the chunk and sends its Results on. It reports whether the consumer
// wants more. The feeder at is the one on whose goroutine it runs, or nil if the chunk is
// registered with none.
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
	for i, r := range held {
		if i < len(held)-1 && r.h.entry != nil {
			r.h.mark |= followed
		}
		if at != nil {
			before.setCurrent(r.h.entry)
			r.h.forgetPassed()
		}
		more := c.send(r)
		r.h.entry.release() // only now, or the next record of the group might start too early
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

// openScopes opens the scopes of the records that will be written; at is as in writeAndSend.
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
			before.setCurrent(h.entry)
		}
		h.admitWithScope(goesOn)
	}
}

// write calls f with the values of the Results that are still ready, and fails the
// Results for which f returns an error.
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
	returned := false
	defer failChunkUnlessReturned(written, &returned)
	level := written[0].entry.level
	if at != nil {
		at.beginWriting(&written)
		defer at.endWriting(&written)
	}
	// perItem calls methods of the error, which are the user's, so guard must be around it, too.
	items, err := guard(func() (ItemErrors, error) { return perItem(c.f(level.ctx, values), len(values)) })
	returned = true
	for i, h := range written {
		if failure := cmp.Or(err, items[i]); failure != nil {
			h.fail(failure, goesOn)
		}
	}
}

// failChunkUnlessReturned is deferred around the function of a chunk. If that has called runtime.Goexit,
// the failures must count at once: a user's stage may hide the end from the stages after it.
func failChunkUnlessReturned(written []*header, returned *bool) {
	if !*returned {
		for _, h := range written {
			h.fail(errExited, goesOn)
		}
	}
}

// ItemErrors is the error of a function of [TryEachChunk] that failed for some of its
// values only. It maps positions in the slice to errors. Values that it does not contain,
// or for which the error is nil, have succeeded.
//
// An ItemErrors may be wrapped by [fmt.Errorf], or joined with others by [errors.Join]. The whole
// chunk fails if it contains a position outside the slice, is joined with an error of another kind,
// or is in a wrapper of another package, which may contain other errors, too: it is unclear then
// which of the values succeeded.
//
// Return [ItemErrors.Err], since an ItemErrors is an error even if no item failed. TryEachChunk takes
// that for success, but what comes between, such as a retry, a circuit breaker or an errgroup, does not.
type ItemErrors map[int]error

func (e ItemErrors) Error() string {
	failed := slices.DeleteFunc(slices.Sorted(maps.Keys(e)), func(i int) bool { return e[i] == nil })
	switch len(failed) {
	case 0:
		return "no item failed"
	case 1:
		return fmt.Sprintf("item %d failed: %v", failed[0], e[failed[0]])
	}
	return fmt.Sprintf("%d items failed, first item %d: %v", len(failed), failed[0], e[failed[0]])
}

// Err returns nil if no item failed, and otherwise e.
func (e ItemErrors) Err() error {
	for _, err := range e {
		if err != nil {
			return e
		}
	}
	return nil
}

// perItem splits the error of a chunk of n values: into the errors of single items, or into one
// that fails the whole chunk.
func perItem(err error, n int) (items ItemErrors, whole error) {
	if err == nil {
		return nil, nil
	}
	items = ItemErrors{}
	if found, others := items.gather(err); !found || others {
		return nil, err
	}
	for i := range items {
		if i < 0 || i >= n {
			return nil, &misplacedError{n, err}
		}
	}
	return items, nil
}

// gather adds the errors of every ItemErrors in the tree of err. ([errors.As] would find
// only the first of several that are joined.) It also reports whether the tree has leaves
// of another kind, or may have.
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
	case *AllFailedError: // what it contains is about the records of another batch
	case interface{ Unwrap() []error }:
		for _, branch := range x.Unwrap() {
			f, o := e.gather(branch)
			found, others = found || f, others || o
		}
		return found, others
	case interface{ Unwrap() error }:
		if isErrorf(err) {
			return e.gather(x.Unwrap())
		}
	}
	return false, true
}

// isErrorf reports whether err was made by [fmt.Errorf] with one %w. Wrappers of other packages may contain errors that Unwrap
// does not return.
func isErrorf(err error) bool { return fmt.Sprintf("%T", err) == "*fmt.wrapError" }

// A misplacedError is the error of a chunk whose [ItemErrors] has positions outside it. It is not made by [fmt.Errorf], so that
// in a chunk of chunks it fails the whole outer one.
type misplacedError struct {
	items int
	err   error
}

func (e *misplacedError) Error() string {
	return fmt.Sprintf("ItemErrors with positions outside the %d items: %v", e.items, e.err)
}

func (e *misplacedError) Unwrap() error { return e.err }
