package draw

import (
	"cmp"
	"strings"
	"time"
)

// haste says when time is short for a chunk: when a reserve is left, or two thirds of the time if that is less; and then each
// time that half of what was left has passed. If the next item follows at once, the chunk waits for it until half of the time has passed.
type haste struct{ next, waits time.Duration }

func (m *Model) isDue(all map[*iteration]*haste, it item) bool {
	if it.run == nil || it.run.end == 0 || m.ended(it) != "" {
		return false
	}
	h := all[it.run]
	if h == nil {
		h = &haste{next: min(it.run.reserve, (it.run.end-it.run.start)*2/3)}
		all[it.run] = h
	}
	left := it.run.end - m.now
	if left > h.next {
		return false
	}
	if it.followed {
		h.waits = cmp.Or(h.waits, left/2)
		if left > h.waits {
			return false
		}
	}
	for run, h := range all {
		if left := run.end - m.now; left <= h.next {
			h.next, h.waits = left/2, 0
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
			for i, it := range out {
				it.followed = it.followed || i < len(out)-1
				more := m.handOn(it, yield)
				it.hold(-1)
				if !more {
					stopped = true
					return false
				}
			}
			return true
		}
		all := map[*iteration]*haste{}
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
			due := m.isDue(all, it)
			return size < m.Stages[k].N && !due || flush()
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
