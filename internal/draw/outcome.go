package draw

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/lambdabatch/batch"
)

// Outcome is all that can be known of an answer.
type Outcome struct {
	Error    string
	Listed   []string // the identifiers in the response
	Reports  int      // how often a Report came
	Counts   [6]int   // Records, Acknowledged, Failed, Blocked, NotStarted, Unreached
	Failures []string
	Logged   []string // identifiers of records that were logged as failed
}

// Observer gathers an Outcome.
type Observer struct {
	Outcome
	mu sync.Mutex // a function that was left behind may still be logging
}

// Options are what an Observer has to be told by the source.
func (o *Observer) Options() []batch.Option {
	return []batch.Option{batch.WithReport(o.report), batch.WithLogger(slog.New(o))}
}

func (o *Observer) report(_ context.Context, r batch.Report) {
	o.Reports++
	o.Counts = [6]int{r.Records, r.Acknowledged, r.Failed, r.Blocked, r.NotStarted, r.Unreached}
	o.Failures = failuresOf(r.Failures)
}

func failuresOf(all []batch.Failure) (texts []string) {
	for _, f := range all {
		texts = append(texts, strconv.Itoa(f.Record.Index)+": "+describe(f.Err))
	}
	return texts
}

// Answer takes what Collect or Run returned.
func (o *Observer) Answer(r batch.Response, err error) Outcome {
	o.Listed = []string{}
	for _, f := range r.BatchItemFailures {
		o.Listed = append(o.Listed, f.ItemIdentifier)
	}
	o.Error = kindOf(err)
	return o.outcome()
}

func (o *Observer) outcome() Outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Outcome
}

// Payload takes what a handler returned.
func (o *Observer) Payload(payload []byte, err error) Outcome {
	o.Error = kindOf(err)
	if err != nil {
		return o.outcome()
	}
	var r struct {
		BatchItemFailures []struct{ ItemIdentifier any }
	}
	if err := json.Unmarshal(payload, &r); err != nil {
		o.Error = "unreadable response: " + err.Error()
	}
	o.Listed = []string{}
	for _, f := range r.BatchItemFailures {
		id, ok := f.ItemIdentifier.(string)
		if !ok {
			at := f.ItemIdentifier.(map[string]any)
			id = at["partition"].(string) + "/" + strconv.FormatFloat(at["offset"].(float64), 'f', -1, 64)
		}
		o.Listed = append(o.Listed, id)
	}
	return o.outcome()
}

// Parts is what Partition returns.
type Parts struct{ Values, Failures []string }

// Parted makes Parts of what Partition returned.
func Parted(values []string, failures []batch.Failure) Parts {
	return Parts{values, failuresOf(failures)}
}

func kindOf(err error) string {
	var all *batch.AllFailedError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, batch.ErrNoID):
		return "no identifier"
	case errors.As(err, &all):
		return "all failed"
	}
	return err.Error()
}

// Observer is the slog.Handler that it needs itself.

func (o *Observer) Enabled(context.Context, slog.Level) bool { return true }
func (o *Observer) WithAttrs([]slog.Attr) slog.Handler       { panic("draw: not expected") }
func (o *Observer) WithGroup(string) slog.Handler            { panic("draw: not expected") }

func (o *Observer) Handle(_ context.Context, r slog.Record) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	r.Attrs(func(a slog.Attr) bool {
		if r.Message == "record failed" && a.Key == "record" {
			o.Logged = append(o.Logged, a.Value.String())
		}
		return a.Key != "record"
	})
	return nil
}

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
	lost := func(i int) item { return item{record: i, state: unreached, err: "unreached" + of.names(i)} }
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
			worsen(i, bad)
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
				all[j] = item{record: j, state: blocked, err: "blocked" + of.names(j, i)}
			}
		}
	}
	failed := slices.Clone(all)
	for j := range all {
		for i := range failed {
			if id := of.Records[i].ID; all[j].state == done && failed[i].state != done && id == of.Records[j].ID && id != "" {
				all[j] = item{record: j, state: blocked, err: "blocked" + of.names(j, i)}
			}
		}
	}
	return all
}

// answer folds.
func (c *collector) answer() (Outcome, []string) {
	c.gather()
	o := Outcome{Listed: []string{}, Logged: c.logged}
	values := []string{}
	var sources []*origin
	for _, t := range c.tallies {
		if !slices.Contains(sources, t.run.of) {
			sources = append(sources, t.run.of)
		}
	}
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

// unseen takes out what a source without options does not tell.
func (o Outcome) unseen() Outcome {
	if o.Reports == 0 {
		o.Counts, o.Failures = [6]int{}, nil
	}
	return o
}

// Collect returns what Collect answers.
func (m *Model) Collect() Outcome {
	c := &collector{m: m}
	m.after(len(m.Stages))(c.add)
	o, _ := c.answer()
	return m.told(o)
}

// Partition returns what Partition returns.
func (m *Model) Partition() Parts {
	c := &collector{m: m}
	m.after(len(m.Stages))(c.add)
	o, values := c.answer()
	return Parts{values, o.Failures}
}

// Run returns what Run answers.
func (m *Model) Run() Outcome { return m.run(&collector{m: m}) }

// Invoke returns what a handler answers.
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

// Answered returns when the answer was given, after the start.
func (m *Model) Answered() time.Duration { return m.now }

func (m *Model) run(c *collector) Outcome {
	m.watch, m.due = c.learn, c.due
	func() {
		defer func() {
			if v := recover(); v != nil {
				if _, ok := v.(late); !ok {
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
	o, _ := c.answer()
	return m.told(o)
}

func (m *Model) told(o Outcome) Outcome {
	if m.Source == Of {
		o.Logged = nil
	}
	return o.unseen()
}
