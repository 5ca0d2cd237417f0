package order_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/lambdabatch/batch/internal/order"
	"pgregory.net/rapid"
)

// failures is an Order in the plainest way: a list of open failures, of which every question looks at all.
type failures struct {
	line  []int32
	holds []bool
	open  []failure
	next  map[order.Failure]uint16 // by part, the last version
}

type failure struct {
	order.Failure
	lanes uint8
	loose bool
	cause string
}

func part(f order.Failure) order.Failure { return order.Failure{Index: f.Index, Number: f.Number} }

func (m *failures) fail(f order.Failure, loose bool, cause string) uint16 {
	m.pass(f)
	m.next[part(f)]++
	f.Version = m.next[part(f)]
	m.open = append(m.open, failure{f, 0, loose, cause})
	return f.Version
}

func (m *failures) pass(f order.Failure) {
	m.open = slices.DeleteFunc(m.open, func(o failure) bool {
		return part(o.Failure) == part(f) && (o.loose || o.Version == f.Version)
	})
}

func (m *failures) place(f order.Failure, lanes uint8) {
	for i := range m.open {
		if m.open[i].Failure == f {
			m.open[i].lanes = lanes
		}
	}
}

func (m *failures) blocker(index int, lanes uint8) int {
	by := -1
	for _, f := range m.open {
		before, after := m.line[f.Index], m.line[index]
		same := before > 0 && (before == after || after == order.Any)
		undecided := lanes != 0 && f.lanes == lanes
		if f.Index < index && m.holds[f.Index] && (before == order.Any || same && (!undecided || after == order.Any)) && (by < 0 || f.Index < by) {
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
		var known []order.Failure // what holders of Results know, some of it long settled: copies use it again
		pick := func(t *rapid.T) order.Failure {
			if len(known) > 0 && rapid.Bool().Draw(t, "known") {
				return rapid.SampledFrom(known).Draw(t, "failure")
			}
			return order.Failure{Index: rapid.IntRange(0, records-1).Draw(t, "record"), Number: rapid.Uint32Range(0, parts-1).Draw(t, "number")}
		}
		causes := 0
		fail := func(t *rapid.T, how func(order.Failure, bool, string) uint16, loose bool) {
			causes++
			f, cause := pick(t), fmt.Sprintf("cause %d", causes)
			got, want := how(f, m.holds[f.Index], cause), m.fail(f, loose, cause)
			if got != want {
				t.Fatalf("%v has version %d, want %d", f, got, want)
			}
			f.Version = got
			known = append(known, f)
		}
		t.Repeat(map[string]func(*rapid.T){
			"fail": func(t *rapid.T) { fail(t, o.Fail, false) },
			"try":  func(t *rapid.T) { fail(t, o.Try, true) },
			"pass": func(t *rapid.T) {
				f := pick(t)
				o.Pass(f)
				m.pass(f)
			},
			"enter": func(t *rapid.T) {
				f, lanes := pick(t), rapid.Uint8Range(1, 3).Draw(t, "lanes")
				o.Enter(f, lanes)
				m.place(f, lanes)
			},
			"return": func(t *rapid.T) {
				f := pick(t)
				o.Return(f)
				m.place(f, 0)
			},
			"take": func(t *rapid.T) { // a lane hands over what was thrown away in it
				index, least := rapid.IntRange(0, records-1).Draw(t, "record"), rapid.Uint32Range(0, parts).Draw(t, "least")
				got := sorted(o.Of(index, func(number uint32) bool { return number >= least }))
				want := m.unsettled(func(f order.Failure) bool { return f.Index == index && f.Number >= least })
				if !slices.Equal(got, want) {
					t.Fatalf("taken: %v, want %v", got, want)
				}
				for _, f := range got {
					o.Pass(f.Failure)
					m.pass(f.Failure)
				}
			},
			"": func(t *rapid.T) {
				for index := range records {
					for lanes := range uint8(4) {
						if got, want := blocker(o, index, lanes), m.blocker(index, lanes); got != want {
							t.Fatalf("record %d in lanes %d is held by %d, want %d: %v", index, lanes, got, want, m.open)
						}
					}
				}
				if got, want := o.Unsettled(), m.unsettled(func(order.Failure) bool { return true }); !slices.Equal(got, want) {
					t.Fatalf("unsettled: %v, want %v", got, want)
				}
				loose := slices.ContainsFunc(m.open, func(f failure) bool { return f.loose })
				if o.Open() != (len(m.open) > 0) || o.Loose() != loose {
					t.Fatalf("open %v, loose %v: %v", o.Open(), o.Loose(), m.open)
				}
			},
		})
	})
}
