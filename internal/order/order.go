// Package order knows which records of a batch have failed, and so which
// records behind them must not be processed.
package order

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// Order holds the failures of one batch, line by line. A line is a group of
// records that take effect in the order of the batch. It is safe for
// concurrent use.
type Order struct {
	group []int32 // the line of each record, 0 for none; nil: one line for all
	any   atomic.Bool
	lines sync.Map // int32 to *line: most lines have no failure
}

type line struct {
	lowest atomic.Int32 // index of the first failed record, none if there is none
	mu     sync.Mutex
	failed map[failure]struct{}
	parts  map[int32]int // how many failures a record has
	sorted []int32       // the records that have failed; those before head are settled
	head   int
}

// failure is one failed Result: a record that was split into several fails, and
// is settled, part by part.
type failure struct {
	index  int32
	number uint32
}

const none = math.MaxInt32

// Whole returns the Order of a batch that is one line.
func Whole() *Order { return new(Order) }

// Groups returns the Order of a batch whose record i belongs to line group[i].
// Records of line 0 have no order.
func Groups(group []int32) *Order { return &Order{group: group} }

// Inner returns another Order of the same batch, without failures.
func (o *Order) Inner() *Order { return &Order{group: o.group} }

func (o *Order) number(index int) int32 {
	if o.group == nil {
		return 1
	}
	return o.group[index]
}

// line returns the line of a record, nil if it has none or nothing in it failed.
func (o *Order) line(index int) *line {
	if !o.any.Load() {
		return nil
	}
	l, ok := o.lines.Load(o.number(index))
	if !ok {
		return nil
	}
	return l.(*line)
}

// Fail adds a failure. Adding it twice counts once.
func (o *Order) Fail(index int, number uint32) {
	if o.number(index) == 0 {
		return
	}
	l := o.line(index)
	if l == nil {
		fresh := &line{failed: make(map[failure]struct{}), parts: make(map[int32]int)}
		fresh.lowest.Store(none)
		at, _ := o.lines.LoadOrStore(o.number(index), fresh)
		l = at.(*line)
		o.any.Store(true)
	}
	l.fail(failure{int32(index), number})
}

func (l *line) fail(f failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.failed[f]; ok {
		return
	}
	l.failed[f] = struct{}{}
	if l.parts[f.index]++; l.parts[f.index] > 1 {
		return
	}
	at, found := slices.BinarySearch(l.sorted, f.index)
	if !found {
		l.sorted = slices.Insert(l.sorted, at, f.index)
	}
	l.head = min(l.head, at)
	l.lowest.Store(l.sorted[l.head])
}

// Settle takes a failure back, if there is one.
func (o *Order) Settle(index int, number uint32) {
	if l := o.line(index); l != nil && int32(index) >= l.lowest.Load() {
		l.settle(failure{int32(index), number})
	}
}

func (l *line) settle(f failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.failed[f]; !ok {
		return
	}
	delete(l.failed, f)
	if l.parts[f.index]--; l.parts[f.index] > 0 {
		return
	}
	delete(l.parts, f.index)
	for l.head < len(l.sorted) && l.parts[l.sorted[l.head]] == 0 {
		l.head++
	}
	if l.head == len(l.sorted) {
		l.sorted, l.head = l.sorted[:0], 0
		l.lowest.Store(none)
		return
	}
	l.lowest.Store(l.sorted[l.head])
}

// Blocker returns the first failed record of the line of record index, if it
// stands before that record.
func (o *Order) Blocker(index int) (int, bool) {
	l := o.line(index)
	if l == nil {
		return 0, false
	}
	lowest := int(l.lowest.Load())
	return lowest, lowest < index
}
