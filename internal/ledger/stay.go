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
	held  atomic.Int32 // Results inside that may be copies of what has left
	parts atomic.Pointer[parts]
}

// What whole says.
const (
	gone = iota
	inside
	several // parts says more
)

// parts are the parts inside where there have been several.
type parts struct {
	mu    sync.Mutex
	spans []span // in order
}

// span is the numbers from first to last.
type span struct{ first, last uint32 }

// Enter begins the stay with one part.
func (s *Stay) Enter(number uint32) {
	s.first = number
	s.whole.Store(inside)
}

// Split replaces one part by the n parts from first on. If that part is not inside any more, because a stage has
// split a copy of it, the others are added all the same.
func (s *Stay) Split(number, first uint32, n int) {
	p := s.parts.Load()
	if p == nil {
		s.parts.CompareAndSwap(nil, new(parts))
		p = s.parts.Load()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.whole.Load() != several && s.whole.Swap(several) == inside {
		p.spans = append(p.spans, span{s.first, s.first})
	}
	p.remove(number)
	at, _ := p.find(first)
	p.spans = slices.Insert(p.spans, at, span{first, first + uint32(n) - 1})
}

// Leave takes one part out. What is not inside may leave again.
func (s *Stay) Leave(number uint32) {
	if number == s.first && s.whole.CompareAndSwap(inside, gone) || s.whole.Load() != several {
		return
	}
	p := s.parts.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(number)
}

// Hold says that a Result is held back inside, and Release that it is not any more. A stage may have copied it, and its
// part may have left with another copy.
func (s *Stay) Hold() { s.held.Add(1) }

// Release reports whether nothing is inside any more.
func (s *Stay) Release() (over bool) { return s.held.Add(-1) == 0 && s.Over() }

// Held reports whether a Result is held back inside.
func (s *Stay) Held() bool { return s.held.Load() > 0 }

// Over reports whether nothing is inside, as far as anybody knows.
func (s *Stay) Over() bool {
	switch s.whole.Load() {
	case gone:
		return s.held.Load() == 0 && s.whole.Load() == gone
	case several:
		p := s.parts.Load()
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.spans) == 0 && s.held.Load() == 0
	}
	return false
}

// find returns the place of the span that holds a number, or the one where it would be.
func (p *parts) find(number uint32) (at int, found bool) {
	return slices.BinarySearchFunc(p.spans, number, func(s span, number uint32) int {
		switch {
		case s.last < number:
			return -1
		case s.first > number:
			return 1
		}
		return 0
	})
}

func (p *parts) remove(number uint32) {
	at, found := p.find(number)
	if !found {
		return
	}
	switch here := &p.spans[at]; {
	case here.first == here.last:
		p.spans = slices.Delete(p.spans, at, at+1)
	case number == here.first:
		here.first++
	case number == here.last:
		here.last--
	default:
		rest := span{number + 1, here.last}
		here.last = number - 1
		p.spans = slices.Insert(p.spans, at+1, rest)
	}
}
