package draw

import (
	"cmp"
	"slices"
	"time"
)

// collector is the model of what folds Results into the answer.
type collector struct {
	m       *Model
	learned *iteration // the first, where it is told of iterations
	since   time.Duration
	cut     bool // the answer was due before the end
	tallies []*tally
	values  []item
	logged  []string
}

type tally struct {
	run  *iteration
	seen map[result]bool
	bad  map[int]item // by record
}

func (c *collector) tallyOf(run *iteration) *tally {
	for _, t := range c.tallies {
		if t.run == run {
			return t
		}
	}
	t := &tally{run: run, seen: map[result]bool{}, bad: map[int]item{}}
	c.tallies = append(c.tallies, t)
	return t
}

func (c *collector) learn(run *iteration) {
	c.tallyOf(run)
	if c.learned == nil {
		c.learned, c.since = run, c.m.now
	}
}

func (c *collector) add(it item) bool {
	if it.run == nil {
		return true
	}
	c.m.look(&it)
	if c.m.watch != nil && !slices.ContainsFunc(c.tallies, func(t *tally) bool { return t.run == it.run }) {
		return true // of another batch
	}
	t := c.tallyOf(it.run)
	if !t.seen[result{it.record, it.number}] && it.state == ready {
		c.values = append(c.values, it)
	}
	t.seen[result{it.record, it.number}] = true
	c.fail(t, it)
	return true
}

// fail takes note of a failure, which is logged if it tells something new.
func (c *collector) fail(t *tally, it item) {
	was, ok := t.bad[it.record]
	if !it.state.failure() || ok && (!was.state.unprocessed() || it.state != failed) {
		return
	}
	t.bad[it.record] = it
	if it.state == failed && !it.run.of.other {
		c.logged = append(c.logged, it.run.of.Records[it.record].ID)
	}
}

// gather takes note of the failures that nobody settled.
func (c *collector) gather() {
	logged := len(c.logged)
	defer func() { c.logged = c.logged[:min(len(c.logged), logged+16)] }() // it is not logged without end
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

// complete reports whether every Result of the record has come.
func (t *tally) complete(record int) bool {
	if t.run.held[record] > 0 {
		return false
	}
	for number := range t.run.given[record] + 1 {
		r := result{record, number}
		if !t.seen[r] && !t.run.split[r] {
			return false
		}
	}
	return true
}

// due returns when the answer is given at the latest.
func (c *collector) due() time.Duration {
	if c.learned == nil || c.m.Deadline == 0 || c.learned.of.free {
		return 0
	}
	end, _ := c.m.endOf(c.learned)
	return max(end, c.since) + c.learned.reserve/2
}

// verdicts returns what became of the records of one source. The state is done
// where they are acknowledged.
func (c *collector) verdicts(of *origin) []item {
	all := make([]item, len(of.Records))
	for i := range all {
		all[i] = item{record: i, state: done}
	}
	lost := func(i int) item { return item{record: i, state: unreached, err: "unreached" + of.names()} }
	worsen := func(i int, bad item) {
		if all[i].state == done || all[i].state.unprocessed() && bad.state == failed {
			all[i] = bad
		}
	}
	var own []*tally
	for _, t := range c.tallies {
		if t.run.of == of {
			own = append(own, t)
		}
	}
	came := false
	for k, t := range own {
		underWay := c.cut && !t.run.left && (!t.run.ended || k == len(own)-1)
		if len(t.seen) == 0 && !underWay {
			continue
		}
		came = true
		for i := range all {
			if bad, ok := t.bad[i]; ok {
				worsen(i, bad)
			} else if !t.complete(i) {
				worsen(i, lost(i))
			}
		}
	}
	for _, t := range own {
		for i, bad := range t.bad {
			if bad.state == failed || !came {
				worsen(i, bad)
			}
		}
		if c.cut && t.run.out > 0 {
			worsen(t.run.out-1, lost(t.run.out-1))
		}
	}
	for i := range all {
		if !came {
			worsen(i, lost(i))
		}
	}
	for j := range all {
		for i := range j {
			if all[i].state != done && all[j].state == done && of.ordered(i, j) && !of.lastReceive(i) {
				all[j] = item{record: j, state: blocked, err: "blocked" + of.names(i)}
			}
		}
	}
	failed := slices.Clone(all)
	for j := range all {
		for i := range failed {
			if id := of.Records[i].ID; all[j].state == done && failed[i].state != done && id == of.Records[j].ID && id != "" {
				all[j] = item{record: j, state: blocked, err: "blocked" + of.names(i)}
			}
		}
	}
	return all
}
