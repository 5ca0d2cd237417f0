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
	size  int
	lines atomic.Pointer[[]line] // nil: nothing has failed
	once  sync.Once
}

type line struct {
	lowest atomic.Int32 // index of the first failed record, none if there is none
	mu     sync.Mutex
	failed map[int32][]uint32 // the failed Results of each record
	sorted []int32            // the records that have failed; those before head are settled
	head   int
}

const none = math.MaxInt32

// Whole returns the Order of a batch that is one line.
func Whole() *Order { return build(nil, 1) }

// Groups returns the Order of a batch whose record i belongs to line group[i].
// Lines are numbered from 1 to lines; records of line 0 have no order.
func Groups(group []int32, lines int) *Order { return build(group, lines+1) }

func build(group []int32, lines int) *Order { return &Order{group: group, size: lines} }

// Inner returns another Order of the same batch, without failures.
func (o *Order) Inner() *Order { return build(o.group, o.size) }

// fill makes the lines, which an Order without failures does not need.
func (o *Order) fill() {
	lines := make([]line, o.size)
	for i := range lines {
		lines[i].lowest.Store(none)
	}
	o.lines.Store(&lines)
}

// line returns the line of a record, nil if it has none or nothing has failed.
func (o *Order) line(index int) *line {
	lines := o.lines.Load()
	switch {
	case lines == nil:
		return nil
	case o.group == nil:
		return &(*lines)[0]
	case o.group[index] == 0:
		return nil
	}
	return &(*lines)[o.group[index]]
}

// Fail adds a failure. Adding it twice counts once.
func (o *Order) Fail(index int, number uint32) {
	o.once.Do(o.fill)
	l := o.line(index)
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail(int32(index), number)
}

// fail adds a failure. A record that was split into several fails, and is settled,
// part by part.
func (l *line) fail(index int32, number uint32) {
	if l.failed == nil {
		l.failed = make(map[int32][]uint32)
	}
	if !slices.Contains(l.failed[index], number) {
		l.failed[index] = append(l.failed[index], number)
	}
	at, found := slices.BinarySearch(l.sorted, index)
	if !found {
		l.sorted = slices.Insert(l.sorted, at, index)
	}
	l.head = min(l.head, at)
	l.lowest.Store(l.sorted[l.head])
}

// Settle takes a failure back, if there is one.
func (o *Order) Settle(index int, number uint32) {
	l := o.line(index)
	if l == nil || int32(index) < l.lowest.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle(int32(index), number)
}

func (l *line) settle(index int32, number uint32) {
	left := l.failed[index]
	if at := slices.Index(left, number); at >= 0 {
		left = slices.Delete(left, at, at+1)
		l.failed[index] = left
	}
	if len(left) > 0 {
		return
	}
	delete(l.failed, index)
	for l.head < len(l.sorted) && len(l.failed[l.sorted[l.head]]) == 0 {
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
