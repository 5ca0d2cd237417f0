package draw

import (
	"slices"
	"strconv"
)

type stream func(yield func(item) bool)

func (m *Model) source(of *origin) stream {
	return func(yield func(item) bool) {
		if len(of.Records) == 0 {
			return
		}
		run := m.iterate(of)
		for i, r := range of.Records {
			it := item{run: run, record: i, value: strconv.Itoa(i)}
			if of.other {
				it.value += "o"
			}
			if r.Bad {
				it = it.with(failed, "undecodable "+strconv.Quote(r.ID))
				m.see(&it)
			}
			if !m.handOn(it, yield) {
				return
			}
		}
	}
}

// pure are the stages whose functions have no effects.
var pure = []string{"map", "filter", "flatMap", "decode"}

// after is the stream after the first k stages. after(entry) is the source itself.
func (m *Model) after(k int) stream {
	var s stream
	switch {
	case k == entry:
		s = m.source(m.main)
	case k == 0:
		s = m.after(entry)
		if m.hasEntry() {
			s = m.entering(s)
		}
	default:
		s = m.stage(k-1, m.after(k-1))
	}
	if k == m.Cut && m.watch != nil {
		watched := s
		s = func(yield func(item) bool) {
			var last *iteration
			watched(func(it item) bool {
				if it.run != nil {
					if last != nil && last != it.run {
						last.ended = true
					}
					last = it.run
					last.begun = it.record + 1
					m.watch(it.run)
				}
				more := yield(it)
				if !more && it.run != nil {
					it.run.left = true
				}
				return more
			})
			if last != nil && !last.left {
				last.ended = true
			}
		}
	}
	return s
}

func (m *Model) entering(s stream) stream {
	return func(yield func(item) bool) {
		s(func(it item) bool {
			if m.admit(&it) {
				if m.Source == DynamoDB { // TryMap, and not Decode
					it.act()
				}
				it.during(func() { m.call(entry, it.value) })
			}
			return yield(it)
		})
	}
}

func (m *Model) stage(k int, s stream) stream {
	suffix := "." + strconv.Itoa(k)
	see := m.see
	if m.Stages[k].Kind == "then" {
		see = m.seeUnseen
	}
	// calling makes a stage that calls a function for each Ready item.
	calling := func(then func(it item, fate string, yield func(item) bool) bool) stream {
		return func(yield func(item) bool) {
			s(func(it item) bool {
				if !m.admitted(&it, see) {
					return yield(it)
				}
				if !slices.Contains(pure, m.Stages[k].Kind) {
					it.act()
				}
				var fate, err string
				it.during(func() { fate, err = m.do(k, it.record, it.value) })
				if fate == fails && m.Stages[k].Kind == "decode" {
					err = "undecodable " + strconv.Quote(it.run.of.Records[it.record].ID) + ": " + err
				}
				if err != "" {
					it = it.with(failed, err)
					see(&it)
					return yield(it)
				}
				return then(it, fate, yield)
			})
		}
	}
	stage := m.Stages[k]
	switch stage.Kind {
	case "map", "tryMap", "decode", "then":
		return calling(func(it item, _ string, yield func(item) bool) bool {
			it.value += suffix
			return yield(it)
		})
	case "tryEach", "each":
		return calling(func(it item, _ string, yield func(item) bool) bool { return yield(it) })
	case "filter", "tryFilter":
		return calling(func(it item, fate string, yield func(item) bool) bool {
			if fate == rejects {
				it = it.with(done, "")
			}
			return yield(it)
		})
	case "flatMap", "tryFlatMap":
		return calling(func(it item, _ string, yield func(item) bool) bool {
			if stage.N == 0 {
				return yield(it.with(done, ""))
			}
			run := it.run
			run.split[part{it.record, it.number}] = true
			first := run.given[it.record] + 1
			run.given[it.record] += stage.N
			followed := it.followed
			for i, value := range parts(it.value, k, stage.N) {
				it.value, it.number, it.followed = value, first+i, followed || i < stage.N-1
				if !yield(it) {
					return false
				}
			}
			return true
		})
	case "tap":
		return func(yield func(item) bool) {
			s(func(it item) bool {
				m.see(&it)
				var err string
				it.during(func() { _, err = m.do(k, it.index(), it.describe()) })
				if err != "" && !it.state.unprocessed() {
					if it.state == failed {
						err = "join(" + it.err + "+" + err + ")"
					}
					it = it.with(failed, err)
					m.see(&it)
				}
				return yield(it)
			})
		}
	case "catch", "orElse":
		return func(yield func(item) bool) {
			s(func(it item) bool {
				m.see(&it)
				if it.state != failed || it.run == nil || m.refusal(it).state != failed {
					return yield(it)
				}
				it.act()
				fate, err := m.do(k, it.record, it.err)
				switch {
				case err != "":
					it.err = err
				case fate == settles && stage.Kind == "catch":
					it = it.with(done, "")
				case fate == settles:
					it.state, it.value, it.err = ready, strconv.Itoa(it.record)+"="+it.err, ""
				}
				m.see(&it)
				return yield(it)
			})
		}
	case "chunk":
		return m.chunk(k, s)
	}
	return m.foreign(k, s)
}
