package draw

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
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

// item is the model of a Result.
type item struct {
	run      *iteration // nil: the Result has no record
	record   int
	number   int // of the part
	state    state
	value    string
	err      string
	failed   *failure // that the item is or descends from
	followed bool     // by another one, at once
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

// part identifies one part of a record.
type part struct{ record, number int }

// failure is a failed Result as the last stage has seen it. It stays open until an item that descends
// from it is settled.
type failure struct {
	item
	unseen bool // no built-in stage has seen it
}

// origin is the model of a source.
type origin struct {
	Batch
	policy batch.Policy
	other  bool // it belongs to a stray stage, not to the case
	free   bool // its context is independent of the invocation
}

// ordered reports whether a failure of record i holds back record j.
func (o *origin) ordered(i, j int) bool {
	switch o.policy {
	case batch.StopBatch:
		return true
	case batch.StopGroup:
		return o.Records[i].Group == o.Records[j].Group && o.Records[i].Group != ""
	}
	return false
}

func (o *origin) lastReceive(i int) bool {
	return o.MaxReceives > 0 && o.Records[i].Attempt >= o.MaxReceives
}

func (o *origin) names(records ...int) string {
	quoted := lo.Map(records, func(i, _ int) string { return strconv.Quote(o.Records[i].ID) })
	return " [" + strings.Join(quoted, " ") + "]"
}

// iteration is one range over a source.
type iteration struct {
	left    bool // a stage has broken out of it
	ended   bool // it has reached the end of the batch
	begun   int  // how many records the stages have got
	acted   bool // functions that may have effects were called
	of      *origin
	open    []*failure
	given   map[int]int   // the highest number given to a part, by record
	split   map[part]bool // parts that were split into others
	held    map[int]int   // how many Results wait in chunks, by record
	out     int           // 1 + the record that is being processed; 0: none
	start   time.Duration
	end     time.Duration // when the records' contexts end; 0: never
	shut    bool          // the context was cancelled before it began
	reserve time.Duration
}

// Model is one execution of a Case by a small interpreter of the documentation. It is written to be obvious and
// not fast: items are pushed from stage to stage, and every decision considers all items.
type Model struct {
	Case
	Calls []string

	main      *origin
	others    map[int]*origin // the origins of stray stages, by stage
	cancelled time.Duration   // when the context was cancelled; -1: never
	now       time.Duration
	calls     int
	prepared  *iteration           // what a handler begins before the pipeline ranges
	awaited   *iteration           // the first one, for which Run or a handler waits
	watch     func(*iteration)     // is called for each iteration that passes the cut
	due       func() time.Duration // when Run must respond; 0: never
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

// other returns the origin of a stray stage.
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
	run := &iteration{of: of, given: map[int]int{}, split: map[part]bool{}, held: map[int]int{}, start: m.now}
	run.shut = m.cancelled >= 0
	if m.Deadline > 0 && !of.free {
		run.reserve = m.reserve(m.Deadline - m.now)
		if m.awaited != nil && m.awaited.of == of {
			run.reserve = max(run.reserve, m.awaited.reserve)
		}
		run.end = m.Deadline - run.reserve
	}
	return run
}

// handOn yields an item, which is out meanwhile.
func (m *Model) handOn(it item, yield func(item) bool) (more bool) {
	if it.run == nil {
		return yield(it)
	}
	before := it.run.out
	it.run.out = it.record + 1
	more = yield(it)
	// Not deferred: if the response falls due meanwhile, yield panics and the item stays out.
	it.run.out = before
	return more
}

// during calls a function of the user's for the item. If the response falls due meanwhile, f panics and the record stays
// held: it is not acknowledged, even if a copy of the item has arrived.
func (it item) during(f func()) {
	it.hold(1)
	f()
	it.hold(-1)
}

// act notes that a function that may have effects is called for the item.
func (it item) act() {
	if it.run != nil {
		it.run.acted = true
	}
}

func (it item) hold(n int) {
	if it.run != nil {
		it.run.held[it.record] += n
	}
}

func (m *Model) reserve(remaining time.Duration) time.Duration {
	r := cmp.Or(m.Reserve, lo.Clamp(remaining/20, 500*time.Millisecond, 2*time.Second))
	return max(0, min(r, remaining/2))
}

// endOf returns when the contexts of an iteration end. ok is false if they do not end.
func (m *Model) endOf(run *iteration) (end time.Duration, ok bool) {
	if run.of.free {
		return 0, false
	}
	if run.end > 0 && !run.shut && (m.cancelled < 0 || run.end < m.cancelled) {
		return run.end, true
	}
	return m.cancelled, m.cancelled >= 0
}

// responseDue is the panic that ends a run when the response is due.
type responseDue struct{}

// call calls a user's function, which takes its time.
func (m *Model) call(k int, token string) {
	m.calls++
	m.Calls = append(m.Calls, strconv.Itoa(k)+" "+token)
	if m.calls == m.CancelAt && (m.Deadline == 0 || m.now < m.Deadline) { // or it has ended already
		m.cancelled = m.now
	}
	if len(m.Takes) > 0 {
		m.now += m.Takes[m.calls%len(m.Takes)]
	}
	if due := m.due(); due > 0 && m.now >= due {
		m.now = due
		panic(responseDue{})
	}
}

// do calls a function and returns its fate, with the error that it returns or panics with.
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
