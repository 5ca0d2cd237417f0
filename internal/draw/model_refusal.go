package draw

import "slices"

// look is what every stage of the library does first: what has failed now counts, and what
// is not settles the failure that it descends from. Loose failures of the same part never
// went on.
func (m *Model) look(it *item) { m.note(it, false) }

// try is for a Result that a foreign stage has made and may keep to itself.
func (m *Model) try(it *item) { m.note(it, true) }

func (m *Model) note(it *item, loose bool) {
	if it.run == nil {
		return
	}
	it.run.open = slices.DeleteFunc(it.run.open, func(f *failure) bool {
		return f == it.failed || f.loose && f.record == it.record && f.number == it.number
	})
	it.failed = nil
	if it.state.failure() {
		it.failed = &failure{*it, loose}
		it.run.open = append(it.run.open, it.failed)
	}
}

// over returns why the context of the item has ended, or "".
func (m *Model) over(it item) string {
	end, ends := m.endOf(it.run)
	switch {
	case !ends || m.now < end:
		return ""
	case end == m.cancelled:
		return "not started, shut down"
	}
	return "not started, too late"
}

// blocker returns the first failed record that the item comes after, or -1.
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

// refusal returns the item as it is if its record may have a function called.
func (m *Model) refusal(it item) item {
	if why := m.over(it); why != "" {
		return it.with(notStarted, why+it.run.of.names())
	}
	if by := m.blocker(it); by >= 0 {
		return it.with(blocked, "blocked"+it.run.of.names(by))
	}
	return it
}

// admit returns whether a function may be called for the value of the item.
func (m *Model) admit(it *item) bool { return m.admitted(it, m.look) }

func (m *Model) admitted(it *item, note func(*item)) bool {
	m.look(it)
	if it.state != ready {
		return false
	}
	if *it = m.refusal(*it); it.state != ready {
		note(it)
	}
	return it.state == ready
}
