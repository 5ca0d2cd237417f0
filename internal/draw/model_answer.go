package draw

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/samber/lo"
)

// Collect returns the outcome of batch.Collect.
func (m *Model) Collect() Outcome {
	c := &collector{m: m}
	m.after(len(m.Stages))(c.add)
	o, _ := c.fold()
	return m.visible(o)
}

// Partition returns what batch.Partition returns.
func (m *Model) Partition() Parts {
	c := &collector{m: m}
	m.after(len(m.Stages))(c.add)
	o, values := c.fold()
	return Parts{values, o.Failures}
}

// Run returns the outcome of batch.Run.
func (m *Model) Run() Outcome { return m.run(&collector{m: m}) }

// Invoke returns the outcome of a handler.
func (m *Model) Invoke() Outcome {
	m.Cut = entry
	c := &collector{m: m}
	prepared := m.iterate(m.main)
	c.learn(prepared)
	m.prepared = prepared
	o := m.run(c)
	if o.Error != "" {
		o.Listed = nil
	}
	return o
}

// Answered returns how long after the start the response was returned.
func (m *Model) Answered() time.Duration { return m.now }

func (m *Model) run(c *collector) Outcome {
	m.watch, m.due = c.learn, c.due
	func() {
		defer func() {
			if v := recover(); v != nil {
				if _, ok := v.(responseDue); !ok {
					panic(v)
				}
				c.cut = true
			}
		}()
		m.after(len(m.Stages))(c.add)
		if c.learned == nil {
			m.after(m.Cut)(func(item) bool { return false })
		}
	}()
	o, _ := c.fold()
	return m.visible(o)
}

// visible removes what the source does not report. Of takes no options, so it has no logger.
func (m *Model) visible(o Outcome) Outcome {
	if m.Source == Of {
		o.Logged = nil
	}
	return o.visible()
}

// fold returns the outcome of what has arrived, and the values of acknowledged records.
func (c *collector) fold() (Outcome, []string) {
	c.addUnsettled()
	o := Outcome{Listed: []string{}, Logged: c.logged}
	values := []string{}
	sources := lo.Uniq(lo.Map(c.tallies, func(t *tally, _ int) *origin { return t.run.of }))
	for _, of := range sources {
		for i, v := range c.verdicts(of) {
			o.Counts[0]++
			if v.state == done {
				o.Counts[1]++
				continue
			}
			o.Counts[v.state]++
			id := of.Records[i].ID
			if !slices.Contains(o.Listed, id) {
				o.Listed = append(o.Listed, id)
			}
			if id == "" {
				o.Error = "no identifier"
			}
			o.Failures = append(o.Failures, strconv.Itoa(i)+": "+v.err)
		}
	}
	slices.SortStableFunc(c.values, func(a, b item) int {
		return cmp.Or(slices.Index(sources, a.run.of)-slices.Index(sources, b.run.of), a.record-b.record)
	})
	for _, it := range c.values {
		if c.verdicts(it.run.of)[it.record].state == done {
			values = append(values, it.value)
		}
	}
	if len(sources) > 0 {
		first := sources[0]
		if c.learned != nil {
			first = c.learned.of
		}
		if !first.other && first.Source != Of {
			o.Reports = 1
		}
		if o.Error == "" && o.Counts[0] > 0 && o.Counts[1] == 0 && !first.AllFailedOK {
			o.Error = "all failed"
		}
	}
	return o, values
}
