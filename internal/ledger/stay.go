package ledger

import (
	"slices"
	"sync"
	"sync/atomic"
)

// A Stay follows the parts of one record that are inside a lane, from the one that went in to all that it was split
// into. It is safe for concurrent use. The zero Stay is over.
type Stay struct {
	whole atomic.Int32 // of the part that went in, as long as there is no other
	first uint32

	mu    sync.Mutex
	spans []span // the parts inside, in order
	held  int    // Results inside that may be copies of what has left
}

// What whole says.
const (
	gone = iota
	inside
	several // the rest of the Stay says more
)

// span is the numbers from first to last.
type span struct{ first, last uint32 }

// Enter begins the stay with one part.
func (s *Stay) Enter(number uint32) {
	s.first = number
	s.whole.Store(inside)
}

// open begins to follow several parts. It is called with the lock held.
func (s *Stay) open() {
	if s.whole.Load() != several && s.whole.Swap(several) == inside {
		s.spans = append(s.spans, span{s.first, s.first})
	}
}

// Split replaces one part by the n parts from first on. If that part is not inside any more, because a stage has
// split a copy of it, the others are added all the same.
func (s *Stay) Split(number, first uint32, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open()
	s.remove(number)
	at, _ := s.find(first)
	s.spans = slices.Insert(s.spans, at, span{first, first + uint32(n) - 1})
}

// Leave takes one part out. What is not inside may leave again.
func (s *Stay) Leave(number uint32) {
	if number == s.first && s.whole.CompareAndSwap(inside, gone) || s.whole.Load() != several {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(number)
}

// Hold says that a Result is held back inside, and Release that it is not any more. A stage may have copied it, and its
// part may have left with another copy.
func (s *Stay) Hold() { s.count(1) }

// Release reports whether nothing is inside any more.
func (s *Stay) Release() (over bool) { return s.count(-1) }

func (s *Stay) count(delta int) (over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open()
	s.held += delta
	return len(s.spans) == 0 && s.held == 0
}

// Over reports whether nothing is inside, as far as anybody knows.
func (s *Stay) Over() bool {
	if whole := s.whole.Load(); whole != several {
		return whole == gone
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.spans) == 0 && s.held == 0
}

// find returns the place of the span that holds a number, or the one where it would be.
func (s *Stay) find(number uint32) (at int, found bool) {
	return slices.BinarySearchFunc(s.spans, number, func(s span, number uint32) int {
		switch {
		case s.last < number:
			return -1
		case s.first > number:
			return 1
		}
		return 0
	})
}

func (s *Stay) remove(number uint32) {
	at, found := s.find(number)
	if !found {
		return
	}
	switch here := &s.spans[at]; {
	case here.first == here.last:
		s.spans = slices.Delete(s.spans, at, at+1)
	case number == here.first:
		here.first++
	case number == here.last:
		here.last--
	default:
		rest := span{number + 1, here.last}
		here.last = number - 1
		s.spans = slices.Insert(s.spans, at+1, rest)
	}
}
