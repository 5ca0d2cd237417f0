package draw

import "slices"

// see is what every built-in stage does first. A failed item counts from now on. Any other item
// settles the failure that it descends from. Unseen failures of the same part were not sent on, so
// they no longer count.
func (m *Model) see(it *item) { m.update(it, false) }

// seeUnseen is for an item that a foreign stage has made and might not send on.
func (m *Model) seeUnseen(it *item) { m.update(it, true) }

func (m *Model) update(it *item, unseen bool) {
	if it.run == nil {
		return
	}
	it.run.open = slices.DeleteFunc(it.run.open, func(f *failure) bool {
		return f == it.failed || f.unseen && f.record == it.record && f.number == it.number
	})
	it.failed = nil
	if it.state.failure() {
		it.failed = &failure{*it, unseen}
		it.run.open = append(it.run.open, it.failed)
	}
}

// ended returns why the context of the item has ended, "" if it has not.
func (m *Model) ended(it item) string {
	end, ends := m.endOf(it.run)
	switch {
	case !ends || m.now < end:
		return ""
	case end == m.cancelled:
		return "not started, shut down"
	}
	return "not started, too late"
}

// blocker returns the first failed record that holds back the item, -1 if there is none.
func (m *Model) blocker(it item) int {
	of := it.run.of
	for i := range it.record {
		if !of.ordered(i, it.record) || of.lastReceive(i) {
			continue
		}
		for _, f := range it.run.open {
			if f.record == i {
				return i
			}
		}
	}
	return -1
}

// refusal returns the item unchanged if a function may be called for it, and unprocessed if not.
func (m *Model) refusal(it item) item {
	if why := m.ended(it); why != "" {
		return it.with(notStarted, why+it.run.of.names())
	}
	if by := m.blocker(it); by >= 0 {
		return it.with(blocked, "blocked"+it.run.of.names(by))
	}
	return it
}

// admit reports whether a function may be called for the item. If the item is refused, it is changed.
func (m *Model) admit(it *item) bool { return m.admitted(it, m.see) }

func (m *Model) admitted(it *item, see func(*item)) bool {
	m.see(it)
	if it.state != ready {
		return false
	}
	if *it = m.refusal(*it); it.state != ready {
		see(it)
	}
	return it.state == ready
}
