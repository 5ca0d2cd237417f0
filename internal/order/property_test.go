package order_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/lambdabatch/batch/internal/order"
	"pgregory.net/rapid"
)

// failures is an Order in the plainest way: a list of open failures, all of which are checked each time.
type failures struct {
	line  []int32
	holds []bool
	open  []failure
	next  map[order.Failure]uint16 // by part, the last version
}

type failure struct {
	order.Failure
	lanes  uint32
	unseen bool
	after  uint8
	cause  string
}

func part(f order.Failure) order.Failure { return order.Failure{Index: f.Index, Number: f.Number} }

func same(a, b order.Failure) bool { return part(a) == part(b) && a.Version == b.Version }

func (m *failures) fail(f failure) uint16 {
	m.settle(f.Failure, true)
	m.next[part(f.Failure)]++
	f.Version = m.next[part(f.Failure)]
	m.open = append(m.open, f)
	return f.Version
}

func (m *failures) settle(f order.Failure, unseen bool) {
	m.open = slices.DeleteFunc(m.open, func(o failure) bool {
		return part(o.Failure) == part(f) && (unseen && o.unseen || o.Version == f.Version)
	})
}

func (m *failures) place(f order.Failure, lanes uint32) {
	for i := range m.open {
		if same(m.open[i].Failure, f) {
			m.open[i].lanes = lanes
		}
	}
}

func (m *failures) blocker(index int, at order.Place) int {
	by := -1
	for _, f := range m.open {
		before, after := m.line[f.Index], m.line[index]
		same := before > 0 && (before == after || after == order.Any)
		undecided := at.Inside != 0 && f.lanes == at.Inside
		if f.unseen {
			undecided = f.after > at.After
		}
		if f.Index < index && m.holds[f.Index] && (before == order.Any || same) && !undecided && (by < 0 || f.Index < by) {
			by = f.Index
		}
	}
	return by
}

func (m *failures) unsettled(which func(order.Failure) bool) (all []order.Cause[string]) {
	for _, f := range m.open {
		if which(f.Failure) {
			all = append(all, order.Cause[string]{Failure: f.Failure, Cause: f.cause})
		}
	}
	return sorted(all)
}

func sorted(all []order.Cause[string]) []order.Cause[string] {
	slices.SortFunc(all, func(a, b order.Cause[string]) int {
		return cmp.Or(a.Index-b.Index, cmp.Compare(a.Number, b.Number), cmp.Compare(a.Version, b.Version))
	})
	return all
}

func TestAnOrderIsAListOfOpenFailures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const records, parts = 6, 3
		lines := rapid.SampledFrom([][]int32{{1}, {0, 1, 2}, {order.Any, 0, 1, 2}}).Draw(t, "lines")
		m := &failures{next: make(map[order.Failure]uint16)}
		for range records {
			m.line = append(m.line, rapid.SampledFrom(lines).Draw(t, "line"))
			m.holds = append(m.holds, rapid.IntRange(0, 4).Draw(t, "holds") > 0)
		}
		o := in(m.line...)
		var known []order.Failure // what Results carry; some of it was settled long ago, and copies use it again
		pick := func(t *rapid.T) order.Failure {
			if len(known) > 0 && rapid.Bool().Draw(t, "known") {
				return rapid.SampledFrom(known).Draw(t, "failure")
			}
			return order.Failure{
				Index:  rapid.IntRange(0, records-1).Draw(t, "record"),
				Number: rapid.Uint32Range(0, parts-1).Draw(t, "number"),
			}
		}
		causes := 0
		stays := uint32(1)
		fail := func(t *rapid.T, unseen bool, stay uint32) order.Failure {
			causes++
			f := failure{Failure: pick(t), unseen: unseen, cause: fmt.Sprintf("cause %d", causes)}
			f.Stay = stay
			var got uint16
			if unseen {
				f.after = rapid.Uint8Range(0, 3).Draw(t, "after")
				got = o.Try(f.Failure, m.holds[f.Index], f.after, f.cause)
			} else {
				got = o.Fail(f.Failure, m.holds[f.Index], f.cause)
			}
			if want := m.fail(f); got != want {
				t.Fatalf("%v has version %d, want %d", f, got, want)
			}
			f.Version = got
			known = append(known, f.Failure)
			return f.Failure
		}
		t.Repeat(map[string]func(*rapid.T){
			"fail": func(t *rapid.T) { fail(t, false, 0) },
			"try":  func(t *rapid.T) { fail(t, true, 0) },
			"pass": func(t *rapid.T) {
				f := pick(t)
				o.Pass(f)
				m.settle(f, true)
			},
			"settle": func(t *rapid.T) {
				f := pick(t)
				o.Settle(f)
				m.settle(f, false)
			},
			"enter": func(t *rapid.T) {
				f, lanes := pick(t), rapid.Uint32Range(1, 3).Draw(t, "lanes")
				o.Enter(f, lanes)
				m.place(f, lanes)
			},
			"leave": func(t *rapid.T) { // a lane hands over the failures that were thrown away in it
				stay := stays
				stays++
				for range rapid.IntRange(0, 4).Draw(t, "failures") {
					f := fail(t, rapid.Bool().Draw(t, "unseen"), stay)
					if rapid.Bool().Draw(t, "settled") {
						o.Settle(f)
						m.settle(f, false)
					}
				}
				got := o.Leave(stay)
				if want := m.unsettled(func(f order.Failure) bool { return f.Stay == stay }); !slices.Equal(got, want) {
					t.Fatalf("left: %v, want %v", got, want)
				}
				for _, f := range got {
					o.Settle(f.Failure)
					m.settle(f.Failure, false)
				}
			},
			"": func(t *rapid.T) {
				for index := range records {
					for place := range uint8(16) {
						at := order.Place{After: place % 4, Inside: uint32(place / 4)}
						if got, want := blockerAt(o, index, at), m.blocker(index, at); got != want {
							t.Fatalf("record %d at %v is held by %d, want %d: %v", index, at, got, want, m.open)
						}
					}
				}
				if got, want := o.Unsettled(), m.unsettled(func(order.Failure) bool { return true }); !slices.Equal(got, want) {
					t.Fatalf("unsettled: %v, want %v", got, want)
				}
				unseen := slices.ContainsFunc(m.open, func(f failure) bool { return f.unseen })
				if o.Open() != (len(m.open) > 0) || o.Unseen() != unseen {
					t.Fatalf("open %v, unseen %v: %v", o.Open(), o.Unseen(), m.open)
				}
			},
		})
	})
}
