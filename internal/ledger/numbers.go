package ledger

import (
	"sync"
	"sync/atomic"
)

// Numbers gives out the numbers of the parts of the records of one iteration, and counts what is known to be on its
// way: a part may arrive while a copy of it is still held somewhere. It is safe for concurrent use.
type Numbers struct {
	records int
	given   atomic.Pointer[[]given]        // nil: no record was split
	held    atomic.Pointer[[]atomic.Int32] // by record; nil: nothing was ever held
	mu      sync.Mutex                     // guards the high numbers
}

// given is what was given out for one record.
type given struct {
	last atomic.Uint32 // the highest number
	low  atomic.Uint64 // the numbers below 64 that were split
	high bits          // the others
}

// Init prepares Numbers for so many records.
func (s *Numbers) Init(records int) { s.records = records }

// Split gives out n new numbers in place of one and returns the first of them.
func (s *Numbers) Split(record int, number uint32, n int) (first uint32) {
	g := s.of(record)
	last := g.last.Add(uint32(n))
	if number < 64 {
		g.low.Or(1 << number)
	} else {
		s.mu.Lock()
		g.high.add(number)
		s.mu.Unlock()
	}
	return last - uint32(n) + 1
}

// of makes room for all records when the first one is split: most batches have none that is.
func (s *Numbers) of(record int) *given { return &room(&s.given, s.records)[record] }

// Hold says that a Result of the record is held on its way, and Release that it has gone on.
func (s *Numbers) Hold(record int)    { room(&s.held, s.records)[record].Add(1) }
func (s *Numbers) Release(record int) { room(&s.held, s.records)[record].Add(-1) }

func room[T any](all *atomic.Pointer[[]T], records int) []T {
	if there := all.Load(); there != nil {
		return *there
	}
	fresh := make([]T, records)
	if all.CompareAndSwap(nil, &fresh) {
		return fresh
	}
	return *all.Load()
}

func (s *Numbers) holds(record int) bool {
	held := s.held.Load()
	return held != nil && (*held)[record].Load() > 0
}

// missing reports whether a Result is held, or a number is expected that has not arrived. The highest number is read each time: a
// function that was left behind may be splitting the record just now.
func (s *Numbers) missing(record int, arrived func(number uint32) bool) bool {
	if s.holds(record) {
		return true
	}
	all := s.given.Load()
	if all == nil {
		return !arrived(0)
	}
	g := &(*all)[record]
	for number := uint32(0); number <= g.last.Load(); number++ {
		if !arrived(number) && !s.split(g, number) {
			return true
		}
	}
	return false
}

func (s *Numbers) split(g *given, number uint32) bool {
	if number < 64 {
		return g.low.Load()&(1<<number) != 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return g.high.has(number)
}

// bits is a set of small numbers.
type bits []uint64

// add reports whether the number is new.
func (b *bits) add(number uint32) bool {
	word := int(number / 64)
	for word >= len(*b) {
		*b = append(*b, 0)
	}
	fresh := !b.has(number)
	(*b)[word] |= 1 << (number % 64)
	return fresh
}

func (b bits) has(number uint32) bool {
	word := int(number / 64)
	return word < len(b) && b[word]&(1<<(number%64)) != 0
}
