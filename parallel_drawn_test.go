package batch_test

// Drawn pipelines with steps before, in and after Parallel, whose functions take drawn times.

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

type (
	// A call is one call of a step's function.
	call struct {
		step       string
		value      string // its argument; for Catch and OrElse the text of the error
		record     int
		group      string
		start, end time.Duration
	}

	// A callLog notes calls in virtual time.
	callLog struct {
		mu     sync.Mutex
		origin time.Time
		calls  []call
	}

	// A fate is what the function of a step does with a record.
	fate struct {
		outcome int // succeeds, fails or panics
		takes   time.Duration
	}

	step struct {
		name  string
		kind  string
		size  int // of chunks and of FlatMap; the lanes of Parallel
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

// during makes a call that ends as the step's fate says, and notes it.
func (l *callLog) during(ctx context.Context, s *step, value string) error {
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
		return fmt.Errorf("%s of %s: %w", s.name, value, errDrawn)
	case panics:
		panic(s.name + " of " + value)
	}
	return nil
}

// apply adds the steps after s.
func (l *callLog) apply(s texts, steps []step) texts {
	for i := range steps {
		s = l.stage(s, &steps[i])
	}
	return s
}

func (l *callLog) stage(s texts, step *step) texts {
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
		return batch.FlatMap(s, func(v string) []string {
			return lo.Times((step.size+indexOf(v))%4, func(i int) string { return fmt.Sprintf("%s/%d", v, i) })
		})
	case "TryEachChunk":
		return batch.TryEachChunk(s, step.size, func(_ context.Context, vs []string) error {
			errs := batch.ItemErrors{}
			for i, v := range vs {
				if !kept(v) {
					errs[i] = fmt.Errorf("%s of %s: %w", step.name, v, errDrawn)
				}
			}
			time.Sleep(step.fates[indexOf(vs[0])].takes)
			return errs
		})
	case "Tap":
		return batch.Tap(s, func(r batch.Result[string]) {
			if v, ok := r.Value(); ok && step.fates[indexOf(v)].outcome == panics {
				panic(step.name + " of " + v)
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
					r = r.Fail(fmt.Errorf("%s of %s: %w", step.name, v, errDrawn))
				}
				if !yield(batch.Then(r, note)) {
					return
				}
			}
		}
	case "repeating":
		return repeating(s)
	case "Parallel":
		return batch.Parallel(s, step.size, func(s texts) texts { return l.apply(s, step.inner) })
	}
	panic("no kind " + step.kind)
}

var (
	mapping  = []string{"Map", "TryMap", "TryMap", "Filter", "FlatMap", "Tap", "own"}
	settling = []string{"Catch", "OrElse"}
)

// steps draws up to most steps for this many records.
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

// has reports whether one of the steps, or of the steps in their lanes, is of one of these kinds.
func has(steps []step, kinds ...string) bool {
	return slices.ContainsFunc(steps, func(s step) bool { return slices.Contains(kinds, s.kind) || has(s.inner, kinds...) })
}

// A lanesCase is a drawn pipeline, part of which may run in lanes.
type lanesCase struct {
	policy                batch.Policy
	groups                []string
	n                     int
	before, inside, after []step
}

func drawLanes(t *rapid.T, policy batch.Policy, inside, outside []string) lanesCase {
	c := lanesCase{policy: policy, n: rapid.IntRange(1, 16).Draw(t, "lanes")}
	c.groups = rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "b", "c", "d"}), 0, 20).Draw(t, "groups")
	c.before = steps(t, "before", 2, len(c.groups), outside)
	c.inside = steps(t, "inside", 4, len(c.groups), inside)
	c.after = steps(t, "after", 2, len(c.groups), outside)
	return c
}

func (c lanesCase) source() texts {
	return grouped(context.Background(), c.groups, batch.WithPolicy(c.policy), batch.WithoutAllFailedError())
}

// played is the outcome of a pipeline.
type played struct {
	results  []string
	response []string
	calls    []call
}

func (c lanesCase) play(t *rapid.T, parallel bool) (p played) {
	rapid.SyncTest(t, func(*rapid.T) {
		l := &callLog{origin: time.Now()}
		inside := func(s texts) texts { return l.apply(s, c.inside) }
		s := l.apply(c.source(), c.before)
		if parallel {
			s = batch.Parallel(s, c.n, inside)
		} else {
			s = inside(s)
		}
		response, _ := batch.Collect(batch.Tap(l.apply(s, c.after), func(r batch.Result[string]) {
			v, _ := r.Value()
			p.results = append(p.results, fmt.Sprintf("%d %s %v", r.Record().Index, v, r.Err()))
		}))
		p.response, p.calls = listed(response), l.calls
		slices.SortFunc(p.results, func(a, b string) int { return cmp.Or(indexOf(a)-indexOf(b), strings.Compare(a, b)) })
	})
	return p
}

// counts returns how often each function was called for each record and value.
func (p played) counts() map[string]int {
	counts := map[string]int{}
	for _, c := range p.calls {
		counts[fmt.Sprintf("%s of %d, %s", c.step, c.record, c.value)]++
	}
	return counts
}

// once checks that no function was called twice for one result.
func (c lanesCase) once(t *rapid.T, p played) {
	most := 1 << strings.Count(fmt.Sprint(c.inside), "repeating")
	for what, n := range p.counts() {
		if n > most {
			t.Fatalf("%s was called %d times", what, n)
		}
	}
}
