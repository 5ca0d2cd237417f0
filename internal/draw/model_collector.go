package draw

import (
	"cmp"
	"slices"
	"time"

	"github.com/samber/lo"
)

// collector is the model of the collector.
type collector struct {
	m       *Model
	learned *iteration    // the first one that it watched
	since   time.Duration // when learned began
	cut     bool          // the response was due before the pipeline ended
	tallies []*tally
	values  []item
	logged  []string
}

// tally is what has arrived of one iteration.
type tally struct {
	run    *iteration
	seen   map[part]bool
	failed map[int]item // by record
}

func (c *collector) tallyOf(run *iteration) *tally {
	if t, ok := lo.Find(c.tallies, func(t *tally) bool { return t.run == run }); ok {
		return t
	}
	t := &tally{run: run, seen: map[part]bool{}, failed: map[int]item{}}
	c.tallies = append(c.tallies, t)
	return t
}

// learn is called for each iteration that it watches.
func (c *collector) learn(run *iteration) {
	c.tallyOf(run)
	if c.learned == nil {
		c.learned, c.since, c.m.awaited = run, c.m.now, run
	}
}

func (c *collector) add(it item) bool {
	if it.run == nil {
		return true
	}
	c.m.see(&it)
	if c.m.watch != nil && !slices.ContainsFunc(c.tallies, func(t *tally) bool { return t.run == it.run }) {
		return true // of another batch
	}
	t := c.tallyOf(it.run)
	p := part{it.record, it.number}
	if !t.seen[p] && it.state == ready {
		c.values = append(c.values, it)
	}
	t.seen[p] = true
	c.fail(t, it)
	return true
}

// fail notes a failure. It is logged if the record has not failed before.
func (c *collector) fail(t *tally, it item) {
	was, ok := t.failed[it.record]
	if !it.state.failure() || ok && (!was.state.unprocessed() || it.state != failed) {
		return
	}
	t.failed[it.record] = it
	if it.state == failed && !it.run.of.other {
		c.logged = append(c.logged, it.run.of.Records[it.record].ID)
	}
}

// addUnsettled adds the failures that were never settled and did not arrive.
func (c *collector) addUnsettled() {
	logged := len(c.logged)
	defer func() { c.logged = c.logged[:min(len(c.logged), logged+16)] }() // the library limits how many it logs
	for _, t := range c.tallies {
		open := slices.Clone(t.run.open)
		slices.SortStableFunc(open, func(a, b *failure) int {
			return cmp.Or(cmp.Compare(a.record, b.record), cmp.Compare(a.number, b.number))
		})
		for _, f := range open {
			c.fail(t, f.item)
		}
	}
}

// complete reports whether every part of the record has arrived.
func (t *tally) complete(record int) bool {
	if t.run.held[record] > 0 {
		return false
	}
	for number := range t.run.given[record] + 1 {
		p := part{record, number}
		if !t.seen[p] && !t.run.split[p] {
			return false
		}
	}
	return true
}

// due returns when the response is due, 0 for never.
func (c *collector) due() time.Duration {
	if c.learned == nil || c.m.Deadline == 0 || c.learned.of.free {
		return 0
	}
	end, _ := c.m.endOf(c.learned)
	return max(end, c.since) + c.learned.reserve/2
}

// verdicts returns what becomes of each record of a source. The state of an acknowledged record is done.
func (c *collector) verdicts(of *origin) []item {
	all := lo.Times(len(of.Records), func(i int) item { return item{record: i, state: done} })
	lost := func(i int) item { return item{record: i, state: unreached, err: "unreached" + of.names()} }
	worsen := func(i int, bad item) {
		if all[i].state == done || all[i].state.unprocessed() && bad.state == failed {
			all[i] = bad
		}
	}
	own := lo.Filter(c.tallies, func(t *tally, _ int) bool { return t.run.of == of })
	worsenBy := func(t *tally, records int) {
		for i := range records {
			if bad, ok := t.failed[i]; ok {
				worsen(i, bad)
			} else if !t.complete(i) {
				worsen(i, lost(i))
			}
		}
	}
	arrived := false
	var lookedAhead []*tally
	for k, t := range own {
		underWay := c.cut && !t.run.left && (!t.run.ended || k == len(own)-1)
		if len(t.seen) == 0 && !underWay {
			lookedAhead = append(lookedAhead, t)
			continue
		}
		arrived = true
		worsenBy(t, len(all))
	}
	for _, t := range own {
		for i, bad := range t.failed {
			if bad.state == failed || !arrived {
				worsen(i, bad)
			}
		}
		if c.cut && t.run.out > 0 {
			worsen(t.run.out-1, lost(t.run.out-1))
		}
	}
	for _, t := range lookedAhead {
		holds := lo.SomeBy(lo.Values(t.run.held), func(n int) bool { return n > 0 })
		if c.cut && (t.run.acted || holds) { // the stage may work on what it has kept
			worsenBy(t, t.run.begun)
		}
	}
	for i := range all {
		if !arrived {
			worsen(i, lost(i))
		}
	}
	for blockOrdered(of, all); blockShared(of, all); blockOrdered(of, all) {
	}
	return all
}

// blockOrdered blocks the records that a reported one holds back.
func blockOrdered(of *origin, all []item) {
	for j := range all {
		for i := range j {
			if all[i].state != done && all[j].state == done && of.ordered(i, j) && !of.lastReceive(i) {
				all[j] = item{record: j, state: blocked, err: "blocked" + of.names(i)}
			}
		}
	}
}

// blockShared blocks the records whose identifier is reported. It reports whether there were any.
func blockShared(of *origin, all []item) (more bool) {
	failed := slices.Clone(all)
	for j := range all {
		for i := range failed {
			if id := of.Records[i].ID; all[j].state == done && failed[i].state != done && id == of.Records[j].ID && id != "" {
				all[j] = item{record: j, state: blocked, err: "blocked" + of.names(i)}
				more = true
			}
		}
	}
	return more
}
