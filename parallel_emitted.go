package batch

// Results on their way from a lane to the consumer.

import "github.com/lambdabatch/batch/internal/lanes"

// An emitted is a Result that has left a lane. It has a pointer to its value, so that the pool
// copies little.
type emitted[B any] struct {
	h     header
	value *B // nil if the Result is not Ready
}

// take returns the Result and clears the stored value, because its memory may be kept for long.
func (e *emitted[B]) take() Result[B] {
	if e.value == nil {
		return Result[B]{h: e.h}
	}
	r := Result[B]{e.h, *e.value}
	*e.value = *new(B)
	return r
}

// storeValue stores the value of a Result that leaves a lane, and returns the pointer to it. It
// overwrites the value that entered the lane, if that has the same type. Memory for each value
// would add a quarter to what Parallel allocates (BenchmarkParallel).
func (p *parallel[A, B]) storeValue(it *lanes.Item[task[A], emitted[B]], r *Result[B]) *B {
	if r.h.state() != ready {
		return nil
	}
	var room *B
	if it != nil && it.Value.valueReused.CompareAndSwap(false, true) { // only the first of several Results reuses it
		room, _ = any(&it.Value.value).(*B)
	}
	if room == nil {
		room = p.values.take()
	}
	*room = r.value
	return room
}

// headerOnly returns a Result without a value that leaves a lane other than by emit.
func headerOnly[B any](h header) emitted[B] {
	h.entry.hold() // as emit does
	return emitted[B]{h: h}
}
