package draw

import "slices"

// foreign is the model of a stage that is not made of the library's stages.
func (m *Model) foreign(k int, s stream) stream {
	stage := m.Stages[k]
	picked := func(it item) string { return stage.fate(it.index(), it.describe()) }
	each := func(f func(it item, yield func(item) bool) bool) stream {
		return func(yield func(item) bool) { s(func(it item) bool { return f(it, yield) }) }
	}
	switch stage.Kind {
	case "pull":
		return s
	case "drop":
		return each(func(it item, yield func(item) bool) bool { return picked(it) != "" || yield(it) })
	case "repeat":
		return each(func(it item, yield func(item) bool) bool { return yield(it) && (picked(it) == "" || yield(it)) })
	case "zero":
		return each(func(it item, yield func(item) bool) bool {
			return yield(it) && (picked(it) == "" || yield(item{state: failed, err: "other"}))
		})
	case "fail":
		return each(func(it item, yield func(item) bool) bool {
			switch fate := picked(it); {
			case it.state.unprocessed():
			case fate == picks:
				it = it.with(failed, fault(k, "misused"))
			case fate == toNil:
				it = it.with(failed, "other")
			}
			return yield(it)
		})
	case "relabel":
		return each(func(it item, yield func(item) bool) bool {
			if it.state == failed {
				it.err = fault(k, "relabelled")
			}
			return yield(it)
		})
	case "ack":
		return each(func(it item, yield func(item) bool) bool {
			if picked(it) != "" && !it.state.unprocessed() {
				it = it.with(done, "")
			}
			return yield(it)
		})
	case "retry":
		return each(func(it item, yield func(item) bool) bool {
			was := it
			if m.admitted(&it, m.seeUnseen) {
				var err string
				it.act()
				it.during(func() { _, err = m.do(k, it.record, it.value) })
				if err != "" {
					it = it.with(failed, err)
					m.seeUnseen(&it)
				}
			}
			if it.state.failure() && !was.state.failure() {
				it = was
				if m.admitted(&it, m.seeUnseen) {
					it.act()
					it.during(func() { m.call(k, it.value) })
				}
			}
			return yield(it)
		})
	case "hold", "reverse":
		return func(yield func(item) bool) {
			var held []item
			s(func(it item) bool {
				held = append(held, it)
				return true
			})
			if stage.Kind == "reverse" {
				slices.Reverse(held)
			}
			for _, it := range held {
				if !yield(it) {
					return
				}
			}
		}
	case "stop":
		return func(yield func(item) bool) {
			n := 0
			s(func(it item) bool {
				n++
				return yield(it) && n < stage.N
			})
		}
	case "twice":
		return func(yield func(item) bool) {
			more := true
			for range 2 {
				if more {
					s(func(it item) bool {
						more = yield(it)
						return more
					})
				}
			}
		}
	case "peek":
		return func(yield func(item) bool) {
			s(func(item) bool { return false })
			s(yield)
		}
	case "count":
		return func(yield func(item) bool) {
			s(func(item) bool { return true })
			s(yield)
		}
	case "none":
		return func(func(item) bool) {}
	case "instead":
		return m.source(m.other(k))
	case "other":
		return func(yield func(item) bool) {
			more := true
			for _, s := range []stream{s, m.source(m.other(k))} {
				if more {
					s(func(it item) bool {
						more = yield(it)
						return more
					})
				}
			}
		}
	}
	panic("draw: no kind " + stage.Kind)
}
