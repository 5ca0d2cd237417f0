package ledger

import (
	"slices"
	"sync"
	"sync/atomic"
)

// A Stay follows the part of a record that has entered a lane, and the parts that it is split into there, until all
// have left. It is safe for concurrent use. The zero Stay is over.
type Stay struct {
	state atomic.Int32 // gone, inside or several
	first uint32       // the part that has entered
	held  atomic.Int32 // how many Results are held inside; their parts may have left with a copy
	parts atomic.Pointer[parts]
}

const (
	gone    = iota // no part is inside
	inside         // only the first part is inside
	several        // see parts
)

// parts are the parts that are inside, once there have been several.
type parts struct {
	mu    sync.Mutex
	spans []span // ascending
}

// span is the parts from number first to last.
type span struct{ first, last uint32 }

// Enter begins the stay with one part.
func (s *Stay) Enter(number uint32) {
	s.first = number
	s.state.Store(inside)
}

// Split replaces one part by the n parts from first on. They are added even if that part is no longer inside, since a
// stage may have split a copy of it.
func (s *Stay) Split(number, first uint32, n int) {
	p := s.parts.Load()
	if p == nil {
		s.parts.CompareAndSwap(nil, new(parts))
		p = s.parts.Load()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.state.Swap(several) == inside {
		p.spans = append(p.spans, span{s.first, s.first})
	}
	p.remove(number)
	at, _ := p.find(first)
	p.spans = slices.Insert(p.spans, at, span{first, first + uint32(n) - 1})
}

// Leave takes one part out. It does nothing if the part is not inside.
func (s *Stay) Leave(number uint32) {
	if number == s.first && s.state.CompareAndSwap(inside, gone) || s.state.Load() != several {
		return
	}
	p := s.parts.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(number)
}

// Hold notes that a stage holds a Result inside. The part of the Result may leave meanwhile, with a copy.
func (s *Stay) Hold() { s.held.Add(1) }

// Release notes that the Result is no longer held, and reports whether the stay is over.
func (s *Stay) Release() (over bool) { return s.held.Add(-1) == 0 && s.Over() }

// Over reports whether no part is inside and no Result is held. Unknown copies may still be inside.
func (s *Stay) Over() bool {
	switch s.state.Load() {
	case gone:
		return s.held.Load() == 0 && s.state.Load() == gone // again: a held copy may have been split and released meanwhile
	case several:
		p := s.parts.Load()
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.spans) == 0 && s.held.Load() == 0
	}
	return false
}

// find returns the index of the span that contains a number, or the index where it would be inserted.
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
