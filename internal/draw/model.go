package draw

// The model is what the documentation says, in the plainest words: items are
// pushed from stage to stage, and every question is answered by looking at
// everything.

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lambdabatch/batch"
)

type state int

const (
	ready state = iota
	done
	failed
	blocked
	notStarted
	unreached
)

func (s state) failure() bool     { return s >= failed }
func (s state) unprocessed() bool { return s >= blocked }

type item struct {
	run    *iteration // nil: of no record
	record int
	number int // which of the record's Results
	state  state
	value  string
	err    string
	failed *failure // that it is, or descends from
}

func (it item) with(s state, err string) item {
	it.state, it.err, it.value = s, err, ""
	return it
}

func (it item) index() int {
	if it.run == nil {
		return -1
	}
	return it.record
}

func (it item) describe() string {
	switch {
	case it.state == ready:
		return it.value
	case it.state == done:
		return "done"
	}
	return it.err
}

type result struct{ record, number int }

// failure is one failed Result, as the last stage that saw it knows it. It is open until
// what descends from it is settled.
type failure struct {
	item
	loose bool // no stage has seen it
}

// origin is what a source of the model knows.
type origin struct {
	Batch
	policy batch.Policy
	other  bool // of a stage, not of the case
	free   bool // its context is not the invocation's
}

func (e *origin) ordered(i, j int) bool {
	switch e.policy {
	case batch.StopBatch:
		return true
	case batch.StopGroup:
		return e.Records[i].Group == e.Records[j].Group && e.Records[i].Group != ""
	}
	return false
}

func (e *origin) lastReceive(i int) bool {
	return e.MaxReceives > 0 && e.Records[i].Attempt >= e.MaxReceives
}

func (e *origin) names(records ...int) string {
	var quoted []string
	for _, i := range records {
		quoted = append(quoted, strconv.Quote(e.Records[i].ID))
	}
	return " [" + strings.Join(quoted, " ") + "]"
}

// iteration is one range over a source.
type iteration struct {
	left    bool // the stage broke out of it
	ended   bool // it came to its end
	of      *origin
	open    []*failure
	given   map[int]int     // by record, how many numbers were given out beyond 0
	split   map[result]bool // became several others
	held    map[int]int     // by record, how many Results wait in chunks
	out     int             // the record given out last, plus 1; 0: none
	start   time.Duration
	end     time.Duration // of the records' context, 0: never
	reserve time.Duration
}

// Model is one execution of a Case in the model.
type Model struct {
	Case
	Calls []string

	main      *origin
	others    map[int]*origin // by stage
	cancelled time.Duration   // when, -1 for not
	now       time.Duration
	n         int
	prepared  *iteration // the handler's
	watch     func(*iteration)
	due       func() time.Duration // when the answer is given at the latest, 0: whenever
}

// Model returns a new execution.
func (c Case) Model() *Model {
	return &Model{
		Case:      c,
		main:      &origin{Batch: c.Batch, policy: c.policy(), free: c.Batch.Source == Of},
		others:    map[int]*origin{},
		cancelled: -1,
		due:       func() time.Duration { return 0 },
	}
}

// other is the source of a stage.
func (m *Model) other(k int) *origin {
	if m.others[k] == nil {
		records := []Record{{ID: otherID + "0"}, {ID: otherID + "1"}}
		m.others[k] = &origin{Batch: Batch{Source: From, Records: records}, other: true, free: true}
	}
	return m.others[k]
}

func (m *Model) iterate(of *origin) *iteration {
	if m.prepared != nil && of == m.main {
		run := m.prepared
		m.prepared = nil
		return run
	}
	run := &iteration{of: of, given: map[int]int{}, split: map[result]bool{}, held: map[int]int{}, start: m.now}
	if m.Deadline > 0 && !of.free {
		run.reserve = m.reserve(m.Deadline - m.now)
		run.end = m.Deadline - run.reserve
	}
	return run
}

// hand sends an item on and takes note of it meanwhile.
func (m *Model) hand(it item, yield func(item) bool) (more bool) {
	if it.run == nil {
		return yield(it)
	}
	before := it.run.out
	it.run.out = it.record + 1
	more = yield(it) // not deferred: when the answer is due, it is out
	it.run.out = before
	return more
}

func (it item) hold(n int) {
	if it.run != nil {
		it.run.held[it.record] += n
	}
}

func (m *Model) reserve(remaining time.Duration) time.Duration {
	r := m.Reserve
	if r == 0 {
		r = remaining / 20
		if r < 500*time.Millisecond {
			r = 500 * time.Millisecond
		}
		if r > 2*time.Second {
			r = 2 * time.Second
		}
	}
	if r > remaining/2 {
		r = remaining / 2
	}
	if r < 0 {
		r = 0
	}
	return r
}

// endOf returns when the contexts of the iteration end, and whether they do.
func (m *Model) endOf(run *iteration) (time.Duration, bool) {
	if run.of.free {
		return 0, false
	}
	if run.end > 0 && (m.cancelled < 0 || run.end < m.cancelled) {
		return run.end, true
	}
	return m.cancelled, m.cancelled >= 0
}

type late struct{}

// call is a call of a user's function.
func (m *Model) call(k int, token string) {
	m.n++
	m.Calls = append(m.Calls, strconv.Itoa(k)+" "+token)
	if m.n == m.CancelAt {
		m.cancelled = m.now
	}
	if len(m.Takes) > 0 {
		m.now += m.Takes[m.n%len(m.Takes)]
	}
	if due := m.due(); due > 0 && m.now >= due {
		m.now = due
		panic(late{})
	}
}

// do calls a function that is fated to return or panic with an error.
func (m *Model) do(k, index int, token string) (fate, err string) {
	m.call(k, token)
	fate = m.Stages[k].fate(index, token)
	switch fate {
	case fails, differs, poses:
		err = fault(k, token)
	case panics:
		err = "panic:" + fault(k, token)
	}
	return fate, err
}

func fault(k int, token string) string { return fmt.Sprintf("fault(%d,%s)", k, token) }

// Range returns the Results that leave the pipeline.
func (m *Model) Range() []string {
	seen := []string{}
	m.after(len(m.Stages))(func(it item) bool {
		seen = append(seen, strconv.Itoa(it.index())+": "+it.describe())
		return true
	})
	return seen
}
