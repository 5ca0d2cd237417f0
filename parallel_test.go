package batch_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
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
		slices.SortFunc(p.results, func(a, b string) int { return cmp.Or(indexOf(a)-indexOf(b), strings.Compare(a, b)) })
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

// Schedules that are given.

// inLanes runs f on records in lanes and returns the stream.
func inLanes(s batch.Stream[string], n int, f func(context.Context, string) error) batch.Stream[string] {
	return batch.Parallel(s, n, batch.Each(f))
}

// manyGroups are the groups of so many records, which are taken in turn.
func manyGroups(records, groups int) []string {
	all := make([]string, records)
	for i := range all {
		all[i] = "g" + strconv.Itoa(i%groups)
	}
	return all
}

func TestNoLaneWaitsWhileSomethingCanRun(t *testing.T) {
	for name, groups := range map[string][]string{
		"groups in turn":   manyGroups(1000, 100),
		"no groups":        make([]string, 1000),
		"a long one first": slices.Concat(slices.Repeat([]string{"g"}, 30), make([]string, 970)),
	} {
		for _, policy := range []batch.Policy{batch.Continue, batch.StopGroup, batch.StopBatch} {
			work(t, name+", in lanes", groups, policy, 32)
			work(t, name+", in lanes in lanes", groups, policy, 4, 8)
		}
	}
}

// work measures so many lanes in lanes against what they could do at best.
func work(t *testing.T, name string, groups []string, policy batch.Policy, lanes ...int) {
	waiting := batch.Each(func(context.Context, string) error { time.Sleep(5 * time.Millisecond); return nil })
	for _, n := range slices.Backward(lanes) {
		inner := waiting
		waiting = func(s batch.Stream[string]) batch.Stream[string] { return batch.Parallel(s, n, inner) }
	}
	t.Run(fmt.Sprint(name, ", ", policy), func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			_, err := batch.Run(grouped(context.Background(), groups, batch.WithPolicy(policy)), waiting)
			is.New(t).NoErr(err)
			ideal := time.Duration(len(groups)) * 5 * time.Millisecond / 32
			if took := time.Since(start); float64(ideal) < 0.9*float64(took) {
				t.Fatalf("took %v, ideal is %v", took, ideal)
			}
		})
	})
}

func TestAResultLeavesAsSoonAsItsTurnHasCome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		takes := rapid.SliceOf(rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.IntRange(0, 9).Draw(t, "ms")) * time.Millisecond
		})).Draw(t, "takes")
		n := rapid.IntRange(1, 16).Draw(t, "lanes")
		rapid.SyncTest(t, func(t *rapid.T) {
			start := time.Now()
			var mu sync.Mutex
			ended := make([]time.Duration, len(takes))
			lanes := inLanes(grouped(context.Background(), make([]string, len(takes))), n, func(_ context.Context, v string) error {
				time.Sleep(takes[indexOf(v)])
				mu.Lock()
				defer mu.Unlock()
				ended[indexOf(v)] = time.Since(start)
				return nil
			})
			turn := time.Duration(0)
			for r := range lanes {
				mu.Lock()
				turn = max(turn, ended[r.Record().Index])
				mu.Unlock()
				if now := time.Since(start); now != turn {
					t.Fatalf("record %d left at %v, its turn came at %v", r.Record().Index, now, turn)
				}
			}
		})
	})
}

// Whatever the moment at which a record comes, a lane that is free takes it.
func TestThereIsALaneForEachRecordThatWaits(t *testing.T) {
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			const n = 6
			release := make(chan struct{})
			var running, most atomic.Int32
			go func() {
				time.Sleep(time.Second)
				most.Store(running.Load())
				close(release)
			}()
			quick := inLanes(grouped(context.Background(), make([]string, 30)), 3, through)
			for range inLanes(quick, n, func(_ context.Context, v string) error {
				if indexOf(v)%2 == 1 {
					running.Add(1)
					<-release
				}
				return nil
			}) {
			}
			is.New(t).Equal(most.Load(), int32(n))
		})
	}
}

// Of one group only the lane that has it can fill a chunk.
func TestALaneThatLooksAheadGetsMoreOfItsOwnGroups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var sizes []int
		response, err := batch.Run(grouped(context.Background(), manyGroups(25, 1), batch.WithPolicy(batch.StopGroup)), func(s batch.Stream[string]) batch.Stream[string] {
			return batch.Parallel(s, 8, func(s batch.Stream[string]) batch.Stream[string] {
				return batch.TryEachChunk(s, 10, func(_ context.Context, vs []string) error {
					sizes = append(sizes, len(vs))
					return nil
				})
			})
		})
		is.NoErr(err)
		is.Equal(len(response.BatchItemFailures), 0)
		is.Equal(sizes, []int{10, 10, 5})
	})
}

func TestBreakingOutOfLanesCancelsWhatRunsAndWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		var started, cancelled, ended atomic.Int32
		var yielded batch.Result[string]
		lanes := inLanes(grouped(context.Background(), make([]string, 100)), 4, func(ctx context.Context, v string) error {
			started.Add(1)
			defer ended.Add(1)
			if v == "0" {
				return nil
			}
			<-ctx.Done()
			cancelled.Add(1)
			time.Sleep(time.Second) // to clear up
			return ctx.Err()
		})
		start := time.Now()
		for r := range lanes {
			synctest.Wait()
			yielded = r
			break
		}
		is.Equal(time.Since(start), time.Second)
		is.Equal(ended.Load(), started.Load())
		is.Equal(started.Load(), int32(5)) // that of the Result and one for each lane
		is.Equal(cancelled.Load(), int32(4))
		is.NoErr(yielded.Context().Err())
		synctest.Wait()
		is.Equal(started.Load(), int32(5))
	})
}

func TestAfterABreakStuckFunctionsAreWaitedForAQuarterOfTheReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		release := make(chan struct{})
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		var after atomic.Int32
		source := grouped(ctx, make([]string, 100), batch.WithReserve(8*time.Second))
		lanes := batch.Parallel(source, 4, func(s batch.Stream[string]) batch.Stream[string] {
			s = batch.TryEach(s, func(_ context.Context, v string) error {
				if v != "0" {
					<-release
				}
				return nil
			})
			return batch.TryEach(s, func(_ context.Context, v string) error {
				if v != "0" {
					after.Add(1)
				}
				return nil
			})
		})
		start := time.Now()
		for range lanes {
			break
		}
		is.Equal(time.Since(start), 2*time.Second)
		close(release)
		synctest.Wait()
		is.Equal(after.Load(), int32(0))
	})
}

func TestLanesLeaveNoGoroutine(t *testing.T) {
	for _, leave := range []int{0, 1, 50, 100} {
		synctest.Test(t, func(t *testing.T) { // fails if one is left
			before := runtime.NumGoroutine()
			var most atomic.Int32
			n := 0
			for range inLanes(grouped(context.Background(), make([]string, 100)), 8, func(context.Context, string) error {
				most.Store(max(most.Load(), int32(runtime.NumGoroutine())))
				return nil
			}) {
				if n++; n == leave {
					break
				}
			}
			is.New(t).True(int(most.Load()) <= before+8+1)
		})
	}
}

func TestThereAreNoMoreLanesThanRecords(t *testing.T) {
	for records := range 5 {
		synctest.Test(t, func(t *testing.T) {
			before := runtime.NumGoroutine()
			var most atomic.Int32
			for range inLanes(grouped(context.Background(), make([]string, records)), 16, func(context.Context, string) error {
				time.Sleep(time.Second)
				most.Store(max(most.Load(), int32(runtime.NumGoroutine())))
				return nil
			}) {
			}
			if got := int(most.Load()) - before; records > 0 && got > records+1 {
				t.Fatalf("%d goroutines for %d records", got, records)
			}
		})
	}
}

func TestTheContextInALaneIsTheRecords(t *testing.T) {
	is := is.New(t)
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "value")
	lanes := inLanes(grouped(ctx, []string{"g", "h"}), 2, func(ctx context.Context, v string) error {
		r, ok := batch.RecordFrom(ctx)
		source, found := batch.SourceFrom[string](ctx)
		is.True(ok && found)
		is.Equal("r"+*source, r.ID)
		is.Equal(ctx.Value(key{}), "value")
		return nil
	})
	for r := range lanes {
		record, ok := batch.RecordFrom(r.Context())
		is.True(ok)
		is.Equal(record.Index, r.Record().Index)
	}
}

// Stages that are not the library's.

func TestAPanicBeforeTheLanesComesOutBehindThem(t *testing.T) {
	is := is.New(t)
	crashing := func(s batch.Stream[string]) batch.Stream[string] {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				if r.Record().Index == 3 {
					panic(errBoom)
				}
				if !yield(r) {
					return
				}
			}
		}
	}
	var reached []int
	stage := func(s batch.Stream[string]) batch.Stream[string] {
		lanes := inLanes(crashing(s), 4, func(context.Context, string) error { return nil })
		return batch.Tap(lanes, func(r batch.Result[string]) { reached = append(reached, r.Record().Index) })
	}
	var panicked *batch.PanicError
	_, err := batch.Run(batch.Of("a", "b", "c", "d", "e"), stage)
	is.True(errors.As(err, &panicked))
	is.True(errors.Is(err, errBoom))
	slices.Sort(reached)
	is.Equal(reached, []int{0, 1, 2})
	panicked, _ = panicOf(func() { _, _ = batch.Collect(stage(batch.Of("a", "b", "c", "d", "e"))) }).(*batch.PanicError)
	is.True(panicked != nil && errors.Is(panicked, errBoom))
	is.True(strings.Contains(string(panicked.Stack), "crashing") || strings.Contains(string(panicked.Stack), "TestAPanicBeforeTheLanes"))
}

// foreign does at one record what no stage of the library does.
func foreign(s batch.Stream[string], value string, do func(yield func(batch.Result[string]) bool, r batch.Result[string]) bool) batch.Stream[string] {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			if v, _ := r.Value(); v == value {
				if !do(yield, r) {
					return
				}
			} else if !yield(r) {
				return
			}
		}
	}
}

type deed = func(func(batch.Result[string]) bool, batch.Result[string]) bool

var deeds = map[string]deed{
	"panics":               func(func(batch.Result[string]) bool, batch.Result[string]) bool { panic(errBoom) },
	"ends its goroutine":   func(func(batch.Result[string]) bool, batch.Result[string]) bool { runtime.Goexit(); return false },
	"stops early":          func(func(batch.Result[string]) bool, batch.Result[string]) bool { return false },
	"drops it":             func(func(batch.Result[string]) bool, batch.Result[string]) bool { return true },
	"sends it, and panics": func(yield func(batch.Result[string]) bool, r batch.Result[string]) bool { yield(r); panic(errBoom) },
}

// The lane that meets the record goes under; the others go on.
func TestAForeignStageInALaneLosesNoMoreThanItHad(t *testing.T) {
	for name, do := range deeds {
		t.Run(name, func(t *testing.T) {
			for _, policy := range []batch.Policy{batch.Continue, batch.StopGroup, batch.StopBatch} {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					source := grouped(context.Background(), manyGroups(100, 10), batch.WithPolicy(policy))
					response, err := batch.Run(source, func(s batch.Stream[string]) batch.Stream[string] {
						return batch.Parallel(s, 4, func(s batch.Stream[string]) batch.Stream[string] {
							s = batch.TryEach(s, func(context.Context, string) error { time.Sleep(time.Millisecond); return nil })
							return foreign(s, "13", do)
						})
					})
					is.NoErr(err)
					switch {
					case name == "sends it, and panics":
						is.Equal(listed(response), []string{})
					case policy == batch.Continue || name == "stops early" && policy == batch.StopGroup:
						is.Equal(listed(response)[0], "r13")
						if policy == batch.Continue {
							is.Equal(len(listed(response)), 1)
						}
					case policy == batch.StopGroup:
						is.Equal(listed(response), []string{"r13", "r23", "r33", "r43", "r53", "r63", "r73", "r83", "r93"})
					case policy == batch.StopBatch:
						is.Equal(len(listed(response)), 100-13)
					}
				})
			}
		})
	}
}

func TestAPanicInALaneIsTheErrorOfWhatTheLaneHad(t *testing.T) {
	is := is.New(t)
	// All lanes go under, each with a chunk of two.
	_, failures := batch.Partition(batch.Parallel(batch.Of("a", "b", "c", "d", "e"), 2, func(s batch.Stream[string]) batch.Stream[string] {
		return func(yield func(batch.Result[string]) bool) {
			var held []batch.Result[string]
			for r := range s {
				if held = append(held, r); len(held) == 2 {
					panic(errBoom)
				}
			}
		}
	}))
	is.Equal(len(failures), 5)
	for _, f := range failures {
		var panicked *batch.PanicError
		is.True(errors.As(f.Err, &panicked) || errors.Is(f.Err, batch.ErrUnreached))
	}
	is.True(errors.Is(failures[0].Err, errBoom))
}

func TestAStageThatCannotBeBuiltFailsEveryRecord(t *testing.T) {
	is := is.New(t)
	_, failures := batch.Partition(batch.Parallel(batch.Of("a", "b", "c"), 2, func(batch.Stream[string]) batch.Stream[string] {
		panic(errBoom)
	}))
	is.Equal(len(failures), 3)
	for _, f := range failures {
		is.True(errors.Is(f.Err, errBoom))
	}
	response, err := batch.Run(batch.Of("a", "b", "c"), func(s batch.Stream[string]) batch.Stream[string] {
		return batch.Parallel(s, 8, func(batch.Stream[string]) batch.Stream[string] { return nil })
	})
	is.Equal(listed(response), []string{"0", "1", "2"})
	var all *batch.AllFailedError
	is.True(errors.As(err, &all))
}

func TestGoexitNeverHangsAndAcknowledgesNothingUnfinished(t *testing.T) {
	exits := func(value string) func(context.Context, string) error {
		return func(_ context.Context, v string) error {
			if v == value {
				runtime.Goexit()
			}
			return nil
		}
	}
	through := func(context.Context, string) error { return nil }
	for name, stage := range map[string]func(batch.Stream[string]) batch.Stream[string]{
		"in a lane": func(s batch.Stream[string]) batch.Stream[string] { return inLanes(s, 2, exits("3")) },
		"before": func(s batch.Stream[string]) batch.Stream[string] {
			return inLanes(batch.TryEach(s, exits("3")), 2, through)
		},
		"behind": func(s batch.Stream[string]) batch.Stream[string] {
			return batch.TryEach(inLanes(s, 2, through), exits("3"))
		},
		"before, first": func(s batch.Stream[string]) batch.Stream[string] {
			return inLanes(batch.TryEach(s, exits("0")), 2, through)
		},
		"in a lane of a lane": func(s batch.Stream[string]) batch.Stream[string] {
			return batch.Parallel(s, 2, func(s batch.Stream[string]) batch.Stream[string] { return inLanes(s, 2, exits("3")) })
		},
		"before a lane of a lane": func(s batch.Stream[string]) batch.Stream[string] {
			return batch.Parallel(s, 2, func(s batch.Stream[string]) batch.Stream[string] {
				return inLanes(batch.TryEach(s, exits("3")), 2, through)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				response, _ := batch.Run(grouped(context.Background(), make([]string, 6)), stage)
				if lost := "r" + map[bool]string{true: "0", false: "3"}[name == "before, first"]; !slices.Contains(listed(response), lost) {
					t.Fatalf("%s is acknowledged: %v", lost, listed(response))
				}
			})
		})
	}
}

// As it would end it without lanes.
func TestGoexitBeforeLanesEndsWhoeverRangesOverThem(t *testing.T) {
	is := is.New(t)
	returned, ended := false, make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = batch.Collect(inLanes(batch.TryEach(batch.Of("a", "b"), func(context.Context, string) error {
			runtime.Goexit()
			return nil
		}), 2, through))
		returned = true
	}()
	<-ended
	is.True(!returned)
}

func TestResultsOfNoRecordGoThroughLanes(t *testing.T) {
	is := is.New(t)
	source := batch.Of("a", "b", "c")
	zeros := func(yield func(batch.Result[string]) bool) {
		for r := range source {
			if !yield(batch.Result[string]{}) || !yield(r) {
				return
			}
		}
	}
	all := slices.Collect(inLanes(zeros, 2, func(context.Context, string) error { return nil }))
	is.Equal(len(all), 6)
	of := map[string]int{}
	for _, r := range all {
		of[r.Record().ID]++
	}
	is.Equal(of, map[string]int{"": 3, "0": 1, "1": 1, "2": 1})
}

// What a lane sends that is nobody's has no place in the order, but is not lost.
func TestLanesPassOnWhatComesFromElsewhere(t *testing.T) {
	is := is.New(t)
	other := slices.Collect(batch.Of("x", "y"))
	values, failures := batch.Partition(batch.Parallel(batch.Of("a", "b"), 1, func(s batch.Stream[string]) batch.Stream[string] {
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				if !yield(r) || !yield(other[0]) {
					return
				}
			}
			yield(other[1])
		}
	}))
	is.Equal(len(failures), 0)
	is.Equal(values, []string{"a", "b", "x", "y"}) // one batch after the other
}

// Deadlines.

// late is a pipeline under a deadline: functions before, in and behind lanes.
type late struct {
	records           int
	fifo              bool
	before, in, last  []lateCall // by record; nil: no such stage
	lanes             int        // 0: no Parallel
	deadline, reserve time.Duration
	invoked           bool // through a handler
}

type lateCall struct {
	takes time.Duration // longer than everything: until it is released
	heeds bool          // the end of its context
	fails bool
}

const endless = time.Hour

func drawLate(t *rapid.T) late {
	l := late{
		records:  rapid.IntRange(1, 12).Draw(t, "records"),
		fifo:     rapid.Bool().Draw(t, "fifo"),
		lanes:    rapid.IntRange(0, 5).Draw(t, "lanes"),
		deadline: time.Duration(rapid.IntRange(1, 30).Draw(t, "deadline")) * 16 * time.Millisecond,
		reserve:  time.Duration(rapid.IntRange(1, 20).Draw(t, "reserve")) * 16 * time.Millisecond,
		invoked:  rapid.Bool().Draw(t, "invoked"),
	}
	calls := func(name string) []lateCall {
		if !rapid.Bool().Draw(t, name) {
			return nil
		}
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) lateCall {
			c := lateCall{
				takes: time.Duration(rapid.IntRange(0, 20).Draw(t, "takes"))*5*time.Millisecond + 77*time.Microsecond,
				heeds: rapid.Bool().Draw(t, "heeds"),
				fails: rapid.IntRange(0, 9).Draw(t, "fails") == 0,
			}
			if rapid.IntRange(0, 7).Draw(t, "endless") == 0 {
				c.takes = endless
			}
			return c
		}), l.records, l.records).Draw(t, name)
	}
	l.before, l.in, l.last = calls("before"), calls("in"), calls("last")
	return l
}

// end is when the records' context ends, and patience how long Run waits then.
func (l late) end() (end, patience time.Duration) {
	reserve := min(l.reserve, l.deadline/2)
	return l.deadline - reserve, reserve / 2
}

// A lateLedger notes what happens in a late pipeline.
type lateLedger struct {
	late
	start   time.Time
	release chan struct{}
	mu      sync.Mutex
	begun   []time.Duration
	running int
	ended   map[int][]time.Duration // by record, of functions that succeeded
	taps    int
}

func (l *lateLedger) now() time.Duration { return time.Since(l.start) }

func (l *lateLedger) stage(s batch.Stream[int], calls []lateCall) batch.Stream[int] {
	if calls == nil {
		return s
	}
	s = batch.TryEach(s, func(ctx context.Context, i int) error {
		l.mu.Lock()
		l.begun = append(l.begun, l.now())
		l.running++
		l.mu.Unlock()
		err := l.spend(ctx, calls[i])
		l.mu.Lock()
		defer l.mu.Unlock()
		l.running--
		if err == nil {
			l.ended[i] = append(l.ended[i], l.now())
		}
		return err
	})
	return batch.Tap(s, func(batch.Result[int]) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.taps++
	})
}

func (l *lateLedger) spend(ctx context.Context, c lateCall) error {
	done := ctx.Done()
	if !c.heeds {
		done = nil
	}
	var over <-chan time.Time
	if c.takes < endless {
		over = time.After(c.takes)
	}
	select {
	case <-over:
	case <-l.release:
	case <-done:
		return ctx.Err()
	}
	if c.fails {
		return errFate
	}
	return nil
}

func (l *lateLedger) pipeline(s batch.Stream[events.SQSMessage]) batch.Stream[int] {
	numbers := l.stage(batch.Map(s, func(m events.SQSMessage) int { return indexOf(m.Body) }), l.before)
	if l.lanes == 0 {
		numbers = l.stage(numbers, l.in)
	} else {
		numbers = batch.Parallel(numbers, l.lanes, func(s batch.Stream[int]) batch.Stream[int] { return l.stage(s, l.in) })
	}
	return l.stage(numbers, l.last)
}

func (l *lateLedger) answer(ctx context.Context, opts ...batch.Option) (reported []string) {
	event := events.SQSEvent{}
	arn := "arn:aws:sqs:eu-west-1:123456789012:q"
	if l.fifo {
		arn += ".fifo"
	}
	for i := range l.records {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: strconv.Itoa(i), Body: strconv.Itoa(i), EventSource: "aws:sqs", EventSourceARN: arn,
			Attributes: map[string]string{"MessageGroupId": strconv.Itoa(i % 3)},
		})
	}
	opts = append(opts, batch.WithReserve(l.reserve), batch.WithoutAllFailedError())
	if !l.invoked {
		response, _ := batch.Run(batch.SQS(ctx, event, opts...), l.pipeline)
		return listed(response)
	}
	payload, _ := json.Marshal(event)
	answer, _ := batch.SQSHandler(l.pipeline, opts...).Invoke(ctx, payload)
	var response batch.Response
	_ = json.Unmarshal(answer, &response)
	return listed(response)
}

// stages counts the functions that a record has to get through.
func (l late) stages() (n int) {
	for _, calls := range [][]lateCall{l.before, l.in, l.last} {
		if calls != nil {
			n++
		}
	}
	return n
}

// finished reports whether the record got through all functions by then.
func (l *lateLedger) finished(i int, by time.Duration) bool {
	ended := l.ended[i]
	return len(ended) == l.stages() && (len(ended) == 0 || slices.Max(ended) <= by)
}

func TestTheAnswerComesInTimeAndSaysWhatIsFinished(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawLate(t)
		rapid.SyncTest(t, func(t *rapid.T) {
			l := &lateLedger{late: c, start: time.Now(), release: make(chan struct{}), ended: map[int][]time.Duration{}}
			ctx, cancel := context.WithTimeout(context.Background(), c.deadline)
			defer cancel()
			release := sync.OnceFunc(func() { close(l.release) })
			defer release()
			var report batch.Report
			var log strings.Builder
			reported := l.answer(ctx,
				batch.WithReport(func(_ context.Context, r batch.Report) { report = r }),
				batch.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))))
			answered := l.now()
			synctest.Wait()
			l.mu.Lock()
			begun, taps, running := len(l.begun), l.taps, l.running
			l.mu.Unlock()
			end, patience := c.end()

			if answered > end+patience {
				t.Fatalf("answered at %v, after %v", answered, end+patience)
			}
			for _, at := range l.begun {
				if at > end {
					t.Fatalf("a function began at %v, after %v", at, end)
				}
			}
			if c.lanes > 0 {
				patience /= 2
			}
			for i := range c.records {
				switch isReported := slices.Contains(reported, strconv.Itoa(i)); {
				case !isReported && !l.finished(i, answered):
					t.Fatalf("record %d is acknowledged, but only %v ended", i, l.ended[i])
				case isReported && l.finished(i, end+patience) && !c.fifo:
					t.Fatalf("record %d is reported, but ended at %v", i, l.ended[i])
				}
			}
			if sum := report.Acknowledged + report.Failed + report.Blocked + report.NotStarted + report.Unreached; sum != c.records || len(reported) != c.records-report.Acknowledged {
				t.Fatalf("report %+v", report)
			}
			if report.Unreached < running && !c.fifo {
				t.Fatalf("%d unreached, %d still running", report.Unreached, running)
			}
			if stuckBehind := c.last != nil && answered == end+2*patience; !stuckBehind && !strings.Contains(log.String()+`"running":0`, fmt.Sprintf(`"running":%d`, running)) {
				t.Fatalf("%d still running, logged %s", running, log.String())
			}

			release()
			time.Sleep(time.Minute)
			l.mu.Lock()
			defer l.mu.Unlock()
			if len(l.begun) != begun || l.taps != taps {
				t.Fatalf("%d functions and %d taps after the answer", len(l.begun)-begun, l.taps-taps)
			}
		})
	})
}

// stuckOn makes a function that is stuck on some values until the test ends.
func stuckOn(t *testing.T, values ...string) func(context.Context, string) error {
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	return func(_ context.Context, v string) error {
		if slices.Contains(values, v) {
			<-release
		}
		return nil
	}
}

func through(context.Context, string) error { return nil }

// Ten seconds, of which the last four are the reserve.
func deadline(t *testing.T) (ctx context.Context, reserve batch.Option) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx, batch.WithReserve(4 * time.Second)
}

func TestAStuckRecordCostsItself(t *testing.T) {
	for name, test := range map[string]struct {
		stage func(batch.Stream[string], func(context.Context, string) error) batch.Stream[string]
		takes time.Duration
	}{
		"in lanes": {func(s batch.Stream[string], stuck func(context.Context, string) error) batch.Stream[string] {
			return inLanes(s, 4, stuck)
		}, 7 * time.Second},
		"in lanes in lanes": {func(s batch.Stream[string], stuck func(context.Context, string) error) batch.Stream[string] {
			return batch.Parallel(s, 2, func(s batch.Stream[string]) batch.Stream[string] { return inLanes(s, 3, stuck) })
		}, 7 * time.Second},
		"in lanes in lanes in lanes": {func(s batch.Stream[string], stuck func(context.Context, string) error) batch.Stream[string] {
			return batch.Parallel(s, 2, func(s batch.Stream[string]) batch.Stream[string] {
				return batch.Parallel(s, 2, func(s batch.Stream[string]) batch.Stream[string] { return inLanes(s, 2, stuck) })
			})
		}, 7 * time.Second},
		"in lanes behind lanes": {func(s batch.Stream[string], stuck func(context.Context, string) error) batch.Stream[string] {
			return inLanes(inLanes(s, 2, through), 4, stuck)
		}, 7 * time.Second},
		"in lanes before lanes of a stage without functions": {func(s batch.Stream[string], stuck func(context.Context, string) error) batch.Stream[string] {
			return batch.Parallel(inLanes(s, 4, stuck), 2, func(s batch.Stream[string]) batch.Stream[string] { return s })
		}, 7 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			for range 50 {
				synctest.Test(t, func(t *testing.T) {
					is := is.New(t)
					ctx, reserve := deadline(t)
					stuck := stuckOn(t, "1", "3")
					start := time.Now()
					response, err := batch.Run(grouped(ctx, make([]string, 20), reserve), func(s batch.Stream[string]) batch.Stream[string] {
						return test.stage(s, stuck)
					})
					is.NoErr(err)
					is.Equal(listed(response), []string{"r1", "r3"})
					is.True(time.Since(start) <= test.takes)
				})
			}
		})
	}
}

func TestLanesHandOnWhatIsThereAQuarterOfTheReserveAfterTheEnd(t *testing.T) {
	for name, stage := range map[string]func(batch.Stream[string], func(context.Context, string) error) batch.Stream[string]{
		"a lane is stuck": func(s batch.Stream[string], stuck func(context.Context, string) error) batch.Stream[string] {
			return inLanes(s, 1, stuck)
		},
		"the stage before is stuck": func(s batch.Stream[string], stuck func(context.Context, string) error) batch.Stream[string] {
			return inLanes(batch.TryEach(s, stuck), 1, through)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				start := time.Now()
				response, _ := batch.Collect(stage(grouped(ctx, make([]string, 5), reserve), stuckOn(t, "1")))
				is.Equal(listed(response), []string{"r1", "r2", "r3", "r4"})
				is.True(time.Since(start) >= 7*time.Second && time.Since(start) < 8*time.Second)
			})
		})
	}
}

// All lanes are stuck: what they never took has not started, and what was settled
// before them stays so.
func TestWhatNoLaneTookIsWhatItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		source := batch.Filter(grouped(ctx, make([]string, 6), reserve), func(v string) bool { return v != "4" })
		source = batch.TryEach(source, failingOn("3"))
		_, failures := batch.Partition(inLanes(source, 1, stuckOn(t, "1")))
		is.Equal(len(failures), 4)
		is.True(errors.Is(failures[0].Err, batch.ErrUnreached))
		is.True(errors.Is(failures[1].Err, batch.ErrNotStarted))
		is.True(errors.Is(failures[2].Err, errBoom))
		is.True(errors.Is(failures[3].Err, batch.ErrNotStarted))
		is.True(errors.Is(failures[3].Err, context.DeadlineExceeded))
	})
}

// Records that wait behind a stuck one of their group get to a lane all the same
// once nothing can start any more, whether a lane has come upon them before or not.
func TestNothingWaitsForAStuckGroupAfterTheEnd(t *testing.T) {
	for name, busy := range map[string]bool{"found before": false, "found then": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				var refused atomic.Int32
				stuck := stuckOn(t, "0")
				groups := manyGroups(100, 1)
				groups[1] = "busy"
				source := grouped(ctx, groups, reserve, batch.WithPolicy(batch.StopGroup))
				_, failures := batch.Partition(batch.Parallel(source, 2, func(s batch.Stream[string]) batch.Stream[string] {
					s = batch.TryEach(s, func(ctx context.Context, v string) error {
						if v == "1" && busy {
							<-ctx.Done()
						}
						return stuck(ctx, v)
					})
					return batch.Tap(s, func(r batch.Result[string]) {
						if errors.Is(r.Err(), batch.ErrNotStarted) {
							refused.Add(1)
						}
					})
				}))
				is.Equal(len(failures), 99)
				is.Equal(refused.Load(), int32(98))
			})
		})
	}
}

func TestLanesNameTheCauseOfAnEndThatIsNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shutdown := errors.New("shutdown")
		ctx, cancel := cancellable()
		time.AfterFunc(time.Second, func() { cancel(shutdown) })
		start := time.Now()
		_, failures := batch.Partition(inLanes(grouped(ctx, make([]string, 6)), 2, func(ctx context.Context, v string) error {
			time.Sleep(3 * time.Second) // heedless, but without a deadline it is waited for
			return nil
		}))
		is.Equal(time.Since(start), 3*time.Second)
		is.Equal(len(failures), 4)
		for _, f := range failures {
			is.True(errors.Is(f.Err, batch.ErrNotStarted))
			is.True(errors.Is(f.Err, shutdown))
		}
	})
}

// With a deadline, but an end long before it.
func TestAfterAShutdownRunAnswersHalfAReserveLater(t *testing.T) {
	for _, lanes := range []int{0, 2} {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			ctx, reserve := deadline(t)
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Second, func() { cancel(errBoom) })
			stuck := stuckOn(t, "0")
			start := time.Now()
			_, err := batch.Run(grouped(ctx, make([]string, 3), reserve), func(s batch.Stream[string]) batch.Stream[string] {
				if lanes == 0 {
					return batch.TryEach(s, stuck)
				}
				return inLanes(s, lanes, func(ctx context.Context, v string) error {
					_ = stuck(ctx, v)
					<-ctx.Done()
					return ctx.Err()
				})
			})
			is.True(err != nil)
			is.True(time.Since(start) <= 3*time.Second)
		})
	}
}

func TestWithoutADeadlineLanesWaitAsLongAsItTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		response, err := batch.Run(grouped(context.Background(), make([]string, 4)), func(s batch.Stream[string]) batch.Stream[string] {
			return inLanes(s, 4, func(context.Context, string) error { time.Sleep(1000 * time.Hour); return nil })
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{})
		is.Equal(time.Since(start), 1000*time.Hour)
	})
}

// What comes back after the answer goes no further, however it comes back.
func TestWhatComesBackAfterTheAnswerChangesNothing(t *testing.T) {
	for name, back := range map[string]func(){
		"returns":            func() {},
		"panics":             func() { panic(errBoom) },
		"ends its goroutine": func() { runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				release := make(chan struct{})
				var after atomic.Int32
				var report batch.Report
				count := func(batch.Result[string]) { after.Add(1) }
				source := grouped(ctx, make([]string, 8), reserve, batch.WithReport(func(_ context.Context, r batch.Report) { report = r }))
				response, _ := batch.Run(source, func(s batch.Stream[string]) batch.Stream[string] {
					s = batch.Parallel(s, 3, func(s batch.Stream[string]) batch.Stream[string] {
						return batch.Tap(batch.TryEach(s, func(_ context.Context, v string) error {
							if v == "2" || v == "5" {
								<-release
								back()
							}
							return nil
						}), count)
					})
					return batch.Tap(s, count)
				})
				taps := after.Load()
				is.Equal(listed(response), []string{"r2", "r5"})
				is.Equal(report.Unreached, 2)
				close(release)
				time.Sleep(time.Minute)
				is.Equal(after.Load(), taps)
				is.Equal(listed(response), []string{"r2", "r5"})
			})
		})
	}
}

// Cost: work of a given length, in lanes and without.

// spin computes for a while and returns what must not be 0.
func spin(rounds int) uint64 {
	x := uint64(88172645463325252)
	for range rounds {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

// roundsIn returns how often spin goes round in that time.
func roundsIn(d time.Duration) int {
	const rounds = 10_000
	fastest := time.Hour
	for range 100 {
		start := time.Now()
		if spin(rounds) == 0 {
			panic("never")
		}
		fastest = min(fastest, time.Since(start))
	}
	return int(d * rounds / fastest)
}

func BenchmarkParallel(b *testing.B) {
	const n, lanes = 1000, 8
	event := costEvent(n)
	for _, takes := range []time.Duration{300 * time.Nanosecond, 3 * time.Microsecond} {
		rounds := roundsIn(takes)
		work := batch.Each(func(context.Context, events.SQSMessage) error {
			if spin(rounds) == 0 {
				return errFate
			}
			return nil
		})
		run := func(stage func(batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage]) func() {
			return func() {
				if _, err := batch.Run(batch.SQS(context.Background(), event), stage); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(takes.String()+"/alone", func(b *testing.B) { perRecord(b, n, run(work)) })
		b.Run(takes.String()+"/lanes", func(b *testing.B) {
			perRecord(b, n, run(func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
				return batch.Parallel(s, lanes, work)
			}))
		})
	}
}

func TestAFailureFromBeforeTheLanesIsSettledInThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := rapid.SampledFrom([]batch.Policy{batch.Continue, batch.StopGroup, batch.StopBatch}).Draw(t, "policy")
		bad := rapid.SliceOfN(rapid.Bool(), 1, 20).Draw(t, "bad")
		describe := func(i int) batch.Record { return batch.Record{ID: strconv.Itoa(i), Group: strconv.Itoa(i % 2)} }
		values := make([]int, len(bad))
		for i := range values {
			values[i] = i
		}
		source := batch.From(context.Background(), values, describe, batch.WithPolicy(policy))
		decoded := func(yield func(batch.Result[int]) bool) {
			for r := range source { // no function: a failure holds it back until it is settled
				if bad[r.Record().Index] {
					r = r.Fail(errors.New("undecodable"))
				}
				if !yield(r) {
					return
				}
			}
		}
		settled := func(s batch.Stream[int]) batch.Stream[int] {
			return batch.TryEach(batch.Catch(s, func(context.Context, error) error { return nil }), func(context.Context, int) error { return nil })
		}
		response, err := batch.Collect(batch.Parallel(decoded, rapid.IntRange(1, 6).Draw(t, "lanes"), settled))
		if err != nil || len(response.BatchItemFailures) > 0 {
			t.Fatal(response, err)
		}
	})
}

func TestLanesKeepNoValueThatHasLeft(t *testing.T) {
	const size, records = 1 << 20, 200
	var most uint64
	n := 0
	big := batch.Parallel(batch.Of(make([]int, records)...), 4, func(s batch.Stream[int]) batch.Stream[[]byte] {
		return batch.Map(s, func(int) []byte { return make([]byte, size) })
	})
	for range big {
		if n++; n == records-10 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = m.HeapAlloc
		}
	}
	if most > records/2*size {
		t.Errorf("%d MB are kept", most>>20)
	}
}
