package ledger_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lambdabatch/batch/internal/ledger"
	"pgregory.net/rapid"
)

// A driver does the same to a ledger and to a model.
type driver struct {
	model   model
	numbers []*ledger.Numbers
	tallies []*ledger.Tally
	errs    int
}

func (c *driver) begin() {
	n, t := one(c.model.records)
	c.numbers, c.tallies = append(c.numbers, n), append(c.tallies, t)
	c.model.passes = append(c.model.passes, newPass(c.model.records))
}

// pick draws an iteration and any part of one of its records, even one that has arrived or was split.
func (c *driver) pick(t *rapid.T) (pass, record int, number uint32) {
	pass = rapid.IntRange(0, len(c.model.passes)-1).Draw(t, "pass")
	record = rapid.IntRange(0, c.model.records-1).Draw(t, "record")
	number = uint32(rapid.IntRange(0, len(c.model.passes[pass].given[record])-1).Draw(t, "number"))
	return pass, record, number
}

func (c *driver) verdict(t *rapid.T, states ...ledger.State) ledger.Verdict {
	c.errs++
	v := ledger.Verdict{State: rapid.SampledFrom(states).Draw(t, "state")}
	if v.State.Failure() {
		v.Err = fmt.Errorf("failure %d", c.errs)
	}
	return v
}

func (c *driver) split(t *rapid.T) {
	pass, record, number := c.pick(t)
	n := rapid.OneOf(rapid.IntRange(1, 3), rapid.Just(70)).Draw(t, "n")
	p := c.model.passes[pass]
	first := c.numbers[pass].Split(record, number, n)
	if want := uint32(len(p.given[record])); first != want {
		t.Fatalf("the first number is %d, want %d", first, want)
	}
	p.splits(record, number, first, n)
}

func (c *driver) arrive(t *rapid.T) {
	pass, record, number := c.pick(t)
	c.arrives(t, pass, record, number, c.verdict(t, ledger.Ready, ledger.Ready, ledger.Done, ledger.Done,
		ledger.Failed, ledger.Blocked, ledger.NotStarted, ledger.Unreached))
}

func (c *driver) arrives(t *rapid.T, pass, record int, number uint32, v ledger.Verdict) {
	p := c.model.passes[pass]
	before := worst(p.failures[record])
	worse := c.tallies[pass].Arrive(record, number, v)
	p.arrives(record, number, v)
	if worse != (worst(p.failures[record]) != before) {
		t.Fatalf("worse %v", worse)
	}
	if v.State == ledger.Ready && c.tallies[pass].Value(record, number) == p.valued[record][number] {
		t.Fatalf("the value of part %d of record %d came before: %v", number, record, p.valued[record][number])
	} else if v.State == ledger.Ready {
		p.valued[record][number] = true
	}
}

// finish makes all missing parts of a record arrive, in any order.
func (c *driver) finish(t *rapid.T) {
	pass, record, _ := c.pick(t)
	p := c.model.passes[pass]
	var missing []uint32
	for number := range p.given[record] {
		if !p.arrived[record][number] && !p.split[record][number] {
			missing = append(missing, number)
		}
	}
	slices.Sort(missing)
	for _, number := range rapid.Permutation(missing).Draw(t, "order") {
		c.arrives(t, pass, record, number, ready)
	}
}

func (c *driver) fail(t *rapid.T) {
	pass, record, _ := c.pick(t)
	v := c.verdict(t, ledger.Failed, ledger.Blocked)
	c.tallies[pass].Fail(record, v)
	c.model.passes[pass].fails(record, v)
}

func (c *driver) hold(t *rapid.T) {
	pass, record, _ := c.pick(t)
	if held := &c.model.passes[pass].held[record]; *held > 0 && rapid.Bool().Draw(t, "release") {
		c.numbers[pass].Release(record)
		*held--
	} else {
		c.numbers[pass].Hold(record)
		*held++
	}
}

func (c *driver) end(t *rapid.T) {
	pass, _, _ := c.pick(t)
	left, begun := rapid.Bool().Draw(t, "left"), rapid.IntRange(0, c.model.records).Draw(t, "begun")
	c.tallies[pass].Left, c.tallies[pass].Ended, c.tallies[pass].Begun = left, !left, begun
	p := c.model.passes[pass]
	p.left, p.ended, p.begun = left, !left, begun
}

// act calls functions in an iteration, one of which may end its goroutine.
func (c *driver) act(t *rapid.T) {
	pass, _, _ := c.pick(t)
	exits := rapid.Bool().Draw(t, "exits")
	c.tallies[pass].Acted, c.tallies[pass].Interrupted = true, c.tallies[pass].Interrupted || exits
	p := c.model.passes[pass]
	p.acted, p.exited = true, p.exited || exits
}

func (c *driver) check(t *rapid.T) {
	for _, cut := range []bool{false, true} {
		f, want := ledger.NewFold(c.model.records, c.tallies, cut), c.model.fold(cut)
		if got := verdicts(&f, c.model.records); !slices.Equal(got, want) {
			t.Fatalf("cut %v: the fold is %v, want %v", cut, got, want)
		}
		if clean := !slices.ContainsFunc(want, func(v ledger.Verdict) bool { return v != done }); f.Clean() != clean {
			t.Fatalf("cut %v: clean is %v", cut, f.Clean())
		}
	}
}

func TestAFoldIsWhatTheModelSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &driver{model: model{records: rapid.IntRange(1, 4).Draw(t, "records")}}
		c.begin()
		t.Repeat(map[string]func(*rapid.T){
			"split":  c.split,
			"arrive": c.arrive,
			"finish": c.finish,
			"fail":   c.fail,
			"hold":   c.hold,
			"end":    c.end,
			"act":    c.act,
			"begin": func(t *rapid.T) {
				if len(c.tallies) == 3 {
					t.Skip()
				}
				c.begin()
			},
			"": c.check,
		})
	})
}

func TestAPolicyReportsWhatTheModelSays(t *testing.T) {
	lines := rapid.SampledFrom([][]int32{{0}, {1}, {0, 1, 2, 3}, {ledger.Any, 0, 1, 2}})
	states := []ledger.State{ledger.Done, ledger.Done, ledger.Done, ledger.Failed, ledger.Blocked, ledger.Unreached}
	rapid.Check(t, func(t *rapid.T) {
		var (
			c      driver
			fold   []ledger.Verdict
			line   []int32
			blocks []bool
			ids    []string
		)
		of := rapid.SampledFrom(lines.Draw(t, "lines"))
		for range rapid.IntRange(1, 10).Draw(t, "records") {
			fold = append(fold, c.verdict(t, states...))
			line = append(line, of.Draw(t, "line"))
			blocks = append(blocks, rapid.IntRange(0, 3).Draw(t, "blocks") > 0)
			ids = append(ids, rapid.SampledFrom([]string{"", "a", "b", "c", "d"}).Draw(t, "id"))
		}
		f := folded(fold...)
		f.HoldBack(func(record int) int32 { return line[record] }, func(record int) bool { return blocks[record] })
		want := held(fold, line, blocks)
		if got := verdicts(f, len(fold)); !slices.Equal(got, want) {
			t.Fatalf("%v in lines %v, of which %v block, became %v, want %v", fold, line, blocks, got, want)
		}
		f.ReportShared(func(record int) string { return ids[record] })
		if got, want := verdicts(f, len(fold)), shared(want, ids); !slices.Equal(got, want) {
			t.Fatalf("identifiers %v: %v, want %v", ids, got, want)
		}
	})
}
