package ledger

import (
	"sync"
	"sync/atomic"
)

// Numbers assigns numbers to the parts of all records of one iteration. It also counts the Results that are held on
// their way. It is safe for concurrent use.
type Numbers struct {
	records int
	given   atomic.Pointer[[]given]        // by record; nil: none was split
	held    atomic.Pointer[[]atomic.Int32] // by record; nil: no Result was ever held
	mu      sync.Mutex                     // guards given.high
}

// given holds the numbers that were assigned to one record.
type given struct {
	last atomic.Uint32 // the highest number
	low  atomic.Uint64 // those below 64 that were split
	high numberSet     // the others that were split
}

// Init prepares Numbers for a number of records.
func (s *Numbers) Init(records int) { s.records = records }

// Split replaces one number by n new ones and returns the first of them.
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

// of returns the numbers of a record. In most batches no record is split, so the table is made when it is needed.
func (s *Numbers) of(record int) *given { return &table(&s.given, s.records)[record] }

// Hold notes that a stage holds a Result of the record, and Release that the Result has gone on.
func (s *Numbers) Hold(record int)    { table(&s.held, s.records)[record].Add(1) }
func (s *Numbers) Release(record int) { table(&s.held, s.records)[record].Add(-1) }

// table returns the table, or makes it if this is the first use.
func table[T any](all *atomic.Pointer[[]T], records int) []T {
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

// holdsAny reports whether a Result of any record is held.
func (s *Numbers) holdsAny() bool {
	for record := range s.records {
		if s.holds(record) {
			return true
		}
	}
	return false
}

// missing reports whether a Result is held, or an expected number has not arrived. It loads the highest number each
// time, because a function that was left running may split the record at this moment.
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

// numberSet is a bit set of small numbers.
type numberSet []uint64

// add reports whether the number is new.
func (b *numberSet) add(number uint32) bool {
	word := int(number / 64)
	for word >= len(*b) {
		*b = append(*b, 0)
	}
	fresh := !b.has(number)
	(*b)[word] |= 1 << (number % 64)
	return fresh
}

func (b numberSet) has(number uint32) bool {
	word := int(number / 64)
	return word < len(b) && b[word]&(1<<(number%64)) != 0
}
