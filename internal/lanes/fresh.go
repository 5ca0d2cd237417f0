package lanes

import "sync/atomic"

// fresh has the items that may run whenever a lane is free, in the order in which they came. The producer and the lanes
// need no lock for it: with one they mostly waited for each other where the work is shorter than a microsecond
// (BenchmarkParallel).
type fresh[T, R any] struct {
	root Item[T, R]                 // is before the first one
	head atomic.Pointer[Item[T, R]] // the last one taken, or root
	tail *Item[T, R]                // the last one pushed, or root; for the producer
	came atomic.Int32               // how many have been pushed
}

func (f *fresh[T, R]) init() {
	f.tail = &f.root
	f.head.Store(&f.root)
}

func (f *fresh[T, R]) push(it *Item[T, R]) {
	it.place = f.came.Load() + 1
	f.tail.next.Store(it)
	f.tail = it
	f.came.Store(it.place)
}

// len may be too high for a moment while others push and take, but is not too low to the one that pushes.
func (f *fresh[T, R]) len() int {
	head := f.head.Load()
	return int(f.came.Load() - head.place)
}

// first returns the first one, which somebody else may take.
func (f *fresh[T, R]) first() *Item[T, R] {
	for {
		head := f.head.Load()
		if first := head.next.Load(); first != nil || f.head.Load() == head {
			return first
		}
	}
}

// take takes the first one, or nil if there is none.
func (f *fresh[T, R]) take() *Item[T, R] {
	for {
		head := f.head.Load()
		first := head.next.Load()
		switch {
		case first == nil:
			if f.head.Load() == head {
				return nil
			}
		case f.head.CompareAndSwap(head, first):
			head.next.Store(nil) // who keeps one item is not to keep all later ones
			return first
		}
	}
}
