package batch_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

type textRoutes = map[string]batch.Stage[string, string]

func firstLetter(v string) string { return v[:1] }

// resultLines describes the results of a stream, sorted by record.
func resultLines(s texts) (all []string) {
	for r := range s {
		what, ok := r.Value()
		switch {
		case r.Err() != nil:
			what = r.Err().Error()
		case !ok:
			what = "done"
		}
		all = append(all, fmt.Sprint(r.Record().Index, ": ", what))
	}
	slices.Sort(all)
	return all
}

func suffixed(suffix string) batch.Stage[string, string] {
	return func(s texts) texts { return batch.Map(s, func(v string) string { return v + suffix }) }
}

func TestRouteSendsEachValueThroughTheStageOfItsKey(t *testing.T) {
	is := is.New(t)
	s := batch.Route(batch.Of("a1", "b1", "a2", "c1", "b2"), firstLetter, textRoutes{"a": suffixed("-a"), "b": suffixed("-b")})
	for range 2 {
		got := resultLines(s)
		is.Equal(got, []string{`0: a1-a`, `1: b1-b`, `2: a2-a`, `3: no route for "c"`, `4: b2-b`})
	}
}

func TestARecordWithoutARouteFailsWithAnErrorThatSaysSo(t *testing.T) {
	is := is.New(t)
	type kind struct{ name string }
	s := batch.Route(batch.Of("x"), func(v string) kind { return kind{v} }, map[kind]batch.Stage[string, int]{})
	r := one(s)
	is.True(errors.Is(r.Err(), batch.ErrNoRoute))
	is.Equal(r.Err().Error(), "no route for {x}")
}

func TestRoutesReceiveOnlyReadyResults(t *testing.T) {
	is := is.New(t)
	s := batch.Filter(batch.TryEach(batch.Of("a1", "a2", "a3"), failingOn("a1")), func(v string) bool { return v != "a2" })
	var looked effects
	got := resultLines(batch.Route(s, firstLetter, textRoutes{"a": func(s texts) texts {
		return batch.Tap(s, func(r batch.Result[string]) {
			v, _ := r.Value()
			looked.note(v)
		})
	}}))
	is.Equal(got, []string{"0: boom", "1: done", "2: a3"})
	is.Equal(looked.all, []string{"a3"})
}

func TestAFailingKeyFailsOnlyItsRecord(t *testing.T) {
	t.Run("by a panic", func(t *testing.T) {
		is := is.New(t)
		key := func(v string) string {
			if v == "b" {
				panic(errBoom)
			}
			return v
		}
		results := slices.Collect(batch.Route(batch.Of("a", "b", "a"), key, textRoutes{"a": suffixed("-a")}))
		slices.SortFunc(results, func(a, b batch.Result[string]) int { return a.Record().Index - b.Record().Index })
		var p *batch.PanicError
		is.True(errors.As(results[1].Err(), &p) && errors.Is(p, errBoom))
		is.True(strings.Contains(string(p.Stack), "route_test.go"))
		is.Equal([]error{results[0].Err(), results[2].Err()}, []error{nil, nil})
	})
	t.Run("by a value that cannot be compared", func(t *testing.T) {
		is := is.New(t)
		key := func(v string) any { return map[string]any{"a": v, "b": []string{v}}[v] }
		got := resultLines(batch.Route(batch.Of("a", "b"), key, map[any]batch.Stage[string, string]{"a": suffixed("-a")}))
		is.Equal(got[0], "0: a-a")
		is.True(strings.HasPrefix(got[1], "1: panic: runtime error: hash of unhashable type []string"))
	})
	t.Run("by ending its goroutine", func(t *testing.T) {
		is := is.New(t)
		key := func(v string) string {
			if v == "1" {
				runtime.Goexit()
			}
			return v
		}
		var report batch.Report
		reporting := reportInto(&report)
		response, err := batch.Run(grouped(t.Context(), make([]string, 3), reporting), func(s texts) texts {
			return batch.Route(s, key, textRoutes{"0": suffixed("")})
		})
		is.NoErr(err)
		is.Equal(listed(response), []string{"r1", "r2"})
		is.Equal(report.Failures[0].Err.Error(), "the function called runtime.Goexit")
		is.True(errors.Is(report.Failures[1].Err, batch.ErrUnreached))
	})
}

func TestAKeyIsCalledOnceForEachReadyResultAndNotAfterTheEnd(t *testing.T) {
	is := is.New(t)
	ctx, cancel := cancellable()
	var keys effects
	key := func(v string) string {
		keys.note(v)
		if v == "2" {
			cancel(errBoom)
		}
		return "all"
	}
	source := grouped(ctx, make([]string, 5))
	s := func(yield func(batch.Result[string]) bool) { // not a stage with a function, which would not be called after the end
		for r := range source {
			if r.Record().Index == 1 {
				r = r.Fail(errBoom)
			}
			if !yield(r) {
				return
			}
		}
	}
	var began effects
	var late int
	for r := range batch.Route(s, key, textRoutes{"all": batch.Each(began.each)}) {
		if errors.Is(r.Err(), batch.ErrNotStarted) {
			late++
		}
	}
	is.Equal(keys.all, []string{"0", "2"})
	is.True(late >= 3) // 2, 3, 4, and 0 if it had not begun
	is.True(late+len(began.all) == 4)
}

func TestAKeyIsNotCalledIfTheRecordsContextEndsWhileItsScopeOpens(t *testing.T) {
	is := is.New(t)
	ctx, cancel := cancellable()
	slow := batch.WithScope(func(context.Context, batch.Record) (context.Context, func(batch.Outcome)) {
		cancel(errBoom)
		return nil, nil
	})
	var keys effects
	key := func(v string) string { keys.note(v); return "all" }
	r := one(batch.Route(grouped(ctx, []string{""}, slow), key, textRoutes{"all": suffixed("")}))
	is.True(errors.Is(r.Err(), batch.ErrNotStarted))
	is.Equal(keys.all, nil)
}

func TestATapAfterRouteSeesARecordWhoseHookPanickedAfterTheEnd(t *testing.T) {
	is := is.New(t)
	ctx, cancel := cancellable()
	broken := batch.WithScope(func(context.Context, batch.Record) (context.Context, func(batch.Outcome)) {
		cancel(errBoom)
		panic("no tracer")
	})
	var looked []error
	s := batch.Route(grouped(ctx, []string{""}, broken), firstLetter, textRoutes{"0": suffixed("")})
	r := one(batch.Tap(s, func(r batch.Result[string]) { looked = append(looked, r.Err()) }))
	is.True(errors.Is(r.Err(), batch.ErrNotStarted))
	is.Equal(looked, []error{r.Err()})
}

func TestRouteReadsItsRoutesWhenItIsBuilt(t *testing.T) {
	is := is.New(t)
	routes := textRoutes{"a": suffixed("-a")}
	s := batch.Route(batch.Of("a"), firstLetter, routes)
	clear(routes)
	is.Equal(resultLines(s), []string{"0: a-a"})
}

func TestRoutePanicsOnNilArguments(t *testing.T) {
	is := is.New(t)
	var none texts
	routes := textRoutes{"a": suffixed("-a")}
	for want, f := range map[string]func(){
		"batch: Route: s is nil":           func() { batch.Route(none, firstLetter, routes) },
		"batch: Route: key is nil":         func() { batch.Route[string](batch.Of("a"), nil, routes) },
		"batch: Route: routes is nil":      func() { batch.Route[string, string, string](batch.Of("a"), firstLetter, nil) },
		`batch: Route: routes["b"] is nil`: func() { batch.Route(batch.Of("a"), firstLetter, textRoutes{"b": nil}) },
		"batch: Discard: s is nil":         func() { batch.Discard[int](none) },
	} {
		text, _ := panicOf(f).(string)
		is.True(strings.HasPrefix(text, want))
	}
}

func TestEachRouteIsBuiltOncePerRangeThatNeedsIt(t *testing.T) {
	is := is.New(t)
	var built effects
	routes := textRoutes{}
	for _, k := range []string{"a", "b", "c"} {
		routes[k] = func(s texts) texts { built.note(k); return s }
	}
	s := batch.Route(batch.Of("a", "b", "a", "b"), firstLetter, routes)
	for range s {
	}
	is.Equal(slices.Sorted(slices.Values(built.all)), []string{"a", "b"})
	for range s {
	}
	is.Equal(len(built.all), 4)
}

func TestNoRouteIsBuiltForResultsThatBypassTheRoutes(t *testing.T) {
	is := is.New(t)
	var built effects
	routes := textRoutes{"all": func(s texts) texts { built.note("all"); return s }}
	s := batch.Filter(batch.TryEach(batch.Of("a", "b"), failingOn("a")), func(string) bool { return false })
	is.Equal(resultLines(batch.Route(s, firstLetter, routes)), []string{"0: boom", "1: done"})
	is.Equal(built.all, nil)
}

func TestDiscardAcknowledgesReadyResults(t *testing.T) {
	is := is.New(t)
	s := batch.Discard[int](batch.TryEach(batch.Of("a", "b", "c"), failingOn("b")))
	var got []string
	for r := range s {
		_, ok := r.Value()
		is.True(!ok)
		got = append(got, map[bool]string{true: "done", false: "failed"}[r.Err() == nil])
	}
	is.Equal(got, []string{"done", "failed", "done"})
	response, err := batch.Collect(s)
	is.NoErr(err)
	is.Equal(listed(response), []string{"1"})
}

func TestDiscardIsAFilterThatKeepsNothing(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		policy := rapid.SampledFrom(everyPolicy).Draw(t, "policy")
		c := drawLanes(t, policy, mapping, slices.Concat(mapping, settling))
		states := func(discard batch.Stage[string, string]) (all []string) {
			rapid.SyncTest(t, func(*rapid.T) {
				l := &callLog{}
				for r := range l.apply(discard(l.apply(c.source(), c.before)), c.after) {
					all = append(all, fmt.Sprint(r.Record().Index, r.Err()))
				}
			})
			return all
		}
		equal(t, "results", states(batch.Discard[string, string]), states(func(s texts) texts {
			return batch.Filter(s, func(string) bool { return false })
		}))
	})
}

func TestRoutesOfDifferentTypesEndInDiscard(t *testing.T) {
	is := is.New(t)
	var lengths, letters atomic.Int32
	routes := map[bool]batch.Stage[string, struct{}]{
		true: func(s texts) batch.Stream[struct{}] {
			return batch.Discard[struct{}](batch.TryEach(batch.Map(s, func(v string) int { return len(v) }), func(_ context.Context, n int) error {
				lengths.Add(int32(n))
				return nil
			}))
		},
		false: func(s texts) batch.Stream[struct{}] {
			return batch.Discard[struct{}](batch.TryEach(batch.FlatMap(s, func(v string) []byte { return []byte(v) }), func(context.Context, byte) error {
				letters.Add(1)
				return nil
			}))
		},
	}
	is.Equal(len(slices.Collect(maps.Keys(routes))), 2)
	response, err := batch.Collect(batch.Route(batch.Of("ab", "xyz", "a"), func(v string) bool { return v[0] == 'a' }, routes))
	is.NoErr(err)
	is.Equal(listed(response), []string{})
	is.Equal([]int32{lengths.Load(), letters.Load()}, []int32{3, 3})
}
