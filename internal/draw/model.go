package draw

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lambdabatch/batch"
)

// The model is what the documentation says, in the plainest words: items are
// pushed from stage to stage, and every question is answered by looking at
// everything.

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

// iteration is one range over a source.
type iteration struct {
	left    bool // the stage broke out of it
	ended   bool // it came to its end
	of      *origin
	open    []*failure
	given   map[int]int     // by record, how many numbers were given out beyond 0
	split   map[result]bool // became several others
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
	run := &iteration{of: of, given: map[int]int{}, split: map[result]bool{}, start: m.now}
	if m.Deadline > 0 && !of.free {
		run.reserve = m.reserve(m.Deadline - m.now)
		run.end = m.Deadline - run.reserve
	}
	return run
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

// over returns why the context of the item has ended, or "".
func (m *Model) over(it item) string {
	end, ends := m.endOf(it.run)
	switch {
	case !ends || m.now < end:
		return ""
	case end == m.cancelled:
		return "not started, shut down"
	}
	return "not started, too late"
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

// look is what every stage of the library does first: what is Failed now counts, and what
// is not settles the failure that it descends from. Loose failures of the same part never
// went on.
func (m *Model) look(it *item) { m.note(it, false) }

// try is for a Result that a foreign stage has made and may keep to itself.
func (m *Model) try(it *item) { m.note(it, true) }

func (m *Model) note(it *item, loose bool) {
	if it.run == nil {
		return
	}
	it.run.open = slices.DeleteFunc(it.run.open, func(f *failure) bool {
		return f == it.failed || f.loose && f.record == it.record && f.number == it.number
	})
	it.failed = nil
	if it.state.failure() {
		it.failed = &failure{*it, loose}
		it.run.open = append(it.run.open, it.failed)
	}
}

// blocker returns the first failed record that the item stands behind, or -1.
func (m *Model) blocker(it item) int {
	of := it.run.of
	for i := range it.record {
		if !of.ordered(i, it.record) || of.lastReceive(i) {
			continue
		}
		for _, f := range it.run.open {
			if f.record == i {
				return i
			}
		}
	}
	return -1
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

// refusal returns the item as it is if its record may have a function called.
func (m *Model) refusal(it item) item {
	if why := m.over(it); why != "" {
		return it.with(notStarted, why+it.run.of.names(it.record))
	}
	if by := m.blocker(it); by >= 0 {
		return it.with(blocked, "blocked"+it.run.of.names(it.record, by))
	}
	return it
}

func (it item) with(s state, err string) item {
	it.state, it.err, it.value = s, err, ""
	return it
}

// admit returns whether a function may be called for the value of the item.
func (m *Model) admit(it *item) bool { return m.admitted(it, m.look) }

func (m *Model) admitted(it *item, note func(*item)) bool {
	m.look(it)
	if it.state != ready {
		return false
	}
	if *it = m.refusal(*it); it.state != ready {
		note(it)
	}
	return it.state == ready
}

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
				m.look(&it)
			}
			if !yield(it) {
				return
			}
		}
	}
}

// after is the stream behind the first k stages.
func (m *Model) after(k int) stream {
	var s stream
	switch {
	case k == entry:
		s = m.source(m.main)
	case k == 0:
		s = m.after(entry)
		if m.enters() {
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
				m.call(entry, it.value)
			}
			return yield(it)
		})
	}
}

func (m *Model) stage(k int, s stream) stream {
	suffix := "." + strconv.Itoa(k)
	note := m.look
	if m.Stages[k].Kind == "then" {
		note = m.try
	}
	// calling makes a stage that calls a function for what is Ready.
	calling := func(then func(it item, fate string, yield func(item) bool) bool) stream {
		return func(yield func(item) bool) {
			s(func(it item) bool {
				if !m.admitted(&it, note) {
					return yield(it)
				}
				fate, err := m.do(k, it.record, it.value)
				if err != "" {
					it = it.with(failed, err)
					note(&it)
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
			run.split[result{it.record, it.number}] = true
			first := run.given[it.record] + 1
			run.given[it.record] += stage.N
			for i, value := range parts(it.value, k, stage.N) {
				it.value, it.number = value, first+i
				if !yield(it) {
					return false
				}
			}
			return true
		})
	case "tap":
		return func(yield func(item) bool) {
			s(func(it item) bool {
				m.look(&it)
				if _, err := m.do(k, it.index(), it.describe()); err != "" && !it.state.unprocessed() {
					if it.state == failed {
						err = "join(" + it.err + "+" + err + ")"
					}
					it = it.with(failed, err)
					m.look(&it)
				}
				return yield(it)
			})
		}
	case "catch", "orElse":
		return func(yield func(item) bool) {
			s(func(it item) bool {
				m.look(&it)
				if it.state != failed || it.run == nil || m.refusal(it).state != failed {
					return yield(it)
				}
				fate, err := m.do(k, it.record, it.err)
				switch {
				case err != "":
					it.err = err
				case fate == settles && stage.Kind == "catch":
					it = it.with(done, "")
				case fate == settles:
					it.state, it.value, it.err = ready, strconv.Itoa(it.record)+"="+it.err, ""
				}
				m.look(&it)
				return yield(it)
			})
		}
	case "chunk":
		return m.chunk(k, s)
	}
	return m.foreign(k, s)
}

func (m *Model) chunk(k int, s stream) stream {
	return func(yield func(item) bool) {
		var held []item
		size := 0
		flush := func() bool {
			m.write(k, held)
			out := held
			held, size = nil, 0
			for _, it := range out {
				if !yield(it) {
					return false
				}
			}
			return true
		}
		stopped := false
		s(func(it item) bool {
			if m.admit(&it) {
				size++
			} else if len(held) == 0 {
				stopped = !yield(it)
				return !stopped
			}
			held = append(held, it)
			if size == m.Stages[k].N {
				stopped = !flush()
			}
			return !stopped
		})
		if !stopped {
			flush()
		}
	}
}

func (m *Model) write(k int, held []item) {
	var values []string
	var at []int
	for i := range held {
		if held[i].state == ready && m.admit(&held[i]) {
			values, at = append(values, held[i].value), append(at, i)
		}
	}
	if len(values) == 0 {
		return
	}
	m.call(k, strings.Join(values, " "))
	all, errs := "", make([]string, len(values))
	for j, i := range at {
		fate := m.Stages[k].fate(held[i].record, values[j])
		if fate == panics {
			all = "panic:" + fault(k, values[j])
			break
		}
		if fate == fails {
			errs[j] = fault(k, values[j])
			if !m.Stages[k].Items {
				all = errs[j]
				break
			}
		}
	}
	for j, i := range at {
		if all != "" {
			errs[j] = all
		}
		if errs[j] != "" {
			held[i] = held[i].with(failed, errs[j])
			m.look(&held[i])
		}
	}
}

func (m *Model) foreign(k int, s stream) stream {
	stage := m.Stages[k]
	picked := func(it item) string { return stage.fate(it.index(), it.describe()) }
	each := func(f func(it item, yield func(item) bool) bool) stream {
		return func(yield func(item) bool) { s(func(it item) bool { return f(it, yield) }) }
	}
	switch stage.Kind {
	case "pull":
		return s
	case "drop":
		return each(func(it item, yield func(item) bool) bool { return picked(it) != "" || yield(it) })
	case "repeat":
		return each(func(it item, yield func(item) bool) bool { return yield(it) && (picked(it) == "" || yield(it)) })
	case "zero":
		return each(func(it item, yield func(item) bool) bool {
			return yield(it) && (picked(it) == "" || yield(item{state: failed, err: "other"}))
		})
	case "fail":
		return each(func(it item, yield func(item) bool) bool {
			switch fate := picked(it); {
			case it.state.unprocessed():
			case fate == picks:
				it = it.with(failed, fault(k, "misused"))
			case fate == toNil:
				it = it.with(failed, "other")
			}
			return yield(it)
		})
	case "relabel":
		return each(func(it item, yield func(item) bool) bool {
			if it.state == failed {
				it.err = fault(k, "relabelled")
			}
			return yield(it)
		})
	case "ack":
		return each(func(it item, yield func(item) bool) bool {
			if picked(it) != "" && !it.state.unprocessed() {
				it = it.with(done, "")
			}
			return yield(it)
		})
	case "retry":
		return each(func(it item, yield func(item) bool) bool {
			was := it
			if m.admitted(&it, m.try) {
				if _, err := m.do(k, it.record, it.value); err != "" {
					it = it.with(failed, err)
					m.try(&it)
				}
			}
			if it.state.failure() && !was.state.failure() {
				it = was
				if m.admitted(&it, m.try) {
					m.call(k, it.value)
				}
			}
			return yield(it)
		})
	case "hold", "reverse":
		return func(yield func(item) bool) {
			var held []item
			s(func(it item) bool {
				if stage.Kind == "hold" {
					held = append(held, it)
				} else {
					held = append([]item{it}, held...)
				}
				return true
			})
			for _, it := range held {
				if !yield(it) {
					return
				}
			}
		}
	case "stop":
		return func(yield func(item) bool) {
			n := 0
			s(func(it item) bool {
				n++
				return yield(it) && n < stage.N
			})
		}
	case "twice":
		return func(yield func(item) bool) {
			more := true
			for range 2 {
				if more {
					s(func(it item) bool {
						more = yield(it)
						return more
					})
				}
			}
		}
	case "peek":
		return func(yield func(item) bool) {
			s(func(item) bool { return false })
			s(yield)
		}
	case "count":
		return func(yield func(item) bool) {
			s(func(item) bool { return true })
			s(yield)
		}
	case "none":
		return func(func(item) bool) {}
	case "instead":
		return m.source(m.other(k))
	case "other":
		return func(yield func(item) bool) {
			more := true
			for _, s := range []stream{s, m.source(m.other(k))} {
				if more {
					s(func(it item) bool {
						more = yield(it)
						return more
					})
				}
			}
		}
	}
	panic("draw: no kind " + stage.Kind)
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

// Range returns the Results that leave the pipeline.
func (m *Model) Range() []string {
	seen := []string{}
	m.after(len(m.Stages))(func(it item) bool {
		seen = append(seen, strconv.Itoa(it.index())+": "+it.describe())
		return true
	})
	return seen
}
