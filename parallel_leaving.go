package batch

// A Result between a lane and the consumer.

import (
	"sync"

	"github.com/lambdabatch/batch/internal/lanes"
)

// leaving is a Result that has left a lane.
type emitted[B any] struct {
	h     header
	value *B // nil if it is not Ready
}

// put puts a value of a Result from a lane where the consumer finds it: where the value was that the lane was given, if
// the type is the same. A place of its own for each value would be a quarter more memory (BenchmarkParallel).
func (p *parallel[A, B]) storeValue(it *lanes.Item[task[A], emitted[B]], r *Result[B]) *B {
	if r.h.state() != ready {
		return nil
	}
	var room *B
	if it != nil && it.Value.valueReused.CompareAndSwap(false, true) { // not by the first of several Results
		room, _ = any(&it.Value.value).(*B)
	}
	if room == nil {
		room = p.values.take()
	}
	*room = r.value
	return room
}

// taken is the Result. What has had its value can be kept for long, so it is taken away there.
func (l *emitted[B]) take() Result[B] {
	if l.value == nil {
		return Result[B]{h: l.h}
	}
	r := Result[B]{l.h, *l.value}
	*l.value = *new(B)
	return r
}

// values has room for values, made in blocks.
type valueSlab[B any] struct {
	mu     sync.Mutex
	blocks slab[B]
}

func (v *valueSlab[B]) take() *B {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.blocks.maxSize = 32
	return &v.blocks.take(1)[0]
}
