// Package order knows which records of a batch have failed, and so which
// records behind them must not be processed.
package order

import (
	"math"
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
	failed map[failure]struct{}
}

// failure is one failed Result: a record that was split into several fails, and
// is settled, part by part.
type failure struct {
	index  int32
	number uint32
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
	if l.failed == nil {
		l.failed = make(map[failure]struct{})
	}
	l.failed[failure{int32(index), number}] = struct{}{}
	if int32(index) < l.lowest.Load() {
		l.lowest.Store(int32(index))
	}
}

// Settle takes a failure back, if there is one.
func (o *Order) Settle(index int, number uint32) {
	l := o.line(index)
	if l == nil || int32(index) < l.lowest.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.failed, failure{int32(index), number})
	if int32(index) != l.lowest.Load() {
		return
	}
	lowest := int32(none)
	for f := range l.failed {
		lowest = min(lowest, f.index)
	}
	l.lowest.Store(lowest)
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
