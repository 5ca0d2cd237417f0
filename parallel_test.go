package batch_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"pgregory.net/rapid"
)

// Lanes: drawn pipelines, inside and outside of Parallel, on drawn schedules.

type (
	// A call is one call of one step's function.
	call struct {
		step       string
		value      string // that it got; the error's text for Catch and OrElse
		record     int
		group      string
		start, end time.Duration
	}

	// A ledger notes the calls. The time is that of the bubble.
	ledger struct {
		mu     sync.Mutex
		origin time.Time
		calls  []call
	}

	// A fate is what the function of a step does with a record.
	fate struct {
		outcome int // of outcomes
		takes   time.Duration
	}

	step struct {
		name  string
		kind  string
		size  int // of chunks, of FlatMap, lanes of Parallel
		fates []fate
		inner []step
	}
)

const (
	succeeds = iota
	fails
	panics
	outcomes
)

var errFate = errors.New("fate")

// during notes a call that ends as fate says.
func (l *ledger) during(ctx context.Context, s *step, value string) error {
	r, _ := batch.RecordFrom(ctx)
	c := call{step: s.name, value: value, record: r.Index, group: r.Group, start: time.Since(l.origin)}
	f := s.fates[r.Index]
	time.Sleep(f.takes)
	c.end = time.Since(l.origin)
	l.mu.Lock()
	l.calls = append(l.calls, c)
	l.mu.Unlock()
	switch f.outcome {
	case fails:
		return fmt.Errorf("%s of %s: %w", s.name, value, errFate)
	case panics:
		panic(s.name + " of " + value)
	}
	return nil
}

// indexOf finds the record in a value, for functions without a context.
func indexOf(value string) int {
	i, _ := strconv.Atoi(value[:strings.IndexFunc(value+".", func(r rune) bool { return r < '0' || r > '9' })])
	return i
}

// apply puts the steps behind s.
func (l *ledger) apply(s batch.Stream[string], steps []step) batch.Stream[string] {
	for i := range steps {
		s = l.stage(s, &steps[i])
	}
	return s
}

func (l *ledger) stage(s batch.Stream[string], step *step) batch.Stream[string] {
	note := func(ctx context.Context, v string) (string, error) {
		return v + "." + step.name, l.during(ctx, step, v)
	}
	kept := func(v string) bool { return step.fates[indexOf(v)].outcome == succeeds }
	switch step.kind {
	case "Map":
		return batch.Map(s, func(v string) string { return v + "." + step.name })
	case "TryMap":
		return batch.TryMap(s, note)
	case "Filter":
		return batch.Filter(s, kept)
	case "FlatMap":
		return batch.FlatMap(s, func(v string) (parts []string) {
			for i := range (step.size + indexOf(v)) % 4 {
				parts = append(parts, fmt.Sprintf("%s/%d", v, i))
			}
			return parts
		})
	case "TryEachChunk":
		return batch.TryEachChunk(s, step.size, func(_ context.Context, vs []string) error {
			errs := batch.ItemErrors{}
			for i, v := range vs {
				if !kept(v) {
					errs[i] = fmt.Errorf("%s of %s: %w", step.name, v, errFate)
				}
			}
			time.Sleep(step.fates[indexOf(vs[0])].takes)
			return errs
		})
	case "Tap":
		return batch.Tap(s, func(r batch.Result[string]) {
			if v, ok := r.Value(); ok && step.fates[indexOf(v)].outcome == panics {
				panic(step.name)
			}
		})
	case "Catch":
		return batch.Catch(s, func(ctx context.Context, err error) error { return l.during(ctx, step, err.Error()) })
	case "OrElse":
		return batch.OrElse(s, func(ctx context.Context, err error) (string, error) {
			r, _ := batch.RecordFrom(ctx)
			return fmt.Sprintf("%d.%s(%v)", r.Index, step.name, err), l.during(ctx, step, err.Error())
		})
	case "own":
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				if v, ok := r.Value(); ok && step.fates[indexOf(v)].outcome == panics {
					r = r.Ack()
				} else if ok && step.fates[indexOf(v)].outcome == fails {
					r = r.Fail(fmt.Errorf("%s of %s: %w", step.name, v, errFate))
				}
				if !yield(batch.Then(r, note)) {
					return
				}
			}
		}
	case "repeating":
		return repeating(s)
	case "Parallel":
		return batch.Parallel(s, step.size, func(s batch.Stream[string]) batch.Stream[string] { return l.apply(s, step.inner) })
	}
	panic("no kind " + step.kind)
}

var (
	mapping  = []string{"Map", "TryMap", "TryMap", "Filter", "FlatMap", "Tap", "own"}
	settling = []string{"Catch", "OrElse"}
)

// steps draws a pipeline for so many records.
func steps(t *rapid.T, name string, most, records int, kinds []string) []step {
	all := make([]step, rapid.IntRange(0, most).Draw(t, name))
	for i := range all {
		s := &all[i]
		s.name = name + strconv.Itoa(i)
		s.kind = rapid.SampledFrom(kinds).Draw(t, s.name)
		s.size = rapid.IntRange(1, 5).Draw(t, "size")
		s.fates = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fate {
			outcome := rapid.IntRange(0, 4*outcomes).Draw(t, "outcome")
			if outcome >= outcomes {
				outcome = succeeds
			}
			return fate{outcome, time.Duration(rapid.IntRange(0, 4).Draw(t, "ms")) * time.Millisecond}
		}), records, records).Draw(t, "fates")
		if s.kind == "Parallel" {
			s.inner = steps(t, s.name+"-", 2, records, kinds)
		}
	}
	return all
}

func has(steps []step, kinds ...string) bool {
	return slices.ContainsFunc(steps, func(s step) bool { return slices.Contains(kinds, s.kind) || has(s.inner, kinds...) })
}

// lanesCase is a pipeline of which a part is to run in lanes.
type lanesCase struct {
	policy                 batch.Policy
	groups                 []string
	n                      int
	before, inside, behind []step
}

func drawLanes(t *rapid.T, policy batch.Policy, inside, outside []string) lanesCase {
	c := lanesCase{policy: policy, n: rapid.IntRange(1, 16).Draw(t, "lanes")}
	c.groups = rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b", "c", "d"}), 0, 20).Draw(t, "groups")
	c.before = steps(t, "before", 2, len(c.groups), outside)
	c.inside = steps(t, "inside", 4, len(c.groups), inside)
	c.behind = steps(t, "behind", 2, len(c.groups), outside)
	return c
}

// grouped is a source of records with these groups.
func grouped(ctx context.Context, groups []string, opts ...batch.Option) batch.Stream[string] {
	values := make([]string, len(groups))
	for i := range values {
		values[i] = strconv.Itoa(i)
	}
	return batch.From(ctx, values, func(v string) batch.Record {
		return batch.Record{ID: "r" + v, Group: groups[indexOf(v)]}
	}, opts...)
}

func (c lanesCase) source() batch.Stream[string] {
	return grouped(context.Background(), c.groups, batch.WithPolicy(c.policy), batch.WithoutAllFailedError())
}

// played is what came of a pipeline.
type played struct {
	results  []string
	response []string
	calls    []call
}

func (c lanesCase) play(t *rapid.T, parallel bool) (p played) {
	rapid.SyncTest(t, func(*rapid.T) {
		l := &ledger{origin: time.Now()}
		inside := func(s batch.Stream[string]) batch.Stream[string] { return l.apply(s, c.inside) }
		s := l.apply(c.source(), c.before)
		if parallel {
			s = batch.Parallel(s, c.n, inside)
		} else {
			s = inside(s)
		}
		response, _ := batch.Collect(batch.Tap(l.apply(s, c.behind), func(r batch.Result[string]) {
			v, _ := r.Value()
			p.results = append(p.results, fmt.Sprintf("%d %s %v", r.Record().Index, v, r.Err()))
		}))
		p.response, p.calls = listed(response), l.calls
	})
	return p
}

func (p played) counts() map[string]int {
	counts := map[string]int{}
	for _, c := range p.calls {
		counts[fmt.Sprintf("%s of %d, %s", c.step, c.record, c.value)]++
	}
	return counts
}

// once checks that no function was called twice for one Result.
func (c lanesCase) once(t *rapid.T, p played) {
	most := 1 << strings.Count(fmt.Sprint(c.inside), "repeating")
	for what, n := range p.counts() {
		if n > most {
			t.Fatalf("%s was called %d times", what, n)
		}
	}
}

func TestParallelIsInvisible(t *testing.T) {
	anywhere := slices.Concat(mapping, settling, []string{"TryEachChunk", "Parallel"})
	rapid.Check(t, func(t *rapid.T) {
		inside := anywhere
		if rapid.Bool().Draw(t, "repeating") {
			inside = slices.Concat(mapping, settling, []string{"repeating"})
		}
		c := drawLanes(t, batch.Continue, inside, anywhere)
		alone, lanes := c.play(t, false), c.play(t, true)
		equal(t, "results", lanes.results, alone.results)
		equal(t, "response", lanes.response, alone.response)
		equal(t, "calls", lanes.counts(), alone.counts())
	})
}

// What is before the lanes has run ahead of the failures in them, and what is
// behind them is late, so that other records are refused there, and elsewhere.
func TestParallelIsInvisibleUnderStopGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawLanes(t, batch.StopGroup, slices.Concat(mapping, settling, []string{"repeating"}), mapping)
		c.before, c.behind = nil, nil
		alone, lanes := c.play(t, false), c.play(t, true)
		equal(t, "results", lanes.results, alone.results)
		equal(t, "response", lanes.response, alone.response)
		equal(t, "calls", lanes.counts(), alone.counts())
	})
}

func TestLanesGiveTheSameResponseUnderEachPolicy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := rapid.SampledFrom([]batch.Policy{batch.StopGroup, batch.StopBatch}).Draw(t, "policy")
		c := drawLanes(t, policy, slices.Concat(mapping, settling, []string{"repeating"}), mapping)
		if has(c.inside, settling...) {
			for i := range c.before { // its failures would hold others back before they are settled
				c.before[i].fates = make([]fate, len(c.groups))
			}
		}
		alone, lanes := c.play(t, false), c.play(t, true)
		equal(t, "response", lanes.response, alone.response)
		c.once(t, lanes)
	})
}

// A stage that looks ahead composes its chunks in lanes as it does nowhere else,
// so only the response is the same, and only if nothing is settled.
func TestLanesThatLookAheadGiveTheSameResponse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := rapid.SampledFrom([]batch.Policy{batch.StopGroup, batch.StopBatch}).Draw(t, "policy")
		kinds := slices.Concat(mapping, []string{"TryEachChunk", "Parallel"})
		kinds = slices.DeleteFunc(kinds, func(k string) bool { return k == "own" }) // it settles, too
		c := drawLanes(t, policy, kinds, kinds)
		equal(t, "response", c.play(t, true).response, c.play(t, false).response)
	})
}

func TestLanesKeepTheOrderOfEachGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := rapid.SampledFrom([]batch.Policy{batch.StopGroup, batch.StopBatch}).Draw(t, "policy")
		c := drawLanes(t, policy, slices.Concat(mapping, settling, []string{"TryEachChunk"}), mapping)
		byGroup := map[string][]call{}
		for _, call := range c.play(t, true).calls {
			if strings.HasPrefix(call.step, "inside") && call.group != "" {
				byGroup[call.group] = append(byGroup[call.group], call)
			}
		}
		for group, calls := range byGroup {
			latest := map[string]int{}
			for i, call := range calls {
				if i > 0 && call.start < calls[i-1].end {
					t.Fatalf("group %s: %+v and %+v at once", group, calls[i-1], call)
				}
				if call.record < latest[call.step] {
					t.Fatalf("group %s: %+v after record %d", group, call, latest[call.step])
				}
				latest[call.step] = call.record
			}
		}
	})
}

func TestNoMoreFunctionsRunAtOnceThanThereAreLanes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawLanes(t, rapid.SampledFrom([]batch.Policy{batch.Continue, batch.StopGroup, batch.StopBatch}).Draw(t, "policy"), mapping, mapping)
		type change struct {
			at    time.Duration
			delta int
		}
		var changes []change
		for _, call := range c.play(t, true).calls {
			if strings.HasPrefix(call.step, "inside") && call.start < call.end {
				changes = append(changes, change{call.start, 1}, change{call.end, -1})
			}
		}
		slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.delta, b.delta)) })
		running := 0
		for _, change := range changes {
			if running += change.delta; running > c.n {
				t.Fatalf("%d functions ran at once in %d lanes", running, c.n)
			}
		}
	})
}

func TestUnderStopBatchWhatStandsBeforeTheFirstFailureIsProcessed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawLanes(t, batch.StopBatch, []string{"Map", "TryMap"}, []string{"Map"})
		var failures []batch.Failure
		var first time.Duration // when the first failure happened
		var calls []call
		rapid.SyncTest(t, func(*rapid.T) {
			l := &ledger{origin: time.Now()}
			_, failures = batch.Partition(batch.Parallel(c.source(), c.n, func(s batch.Stream[string]) batch.Stream[string] {
				return l.apply(s, c.inside)
			}))
			calls = l.calls
		})
		if len(failures) == 0 {
			return
		}
		earliest := failures[0].Record.Index
		if errors.Is(failures[0].Err, batch.ErrBlocked) {
			t.Fatalf("the first failure is blocked: %v", failures[0].Err)
		}
		processed := map[int]int{}
		for _, call := range calls {
			processed[call.record]++
			if call.record == earliest {
				first = max(first, call.end)
			}
		}
		tries := 0
		for _, s := range c.inside {
			if s.kind == "TryMap" {
				tries++
			}
		}
		for i := range earliest {
			if processed[i] != tries {
				t.Fatalf("record %d before the failure of %d was called %d times", i, earliest, processed[i])
			}
		}
		for _, call := range calls {
			if call.record > earliest && call.start > first {
				t.Fatalf("%+v started after the failure of %d at %v", call, earliest, first)
			}
		}
	})
}
