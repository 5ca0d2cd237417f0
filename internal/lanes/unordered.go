package lanes

import "sync/atomic"

// unordered is a list of the ready items that have no ordering, in the order in which they were pushed. It needs no
// lock. With one, the producer and the lanes mostly waited for each other when the work took less than a microsecond
// (BenchmarkParallel).
type unordered[T, R any] struct {
	root   Item[T, R]                 // before the first item
	head   atomic.Pointer[Item[T, R]] // the last item taken, or root
	tail   *Item[T, R]                // the last item pushed, or root; only the producer uses it
	pushed atomic.Int32               // how many
}

func (u *unordered[T, R]) init() {
	u.tail = &u.root
	u.head.Store(&u.root)
}

func (u *unordered[T, R]) push(it *Item[T, R]) {
	it.position = u.pushed.Load() + 1
	u.tail.next.Store(it)
	u.tail = it
	u.pushed.Store(it.position)
}

// len may be too high for a moment while others push and take. For the producer it is never too low.
func (u *unordered[T, R]) len() int {
	head := u.head.Load()
	return int(u.pushed.Load() - head.position)
}

// first returns the first item. Another lane may take it at any moment.
func (u *unordered[T, R]) first() *Item[T, R] {
	for {
		head := u.head.Load()
		if first := head.next.Load(); first != nil || u.head.Load() == head {
			return first
		}
	}
}

// take takes the first item, or returns nil if there is none.
func (u *unordered[T, R]) take() *Item[T, R] {
	for {
		head := u.head.Load()
		first := head.next.Load()
		switch {
		case first == nil:
			if u.head.Load() == head {
				return nil
			}
		case u.head.CompareAndSwap(head, first):
			head.next.Store(nil) // an item that is kept must not keep all later ones alive
			return first
		}
	}
}
