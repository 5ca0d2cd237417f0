package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/draw"
	"github.com/matryer/is"
)

func TestStagesAreStrictlySequential(t *testing.T) {
	is := is.New(t)
	var order []string
	note := func(stage string) func(context.Context, string) error {
		return func(_ context.Context, v string) error { order = append(order, stage+v); return nil }
	}
	for range batch.TryEach(batch.TryEach(batch.Of("a", "b"), note("1")), note("2")) {
		order = append(order, "out")
	}
	is.Equal(order, []string{"1a", "2a", "out", "1b", "2b", "out"})
}

func TestAStageAloneDoesNothing(t *testing.T) {
	batch.TryEach(batch.Of("a"), func(context.Context, string) error { t.Error("called"); return nil })
	batch.Map(batch.Of("a"), func(string) int { t.Error("called"); return 0 })
}

func TestNoFunctionStartsAfterABreak(t *testing.T) {
	is := is.New(t)
	calls := 0
	s := batch.TryEach(batch.Of("a", "b", "c"), func(context.Context, string) error { calls++; return nil })
	for range batch.Filter(batch.FlatMap(s, func(v string) []string { return []string{v, v} }), func(string) bool { return true }) {
		break
	}
	is.Equal(calls, 1)
	next, stop := iter.Pull(s)
	_, ok := next()
	stop()
	is.True(ok)
	is.Equal(calls, 2)
}

// Under every policy a failed part holds back later records, but not the later parts of its own record.
func TestAFailedPartDoesNotHoldBackTheLaterPartsOfItsRecord(t *testing.T) {
	for _, policy := range []batch.Policy{batch.Continue, batch.StopGroup, batch.StopBatch} {
		is := is.New(t)
		var stored effects
		parts := batch.FlatMap(oneGroup(t.Context(), policy, "a", "b"), func(v string) []string { return []string{v + "1", v + "2", v + "3"} })
		_, _ = batch.Collect(batch.TryEach(parts, stored.refusing("a2")))
		want := []string{"a1", "a3"}
		if policy == batch.Continue {
			want = append(want, "b1", "b2", "b3")
		}
		is.Equal(stored.noted(), want)
	}
}

func TestFlatMapAcknowledgesARecordIfEveryPartIs(t *testing.T) {
	for name, test := range map[string]struct {
		parts int
		fail  string
		want  []string
	}{
		"no part":                       {0, "", []string{}},
		"one part":                      {1, "", []string{}},
		"more than fit into a word":     {1000, "", []string{}},
		"the first fails":               {3, "0", []string{"0"}},
		"one beyond the first 64 fails": {100, "80", []string{"0"}},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			s := batch.FlatMap(batch.Of("x"), func(string) []string {
				return numerals(0, test.parts)
			})
			response, _ := batch.Collect(batch.TryEach(s, failingOn(test.fail)))
			is.Equal(listed(response), test.want)
		})
	}
}

func TestALostOrFailedPartKeepsItsRecordFromBeingAcknowledged(t *testing.T) {
	letters := func(v string) []string { return strings.Split(v, "") }
	type stage = func(texts) texts
	for name, foreign := range map[string]stage{
		"dropped":                       func(s texts) texts { return dropping(s, "b") },
		"dropped, its sibling repeated": func(s texts) texts { return repeating(dropping(s, "b")) },
		"failed, its sibling caught": func(s texts) texts {
			s = batch.TryEach(batch.TryEach(s, failingOn("a")), func(_ context.Context, v string) error {
				if v == "b" {
					return io.EOF
				}
				return nil
			})
			return batch.Catch(s, func(_ context.Context, err error) error {
				if err == errBoom {
					return nil
				}
				return err
			})
		},
		"failed, its sibling filtered": func(s texts) texts {
			return batch.Filter(batch.TryEach(s, failingOn("b")), func(v string) bool { return v != "a" })
		},
		"failed in one of two copies": func(s texts) texts {
			n := 0
			return batch.TryEach(repeating(s), func(context.Context, string) error {
				if n++; n == 3 {
					return errBoom
				}
				return nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			response, err := batch.Run(batch.Of("abc", "x"), func(s texts) texts {
				return foreign(batch.FlatMap(s, letters))
			})
			is.NoErr(err)
			is.Equal(listed(response), []string{"0"})
		})
	}
}

func TestTapLooksAtEveryResult(t *testing.T) {
	is := is.New(t)
	var looked []string
	s := batch.Filter(oneGroup(t.Context(), batch.StopBatch, "0", "1", "2", "3"), func(v string) bool { return v != "1" })
	s = batch.Tap(batch.TryEach(s, failingOn("2")), func(r batch.Result[string]) { looked = append(looked, draw.Seen(r)) })
	is.Equal(seen(s), looked)
	is.Equal(len(looked), 4)

	looked = nil
	is.Equal(seen(batch.Tap(batch.TryEach(oneGroup(endedContext(), batch.Continue, "0"), failingOn()), func(r batch.Result[string]) {
		looked = append(looked, draw.Seen(r))
	})), looked)
	is.Equal(len(looked), 1) // although the context has ended
}

func TestThePanicOfATapJoinsTheErrorOfItsResult(t *testing.T) {
	is := is.New(t)
	s := batch.Tap(batch.TryEach(batch.Of("a", "b"), failingOn("b")), func(batch.Result[string]) { panic(io.EOF) })
	all := slices.Collect(s)
	is.True(errors.Is(all[0].Err(), io.EOF))
	is.True(errors.Is(all[1].Err(), io.EOF))
	is.True(errors.Is(all[1].Err(), errBoom))
}

func TestCatchAndOrElseSettleAFailureOrReplaceItsError(t *testing.T) {
	is := is.New(t)
	failing := batch.TryEach(batch.Of("a", "b"), failingOn("a"))
	is.Equal(seen(batch.Catch(failing, func(context.Context, error) error { return nil })), []string{"0: done", "1: b"})
	is.Equal(seen(batch.OrElse(failing, func(context.Context, error) (string, error) { return "else", nil })), []string{"0: else", "1: b"})
	replaced := slices.Collect(batch.OrElse(failing, func(_ context.Context, err error) (string, error) {
		is.True(err == errBoom)
		return "ignored", io.EOF
	}))
	is.True(replaced[0].Err() == io.EOF)
}

func TestStagesPanicOnBadArguments(t *testing.T) {
	s := batch.Of("a")
	var none texts
	type ctx = context.Context
	try := func(ctx, string) error { return nil }
	for want, build := range map[string]func(){
		"Map: f is nil":                     func() { batch.Map[string, int](s, nil) },
		"Map: s is nil":                     func() { batch.Map(none, strings.ToUpper) },
		"TryMap: f is nil":                  func() { batch.TryMap[string, int](s, nil) },
		"TryMap: s is nil":                  func() { batch.TryMap(none, func(ctx, string) (int, error) { return 0, nil }) },
		"Filter: keep is nil":               func() { batch.Filter(s, nil) },
		"Filter: s is nil":                  func() { batch.Filter(none, func(string) bool { return true }) },
		"TryFilter: keep is nil":            func() { batch.TryFilter(s, nil) },
		"TryFilter: s is nil":               func() { batch.TryFilter(none, func(ctx, string) (bool, error) { return true, nil }) },
		"FlatMap: f is nil":                 func() { batch.FlatMap[string, []int](s, nil) },
		"FlatMap: s is nil":                 func() { batch.FlatMap(none, func(string) []int { return nil }) },
		"TryFlatMap: f is nil":              func() { batch.TryFlatMap[string, []int](s, nil) },
		"TryFlatMap: s is nil":              func() { batch.TryFlatMap(none, func(ctx, string) ([]int, error) { return nil, nil }) },
		"TryEach: f is nil":                 func() { batch.TryEach(s, nil) },
		"TryEach: s is nil":                 func() { batch.TryEach(none, try) },
		"Each: f is nil":                    func() { batch.Each[string](nil) },
		"TryEachChunk: f is nil":            func() { batch.TryEachChunk(s, 1, nil) },
		"TryEachChunk: s is nil":            func() { batch.TryEachChunk(none, 1, func(ctx, []string) error { return nil }) },
		"TryEachChunk: size is less than 1": func() { batch.TryEachChunk(s, 0, func(ctx, []string) error { return nil }) },
		"Tap: look is nil":                  func() { batch.Tap(s, nil) },
		"Tap: s is nil":                     func() { batch.Tap(none, func(batch.Result[string]) {}) },
		"Catch: f is nil":                   func() { batch.Catch(s, nil) },
		"Catch: s is nil":                   func() { batch.Catch(none, func(ctx, error) error { return nil }) },
		"OrElse: f is nil":                  func() { batch.OrElse(s, nil) },
		"OrElse: s is nil":                  func() { batch.OrElse(none, func(ctx, error) (string, error) { return "", nil }) },
		"Decode: unmarshal is nil":          func() { batch.Decode[int](s, nil) },
		"Parallel: s is nil":                func() { batch.Parallel(none, 1, batch.Each(try)) },
		"Parallel: stage is nil":            func() { batch.Parallel[string, string](s, 1, nil) },
		"Parallel: n is less than 1":        func() { batch.Parallel(s, 0, batch.Each(try)) },
		"Decode: s is nil":                  func() { batch.Decode[int](none, json.Unmarshal) },
		"Then: f is nil":                    func() { batch.Then[string, int](one(s), nil) },
	} {
		t.Run(want, func(t *testing.T) {
			is := is.New(t)
			text := panicOf(build).(string)
			is.True(strings.HasPrefix(text, "batch: "+want))
			is.True(!strings.HasSuffix(want, "is nil") || strings.Contains(text, ", in the stage that takes string")) // so that users find the stage
		})
	}
}

func TestAStreamMayBeRangedOverConcurrently(t *testing.T) {
	is := is.New(t)
	s := batch.Decode[string](oneGroup(t.Context(), batch.StopGroup, "a", "b", "c", "d"), func(b []byte, v any) error {
		*v.(*string) = string(b)
		return nil
	})
	s = batch.FlatMap(s, func(v string) []string { return []string{v, v + v} })
	s = batch.TryEachChunk(s, 3, func(_ context.Context, vs []string) error {
		if i := slices.Index(vs, "cc"); i >= 0 {
			return batch.ItemErrors{i: errBoom}
		}
		return nil
	})
	want := seen(s)
	answers := make(chan []string)
	for range 8 {
		go func() { answers <- seen(s) }()
	}
	for range 8 {
		is.Equal(<-answers, want)
	}
}

func TestTapPassesAResultWithoutARecordOn(t *testing.T) {
	is := is.New(t)
	none := func(yield func(batch.Result[string]) bool) { yield(batch.Result[string]{}) }
	looked := 0
	for name, look := range map[string]func(batch.Result[string]){
		"looks":  func(batch.Result[string]) { looked++ },
		"panics": func(batch.Result[string]) { looked++; panic(errBoom) },
	} {
		t.Run(name, func(t *testing.T) { is.Equal(one(batch.Tap(none, look)).Err().Error(), "result without a record") })
	}
	is.Equal(looked, 2)
}
