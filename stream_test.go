package batch_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/draw"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

// The laws hold for drawn pipelines over drawn batches. Package draw plays them,
// and has a model that says what must come of them.

var (
	everySource = []string{draw.From, draw.Of, draw.SQS, draw.FIFO, draw.Kinesis, draw.DynamoDB, draw.Kafka}
	everyEvent  = everySource[2:]
	everyKind   = slices.Concat(draw.Own, draw.Foreign, draw.Stray)
)

// equal compares what fmt shows, for which no slice and an empty one are the same.
func equal(t *rapid.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// thorough is rapid.Check with more cases than usual: many a drawn pipeline does
// little.
func thorough(t *testing.T, prop func(*rapid.T)) {
	t.Helper()
	checks := flag.Lookup("rapid.checks").Value
	if before := checks.String(); before == "100" {
		_ = checks.Set("1500")
		defer func() { _ = checks.Set(before) }()
	}
	rapid.Check(t, prop)
}

// seen is what can be seen of the Results of a stream.
func seen(s batch.Stream[string]) (all []string) {
	for r := range s {
		all = append(all, draw.Seen(r))
	}
	return all
}

func cancellable() (context.Context, context.CancelCauseFunc) {
	return context.WithCancelCause(context.Background())
}

func TestEveryPipelineDoesWhatTheModelSays(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		c := draw.Cases(everySource, everyKind).Draw(t, "case")
		ctx, cancel := cancellable()
		defer cancel(nil)
		play, model := c.Play(cancel), c.Model()
		s := play.Whole(ctx)
		equal(t, "results", seen(s), model.Range())
		equal(t, "calls", play.Calls(), model.Calls)
		equal(t, "results of a second range", seen(s), model.Range())
		equal(t, "calls of both", play.Calls(), model.Calls)
		equal(t, "seen inside functions", play.Wrong(), []string(nil))
	})
}

func TestEveryAnswerIsWhatTheModelSays(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		c := draw.Cases(everySource, everyKind).Draw(t, "case")
		answers := map[string]func(context.Context, *draw.Play, *draw.Model) (got, want any){
			"Collect": func(ctx context.Context, p *draw.Play, m *draw.Model) (got, want any) {
				var o draw.Observer
				return o.Answer(batch.Collect(p.Whole(ctx, o.Options()...))), m.Collect()
			},
			"Run": func(ctx context.Context, p *draw.Play, m *draw.Model) (got, want any) {
				var o draw.Observer
				return o.Answer(batch.Run(p.Source(ctx, o.Options()...), p.Stage)), m.Run()
			},
			"Partition": func(ctx context.Context, p *draw.Play, m *draw.Model) (got, want any) {
				return draw.Parted(batch.Partition(p.Whole(ctx))), m.Partition()
			},
		}
		for name, answer := range answers {
			ctx, cancel := cancellable()
			defer cancel(nil)
			play, model := c.Play(cancel), c.Model()
			got, want := answer(ctx, play, model)
			equal(t, name, got, want)
			equal(t, "calls under "+name, play.Calls(), model.Calls)
		}
	})
}

func TestEveryHandlerAnswersAsTheModelSays(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		c := draw.Cases(everyEvent, everyKind).Draw(t, "case").Bad(t)
		ctx, cancel := cancellable()
		defer cancel(nil)
		play, model := c.Play(cancel), c.Model()
		var o draw.Observer
		equal(t, "answer", o.Payload(play.Invoke(ctx, o.Options()...)), model.Invoke())
		equal(t, "calls", play.Calls(), model.Calls)
		equal(t, "seen inside functions", play.Wrong(), []string(nil))
	})
}

// Functions take drawn times in which they do not heed their context. The answer
// comes in time, nothing is called after it, and it says what was finished.
func TestEveryAnswerUnderADeadlineIsWhatTheModelSays(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		c := draw.Cases(everyEvent, slices.Concat(draw.Own, draw.Foreign)).Draw(t, "case")
		c.Cut = 0
		c = c.Timed(t)
		invoked := rapid.Bool().Draw(t, "invoked")
		if invoked {
			c = c.Bad(t)
		}
		rapid.SyncTest(t, func(t *rapid.T) {
			parent, stop := context.WithTimeout(context.Background(), c.Deadline)
			defer stop()
			ctx, cancel := context.WithCancelCause(parent)
			play, model := c.Play(cancel), c.Model()
			var o draw.Observer
			opts := o.Options()
			if c.Reserve > 0 {
				opts = append(opts, batch.WithReserve(c.Reserve))
			}
			start := time.Now()
			var got, want draw.Outcome
			if invoked {
				got, want = o.Payload(play.Invoke(ctx, opts...)), model.Invoke()
			} else {
				got, want = o.Answer(batch.Run(play.Source(ctx, opts...), play.Stage)), model.Run()
			}
			equal(t, "time of the answer", time.Since(start), model.Answered())
			time.Sleep(1000 * time.Hour) // for what was left behind
			equal(t, "answer", got, want)
			equal(t, "calls", play.Calls(), model.Calls)
		})
	})
}

func TestStagesConserveRecordsAndTheirOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw.Cases(everySource, draw.Own).Draw(t, "case")
		ctx, cancel := cancellable()
		defer cancel(nil)
		var indexes []int
		for r := range c.Play(cancel).Whole(ctx) {
			indexes = append(indexes, r.Record().Index)
			equal(t, "identity", r.Record().ID, c.Records[r.Record().Index].ID)
		}
		if !slices.IsSorted(indexes) {
			t.Fatalf("order: %v", indexes)
		}
		equal(t, "records", len(slices.Compact(indexes)), len(c.Records))
	})
}

// Whatever stages do: what is not reported was seen by the end, with no failure
// and every part of it.
func TestNothingIsAcknowledgedUnseen(t *testing.T) {
	thorough(t, func(t *rapid.T) {
		c := draw.Cases(everyEvent, slices.Concat(draw.Own, draw.Foreign)).Draw(t, "case")
		ctx, cancel := cancellable()
		defer cancel(nil)
		play := c.Play(cancel)
		came, failed := map[int]bool{}, map[int]bool{}
		var report batch.Report
		option := batch.WithReport(func(_ context.Context, r batch.Report) { report = r })
		response, err := batch.Run(play.Source(ctx, option), func(s batch.Stream[string]) batch.Stream[string] {
			return batch.Tap(play.Stage(s), func(r batch.Result[string]) {
				came[r.Record().Index] = true
				failed[r.Record().Index] = failed[r.Record().Index] || r.Err() != nil
			})
		})
		if len(c.Records) == 0 || report.Records == 0 {
			equal(t, "failures of nothing", listed(response), []string(nil))
			return
		}
		reported := map[int]bool{}
		var ids []string
		for _, f := range report.Failures {
			reported[f.Record.Index] = true
			if !slices.Contains(ids, f.Record.ID) {
				ids = append(ids, f.Record.ID)
			}
		}
		for i, r := range c.Records {
			if (!came[i] || failed[i]) && !reported[i] {
				t.Fatalf("record %d is acknowledged; came: %v, failed: %v", i, came[i], failed[i])
			}
			if slices.Contains(ids, r.ID) && !reported[i] && r.ID != "" {
				t.Fatalf("record %d is acknowledged, but %q is listed", i, r.ID)
			}
		}
		equal(t, "listed, once and in order", listed(response), ids)
		equal(t, "reported and acknowledged", len(report.Failures)+report.Acknowledged, len(c.Records))
		equal(t, "sum", report.Acknowledged+report.Failed+report.Blocked+report.NotStarted+report.Unreached, report.Records)
		var all *batch.AllFailedError
		switch {
		case slices.Contains(ids, ""):
			equal(t, "error", errors.Is(err, batch.ErrNoID), true)
		case report.Acknowledged == 0 && !c.AllFailedOK:
			equal(t, "error", errors.As(err, &all), true)
			equal(t, "causes", len(all.Unwrap()), len(c.Records))
		default:
			equal(t, "error", err, nil)
		}
	})
}

// A Done or a Failed Result stays what it is but for Catch and OrElse, and
// those never see an unprocessed one.
func TestFailuresOnlyAccumulate(t *testing.T) {
	kinds := slices.DeleteFunc(slices.Clone(draw.Own), func(kind string) bool {
		return kind == "catch" || kind == "orElse" || kind == "tap"
	})
	thorough(t, func(t *rapid.T) {
		c := draw.Cases(everySource, kinds).Draw(t, "case")
		ctx, cancel := cancellable()
		defer cancel(nil)
		settled := map[error]string{}
		look := func(r batch.Result[string]) {
			if err := r.Err(); err != nil {
				settled[err] = draw.Seen(r)
			}
		}
		play := c.Play(cancel)
		last := seen(play.Stage(batch.Tap(play.Source(ctx), look)))
		for _, before := range settled {
			if !slices.Contains(last, before) {
				t.Fatalf("%s is gone, left is %q", before, last)
			}
		}
	})
}

func TestMappingIsAFunctor(t *testing.T) {
	exclaim := func(v string) string { return v + "!" }
	question := func(v string) string { return v + "?" }
	try := func(on int, f func(string) string) func(context.Context, string) (string, error) {
		return func(_ context.Context, v string) (string, error) {
			if len(v)%3 == on {
				return "", draw.Fault{Stage: on, Of: v}
			}
			return f(v), nil
		}
	}
	odd := func(v string) bool { return len(v)%2 == 1 }
	third := func(v string) bool { return len(v)%3 != 0 }
	type stage = func(batch.Stream[string]) batch.Stream[string]
	laws := map[string][2]stage{
		"Map of identity is identity": {
			func(s batch.Stream[string]) batch.Stream[string] {
				return batch.Map(s, func(v string) string { return v })
			},
			func(s batch.Stream[string]) batch.Stream[string] { return s },
		},
		"Map fuses": {
			func(s batch.Stream[string]) batch.Stream[string] { return batch.Map(batch.Map(s, exclaim), question) },
			func(s batch.Stream[string]) batch.Stream[string] {
				return batch.Map(s, func(v string) string { return question(exclaim(v)) })
			},
		},
		"TryMap composes": {
			func(s batch.Stream[string]) batch.Stream[string] {
				return batch.TryMap(batch.TryMap(s, try(0, exclaim)), try(1, question))
			},
			func(s batch.Stream[string]) batch.Stream[string] {
				return batch.TryMap(s, func(ctx context.Context, v string) (string, error) {
					w, err := try(0, exclaim)(ctx, v)
					if err != nil {
						return "", err
					}
					return try(1, question)(ctx, w)
				})
			},
		},
		"Map is the TryMap that cannot fail": {
			func(s batch.Stream[string]) batch.Stream[string] { return batch.Map(s, exclaim) },
			func(s batch.Stream[string]) batch.Stream[string] { return batch.TryMap(s, try(-1, exclaim)) },
		},
		"Filter is idempotent": {
			func(s batch.Stream[string]) batch.Stream[string] { return batch.Filter(batch.Filter(s, odd), odd) },
			func(s batch.Stream[string]) batch.Stream[string] { return batch.Filter(s, odd) },
		},
		"Filter commutes": {
			func(s batch.Stream[string]) batch.Stream[string] { return batch.Filter(batch.Filter(s, odd), third) },
			func(s batch.Stream[string]) batch.Stream[string] { return batch.Filter(batch.Filter(s, third), odd) },
		},
		"FlatMap of one is Map": {
			func(s batch.Stream[string]) batch.Stream[string] {
				return batch.FlatMap(s, func(v string) []string { return []string{exclaim(v)} })
			},
			func(s batch.Stream[string]) batch.Stream[string] { return batch.Map(s, exclaim) },
		},
	}
	for law, sides := range laws {
		t.Run(law, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				c := draw.Cases(everySource, draw.Own).Draw(t, "case")
				c.CancelAt = 0 // behind the end one more stage is one more that refuses
				build := func(side stage) batch.Stream[string] { return side(c.Play(nil).Whole(context.Background())) }
				left, leftErr := batch.Collect(build(sides[0]))
				right, rightErr := batch.Collect(build(sides[1]))
				equal(t, "responses", listed(left), listed(right))
				equal(t, "errors", fmt.Sprint(leftErr), fmt.Sprint(rightErr))
				c.Policy = int(batch.Continue) // so is one behind a failure that another looked ahead of
				equal(t, "results", seen(build(sides[0])), seen(build(sides[1])))
			})
		})
	}
}

func TestRunCollectAndPartitionAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := draw.Cases(everySource, draw.Own).Draw(t, "case")
		c.Cut = 0
		ctx := context.Background()
		c.CancelAt = 0
		collected, collectErr := batch.Collect(c.Play(nil).Whole(ctx))
		run, runErr := batch.Run(c.Play(nil).Source(ctx), c.Play(nil).Stage)
		_, failures := batch.Partition(c.Play(nil).Whole(ctx))
		equal(t, "responses", listed(run), listed(collected))
		equal(t, "errors", fmt.Sprint(runErr), fmt.Sprint(collectErr))
		var ids []string
		for _, f := range failures {
			if !slices.Contains(ids, f.Record.ID) {
				ids = append(ids, f.Record.ID)
			}
		}
		equal(t, "failures", ids, listed(collected))
	})
}

func TestAStreamMayBeRangedOverAtOnce(t *testing.T) {
	is := is.New(t)
	s := batch.Decode[string](named(t.Context(), batch.StopGroup, "a", "b", "c", "d"), func(b []byte, v any) error {
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

func TestBreakingOutStartsNothingMore(t *testing.T) {
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

func TestAStageAloneDoesNothing(t *testing.T) {
	batch.TryEach(batch.Of("a"), func(context.Context, string) error { t.Error("called"); return nil })
	batch.Map(batch.Of("a"), func(string) int { t.Error("called"); return 0 })
}

func TestFlatMapAcknowledgesARecordIfEveryPartIs(t *testing.T) {
	for name, test := range map[string]struct {
		parts int
		fail  string
		want  []string
	}{
		"no part":                      {0, "", []string{}},
		"one part":                     {1, "", []string{}},
		"more than fit into a word":    {1000, "", []string{}},
		"the first fails":              {3, "0", []string{"0"}},
		"one beyond the first 64 does": {100, "80", []string{"0"}},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			s := batch.FlatMap(batch.Of("x"), func(string) []string {
				parts := make([]string, test.parts)
				for i := range parts {
					parts[i] = strconv.Itoa(i)
				}
				return parts
			})
			response, _ := batch.Collect(batch.TryEach(s, failingOn(test.fail)))
			is.Equal(listed(response), test.want)
		})
	}
}

// dropping leaves these values out, as a stage that is not the library's may.
func dropping(s batch.Stream[string], values ...string) batch.Stream[string] {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			if v, ok := r.Value(); (!ok || !slices.Contains(values, v)) && !yield(r) {
				return
			}
		}
	}
}

// repeating sends every Result twice.
func repeating(s batch.Stream[string]) batch.Stream[string] {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			for range 2 {
				if !yield(r) {
					return
				}
			}
		}
	}
}

func TestAPartThatIsLostOrFailsIsNotMadeUpForByAnother(t *testing.T) {
	letters := func(v string) []string { return strings.Split(v, "") }
	type stage = func(batch.Stream[string]) batch.Stream[string]
	for name, foreign := range map[string]stage{
		"dropped":                       func(s batch.Stream[string]) batch.Stream[string] { return dropping(s, "b") },
		"dropped, its sibling repeated": func(s batch.Stream[string]) batch.Stream[string] { return repeating(dropping(s, "b")) },
		"failed, its sibling caught": func(s batch.Stream[string]) batch.Stream[string] {
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
		"failed, its sibling filtered": func(s batch.Stream[string]) batch.Stream[string] {
			return batch.Filter(batch.TryEach(s, failingOn("b")), func(v string) bool { return v != "a" })
		},
		"failed in one of two copies": func(s batch.Stream[string]) batch.Stream[string] {
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
			response, err := batch.Run(batch.Of("abc", "x"), func(s batch.Stream[string]) batch.Stream[string] {
				return foreign(batch.FlatMap(s, letters))
			})
			is.NoErr(err)
			is.Equal(listed(response), []string{"0"})
		})
	}
}

func TestItemErrorsFailTheItemsThatTheyName(t *testing.T) {
	whole := []bool{true, true, true}
	for name, test := range map[string]struct {
		err  error
		want []bool // which of three fail
	}{
		"no error":                      {nil, []bool{false, false, false}},
		"another error":                 {errBoom, whole},
		"one item":                      {batch.ItemErrors{1: errBoom}, []bool{false, true, false}},
		"empty":                         {batch.ItemErrors{}, []bool{false, false, false}},
		"nil":                           {batch.ItemErrors(nil), []bool{false, false, false}},
		"nil entries":                   {batch.ItemErrors{0: nil, 2: errBoom}, []bool{false, false, true}},
		"wrapped":                       {fmt.Errorf("write: %w", batch.ItemErrors{0: errBoom}), []bool{true, false, false}},
		"wrapped with a cause":          {fmt.Errorf("%w: %w", io.EOF, batch.ItemErrors{0: errBoom}), whole},
		"with a lost connection":        {errors.Join(batch.ItemErrors{0: errBoom}, io.EOF), whole},
		"joined":                        {errors.Join(batch.ItemErrors{0: errBoom}, batch.ItemErrors{2: errBoom}), []bool{true, false, true}},
		"joined, the first empty":       {errors.Join(batch.ItemErrors{}, batch.ItemErrors{2: errBoom}), []bool{false, false, true}},
		"empty beside another error":    {errors.Join(batch.ItemErrors{}, errBoom), whole},
		"behind the end":                {batch.ItemErrors{3: errBoom}, whole},
		"before the beginning":          {batch.ItemErrors{-1: errBoom}, whole},
		"behind the end, without error": {batch.ItemErrors{3: nil}, []bool{false, false, false}},
		"an item's error is one itself": {batch.ItemErrors{0: batch.ItemErrors{1: errBoom}}, []bool{true, false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var failed []bool
			for r := range batch.TryEachChunk(batch.Of("a", "b", "c"), 3, func(context.Context, []string) error { return test.err }) {
				failed = append(failed, r.Err() != nil)
			}
			is.Equal(failed, test.want)
		})
	}
}

func TestAnItemsErrorIsTheOneThatItIsGiven(t *testing.T) {
	is := is.New(t)
	s := batch.TryEachChunk(batch.Of("a", "b"), 2, func(context.Context, []string) error {
		return fmt.Errorf("write: %w", batch.ItemErrors{1: errBoom})
	})
	all := slices.Collect(s)
	is.True(all[1].Err() == errBoom)
	is.Equal(batch.ItemErrors{0: nil, 2: io.EOF, 1: errBoom}.Error(), "2 items failed, first item 1: boom")
	is.Equal(batch.ItemErrors{0: nil}.Error(), "no item failed")
}

// Nobody knows what was written when the function panicked.
func TestAPanicFailsTheWholeChunk(t *testing.T) {
	for name, value := range map[string]any{
		"text": "boom", "an item": batch.ItemErrors{0: errBoom}, "no item": batch.ItemErrors{},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			s := batch.TryEachChunk(batch.Of("a", "b"), 2, func(context.Context, []string) error { panic(value) })
			for r := range s {
				var p *batch.PanicError
				is.True(errors.As(r.Err(), &p))
			}
		})
	}
}

func TestChunksPassOverWhatIsNotReady(t *testing.T) {
	is := is.New(t)
	var chunks [][]string
	s := batch.Filter(batch.Of("a", "-", "b", "c", "-", "d", "e"), func(v string) bool { return v != "-" })
	s = batch.TryEachChunk(s, 2, func(_ context.Context, vs []string) error {
		chunks = append(chunks, vs)
		return nil
	})
	is.Equal(seen(s), []string{"0: a", "1: done", "2: b", "3: c", "4: done", "5: d", "6: e"})
	is.Equal(chunks, [][]string{{"a", "b"}, {"c", "d"}, {"e"}})
}

func TestBlockedRecordsTakeNoRoomInAChunk(t *testing.T) {
	is := is.New(t)
	failing := func(yield func(batch.Result[events.SQSMessage]) bool) {
		for r := range batch.SQS(t.Context(), sqsEvent(fifoQueue, "g", "g", "h", "i", "g")) {
			if r.Record().Index == 0 {
				r = r.Fail(errBoom)
			}
			if !yield(r) {
				return
			}
		}
	}
	var chunks []int
	s := batch.TryEachChunk(failing, 2, func(_ context.Context, ms []events.SQSMessage) error {
		chunks = append(chunks, len(ms))
		return nil
	})
	response, err := batch.Collect(s)
	is.NoErr(err)
	is.Equal(listed(response), []string{"m0", "m1", "m4"})
	is.Equal(chunks, []int{2})
}

func TestWhatWaitsInAChunkWhenTheConsumerStopsIsReported(t *testing.T) {
	is := is.New(t)
	written := 0
	response, err := batch.Run(batch.Of("a", "b", "c", "d"), func(s batch.Stream[string]) batch.Stream[string] {
		s = batch.TryEachChunk(s, 3, func(_ context.Context, vs []string) error { written += len(vs); return nil })
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				yield(r)
				return
			}
		}
	})
	is.NoErr(err)
	is.Equal(written, 3) // and d was never in
	is.Equal(listed(response), []string{"1", "2", "3"})
}

func TestTapLooksAtEveryResult(t *testing.T) {
	is := is.New(t)
	var looked []string
	s := batch.Filter(named(t.Context(), batch.StopBatch, "0", "1", "2", "3"), func(v string) bool { return v != "1" })
	s = batch.Tap(batch.TryEach(s, failingOn("2")), func(r batch.Result[string]) { looked = append(looked, draw.Seen(r)) })
	is.Equal(seen(s), looked)
	is.Equal(len(looked), 4)

	looked = nil
	is.Equal(seen(batch.Tap(batch.TryEach(named(ended(), batch.Continue, "0"), failingOn()), func(r batch.Result[string]) {
		looked = append(looked, draw.Seen(r))
	})), looked)
	is.Equal(len(looked), 1) // after the end, too
}

func TestAPanickingTapFailsTheResultBesideTheErrorThatItHas(t *testing.T) {
	is := is.New(t)
	s := batch.Tap(batch.TryEach(batch.Of("a", "b"), failingOn("b")), func(batch.Result[string]) { panic(io.EOF) })
	all := slices.Collect(s)
	is.True(errors.Is(all[0].Err(), io.EOF))
	is.True(errors.Is(all[1].Err(), io.EOF))
	is.True(errors.Is(all[1].Err(), errBoom))
}

func TestCatchAndOrElseSettleOrReplace(t *testing.T) {
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

type (
	namedText  string
	namedBytes []byte
)

func TestDecodeFindsThePayload(t *testing.T) {
	data := []byte(`"x"`)
	record := batch.Record{ID: "a"}
	check := func(name string, decoded batch.Result[string]) {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			v, ok := decoded.Value()
			is.True(ok)
			is.Equal(v, "x")
		})
	}
	check("text", one(batch.Decode[string](batch.Of(string(data)), json.Unmarshal)))
	check("named text", one(batch.Decode[string](batch.Of(namedText(data)), json.Unmarshal)))
	check("bytes", one(batch.Decode[string](batch.Of(data), json.Unmarshal)))
	check("named bytes", one(batch.Decode[string](batch.Of(namedBytes(data)), json.Unmarshal)))
	check("raw JSON", one(batch.Decode[string](batch.Of(json.RawMessage(data)), json.Unmarshal)))
	check("SQS", one(batch.Decode[string](batch.Of(events.SQSMessage{Body: string(data)}), json.Unmarshal)))
	check("Kinesis", one(batch.Decode[string](batch.Of(events.KinesisEventRecord{Kinesis: events.KinesisRecord{Data: data}}), json.Unmarshal)))
	check("Firehose", one(batch.Decode[string](batch.Of(events.KinesisFirehoseEventRecord{Data: data}), json.Unmarshal)))
	encoded := base64.StdEncoding.EncodeToString(data)
	kafka := func(value string) batch.Stream[events.KafkaRecord] {
		return batch.From(t.Context(), []events.KafkaRecord{{Value: value}}, func(events.KafkaRecord) batch.Record { return record })
	}
	check("Kafka", one(batch.Decode[string](kafka(encoded), json.Unmarshal)))
	var corrupt base64.CorruptInputError
	is.New(t).True(errors.As(one(batch.Decode[string](kafka("%"), json.Unmarshal)).Err(), &corrupt))
}

func TestDecodeMakesANewValueOfBytesThatMayBeKept(t *testing.T) {
	is := is.New(t)
	var kept [][]byte
	s := batch.Decode[map[string]int](batch.Of(`{"a":1}`, `{"b":2}`, `{`, `{"c":3}`), func(b []byte, v any) error {
		kept = append(kept, b)
		return json.Unmarshal(b, v)
	})
	values, failures := batch.Partition(s)
	is.Equal(values, []map[string]int{{"a": 1}, {"b": 2}, {"c": 3}})
	is.Equal(len(failures), 1)
	for i, want := range []string{`{"a":1}`, `{"b":2}`, `{`, `{"c":3}`} {
		is.Equal(string(kept[i]), want)
		kept[i] = append(kept[i], "overwritten"...)
	}
}

func TestStagesAreBuiltFromWhatIsThere(t *testing.T) {
	s := batch.Of("a")
	var none batch.Stream[string]
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
		"Decode: s is nil":                  func() { batch.Decode[int](none, json.Unmarshal) },
		"Then: f is nil":                    func() { batch.Then[string, int](one(s), nil) },
	} {
		t.Run(want, func(t *testing.T) { is.New(t).Equal(panicOf(build), "batch: "+want) })
	}
}

func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

// Cost: the five stages of trivial functions against one loop that recovers for
// each record.

func costEvent(n int) events.SQSEvent {
	var event events.SQSEvent
	for i := range n {
		event.Records = append(event.Records, events.SQSMessage{MessageId: "m" + strconv.Itoa(i), Body: "body"})
	}
	return event
}

var costSink int

func costPipeline(s batch.Stream[events.SQSMessage]) batch.Stream[int] {
	sizes := batch.Map(s, func(m events.SQSMessage) int { return len(m.Body) })
	sizes = batch.Filter(sizes, func(n int) bool { return n >= 0 })
	sizes = batch.TryMap(sizes, func(_ context.Context, n int) (int, error) { return n + 1, nil })
	sizes = batch.TryEach(sizes, func(_ context.Context, n int) error { costSink += n; return nil })
	return batch.TryEach(sizes, func(_ context.Context, n int) error { costSink -= n; return nil })
}

const costStages = 5

func handWritten(event events.SQSEvent) batch.Response {
	response := batch.Response{BatchItemFailures: []batch.ItemFailure{}}
	for i := range event.Records {
		if err := handWrittenOne(&event.Records[i]); err != nil {
			response.BatchItemFailures = append(response.BatchItemFailures, batch.ItemFailure{ItemIdentifier: event.Records[i].MessageId})
		}
	}
	return response
}

//go:noinline
func handWrittenOne(m *events.SQSMessage) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	n := len(m.Body)
	if n < 0 {
		return nil
	}
	n++
	costSink += n
	costSink -= n
	return nil
}

var costSizes = []int{10, 100, 1000, 10_000}

func BenchmarkStages(b *testing.B) {
	for _, n := range costSizes {
		event := costEvent(n)
		collect := func() { _, _ = batch.Collect(costPipeline(batch.SQS(context.Background(), event))) }
		b.Run(fmt.Sprintf("collect/%d", n), func(b *testing.B) { perRecord(b, n, collect) })
		b.Run(fmt.Sprintf("run/%d", n), func(b *testing.B) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			perRecord(b, n, func() { _, _ = batch.Run(batch.SQS(ctx, event), costPipeline) })
		})
		b.Run(fmt.Sprintf("loop/%d", n), func(b *testing.B) { perRecord(b, n, func() { handWritten(event) }) })
		// The two together, and the quickest of many runs of each: other work on the
		// machine only ever adds.
		b.Run(fmt.Sprintf("stage/%d", n), func(b *testing.B) {
			ours, theirs := math.MaxFloat64, math.MaxFloat64
			for b.Loop() {
				ours, theirs = min(ours, nanoseconds(collect)), min(theirs, nanoseconds(func() { handWritten(event) }))
			}
			b.ReportMetric((ours-theirs)/float64(n*costStages), "ns/stage")
			b.ReportMetric(ours/float64(n), "ns/record")
		})
	}
}

func perRecord(b *testing.B, n int, f func()) {
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
}

func nanoseconds(f func()) float64 {
	start := time.Now()
	f()
	return float64(time.Since(start).Nanoseconds())
}

func TestABatchCostsAFewAllocationsAndARecordNone(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for name, test := range map[string]struct {
		most   float64
		answer func(events.SQSEvent)
	}{
		"Collect": {24, func(event events.SQSEvent) {
			_, _ = batch.Collect(costPipeline(batch.SQS(context.Background(), event)))
		}},
		"Run with a deadline": {32, func(event events.SQSEvent) { _, _ = batch.Run(batch.SQS(ctx, event), costPipeline) }},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			few, many := costEvent(10), costEvent(10_000)
			perBatch := testing.AllocsPerRun(20, func() { test.answer(few) })
			is.True(perBatch <= test.most)
			is.Equal(testing.AllocsPerRun(20, func() { test.answer(many) }), perBatch)
		})
	}
}
