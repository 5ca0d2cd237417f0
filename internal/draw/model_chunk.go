package draw

import (
	"cmp"
	"slices"
	"strings"
)

// bulk is the model of a chunk while its stage runs.
type bulk struct{ flush func() (more bool) }

// hurry flushes the chunks that follow a source if time runs short: when a reserve is left, or half of the time if that is less;
// and then each time that half of what was left has passed.
func (m *Model) hurry(run *iteration) (more bool) {
	if len(run.bulk) == 0 || run.end == 0 {
		return true
	}
	left := run.end - m.now
	if left > cmp.Or(run.shortAt, min(run.reserve, (run.end-run.start)/2)) {
		return true
	}
	run.shortAt = left / 2
	for round := 0; round < len(run.bulk); round++ {
		for _, b := range slices.Clone(run.bulk) {
			if !b.flush() {
				return false
			}
		}
	}
	return true
}

func (m *Model) chunk(k int, s stream) stream {
	return func(yield func(item) bool) {
		var held []item
		size := 0
		stopped := false
		flush := func() bool {
			m.write(k, held)
			out := held
			held, size = nil, 0
			for _, it := range out {
				more := m.handOn(it, yield)
				it.hold(-1)
				if !more {
					stopped = true
					return false
				}
			}
			return true
		}
		b := &bulk{flush: func() bool { return !stopped && flush() }}
		var runs []*iteration
		defer func() {
			for _, run := range runs {
				run.bulk = slices.DeleteFunc(run.bulk, func(other *bulk) bool { return other == b })
			}
		}()
		s(func(it item) bool {
			if m.admit(&it) {
				it.act()
				size++
			} else if len(held) == 0 {
				stopped = !yield(it)
				return !stopped
			}
			held = append(held, it)
			it.hold(1)
			if run := it.run; run != nil && !slices.Contains(runs, run) {
				run.bulk, runs = append(run.bulk, b), append(runs, run)
			}
			return size < m.Stages[k].N || flush()
		})
		if !stopped {
			flush()
		}
	}
}

func (m *Model) write(k int, held []item) {
	var values []string
	var at []int
	for i := range held {
		if held[i].state == ready && m.admit(&held[i]) {
			values, at = append(values, held[i].value), append(at, i)
		}
	}
	if len(values) == 0 {
		return
	}
	m.call(k, strings.Join(values, " "))
	all, errs := "", make([]string, len(values))
	for j, i := range at {
		fate := m.Stages[k].fate(held[i].record, values[j])
		if fate == panics {
			all = "panic:" + fault(k, values[j])
			break
		}
		if fate == fails {
			errs[j] = fault(k, values[j])
			if !m.Stages[k].Items {
				all = errs[j]
				break
			}
		}
	}
	for j, i := range at {
		if all != "" {
			errs[j] = all
		}
		if errs[j] != "" {
			held[i] = held[i].with(failed, errs[j])
			m.see(&held[i])
		}
	}
}
