package batch_test

// What is logged in unusual cases, and the time and the contexts that hooks get.

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"github.com/samber/lo"
)

func TestEachPanicIsLoggedWithItsStack(t *testing.T) {
	is := is.New(t)
	var j journal
	source := batch.From(t.Context(), []string{"a", "b"}, byID, batch.WithLogger(slog.New(&j)))
	_, _ = batch.Collect(batch.TryEach(source, func(_ context.Context, v string) error { panic(v) }))
	is.Equal(len(j.lines), 2)
	for _, line := range j.lines {
		is.True(strings.Contains(line, " stack="))
	}
}

func TestAPanicErrorOfTheUsersIsLoggedWithoutAPlace(t *testing.T) {
	is := is.New(t)
	var j journal
	source := batch.From(t.Context(), []string{"a"}, byID, batch.WithLogger(slog.New(&j)))
	_, _ = batch.Collect(batch.TryEach(source, func(context.Context, string) error { return &batch.PanicError{Value: "mine"} }))
	is.True(!strings.Contains(j.lines[0], " at="))
}

func TestAGroupThatLooksLikeTheKeyOfAnItemIsLoggedAsItIs(t *testing.T) {
	is := is.New(t)
	var j journal
	group := `"k"{"S":"v"}`
	describe := func(id string) batch.Record { return batch.Record{ID: id, Group: group} }
	source := batch.From(t.Context(), []string{"a"}, describe, batch.WithLogger(slog.New(&j)))
	_, _ = batch.Collect(batch.TryEach(source, failingOn("a")))
	is.True(strings.Contains(j.lines[0], "group="+group+" "))
}

func TestAtMostSixteenLinesTellOfFailuresThatWereThrownAway(t *testing.T) {
	is := is.New(t)
	var j journal
	source := grouped(t.Context(), make([]string, 20), batch.WithLogger(slog.New(&j)))
	_, _ = batch.Run(source, func(s texts) texts {
		return func(func(batch.Result[string]) bool) {
			for range batch.TryEach(s, func(context.Context, string) error { return errBoom }) {
			}
		}
	})
	is.Equal(lo.CountBy(j.lines, func(line string) bool { return strings.Contains(line, "record failed") }), 16)
}

// The batch without a logger comes first, so lines that are not about a record have no place. A stage throws the failure
// of a record of the other batch away, and panics or is stuck.
func TestFailuresOfABatchAreLoggedHoweverAPipelineEndsOfWhichAnotherBatchHasNoLogger(t *testing.T) {
	failed := "ERROR () record failed record=a error=boom"
	for end, want := range map[string][]string{"panics": {failed}, "is stuck": {failed, "WARN () record still running record=b"}} {
		t.Run(end, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				var j journal
				silent := batch.From(ctx, []string{"x"}, byID, reserve, batch.WithoutAllFailedError())
				own := batch.From(ctx, []string{"a", "b"}, byID, reserve, batch.WithLogger(slog.New(&j)))
				both := func(yield func(batch.Result[string]) bool) { silent(yield); own(yield) }
				stuck := stuckOn(t, "b")
				_, _ = batch.Run(both, func(s texts) texts {
					failing := batch.TryEach(s, func(ctx context.Context, v string) error {
						if end == "is stuck" {
							_ = stuck(ctx, v)
						}
						return failingOn("a")(ctx, v)
					})
					return func(yield func(batch.Result[string]) bool) {
						for r := range failing {
							if r.Record().ID == "b" {
								panic(errBoom)
							}
							if r.Err() == nil {
								yield(r)
							}
						}
					}
				})
				is.Equal(j.lines, want)
			})
		})
	}
}

func TestRecordsThatWereBlockedAndThatWereNotStartedAreCounted(t *testing.T) {
	is := is.New(t)
	var j journal
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	source := grouped(ctx, []string{"g", "g", "h"}, batch.WithPolicy(batch.StopGroup), batch.WithLogger(slog.New(&j)))
	_, _ = batch.Run(source, func(s texts) texts {
		return batch.Tap(batch.TryEach(s, failingOn("0")), func(r batch.Result[string]) {
			if r.Record().Index == 1 {
				cancel()
			}
		})
	})
	is.Equal(j.lines[len(j.lines)-1], "WARN () records not processed records=3 blocked=1 notStarted=1")
}

// Of the batch without a logger, more records fail and are stuck than there are lines of one kind.
func TestABatchWithoutALoggerTakesNoLinesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var j journal
		many := append(slices.Repeat([]string{"fails"}, 20), slices.Repeat([]string{"stuck"}, 20)...)
		silent := batch.From(ctx, many, byID, reserve, batch.WithoutAllFailedError(), batch.WithLogger(nil))
		own := batch.From(ctx, []string{"fails", "stuck"}, byID, reserve, batch.WithLogger(slog.New(&j)))
		both := func(yield func(batch.Result[string]) bool) { silent(yield); own(yield) }
		stuck := stuckOn(t, "stuck")
		_, _ = batch.Run(both, func(s texts) texts {
			done := inLanes(s, 42, func(ctx context.Context, v string) error {
				_ = stuck(ctx, v)
				return failingOn("fails")(ctx, v)
			})
			return func(yield func(batch.Result[string]) bool) {
				for r := range done {
					if r.Err() == nil {
						yield(r)
					}
				}
			}
		})
		is.Equal(j.lines, []string{"ERROR () record failed record=fails error=boom", "WARN () record still running record=stuck"})
	})
}

func TestTwoBatchesInOneRangeAreNotARangeOverABatchMoreThanOnce(t *testing.T) {
	is := is.New(t)
	var j journal
	one := batch.From(t.Context(), []string{"a"}, byID, batch.WithLogger(slog.New(&j)))
	other := batch.From(t.Context(), []string{"b"}, byID, batch.WithLogger(slog.New(&j)))
	both := func(yield func(batch.Result[string]) bool) { one(yield); other(yield) }
	response, err := batch.Run(both, batch.Each(succeed))
	is.NoErr(err)
	is.Equal(listed(response), []string{})
	is.Equal(len(j.lines), 0)
}

func TestWithoutADeadlineTheContextOfAHookIsThatOfTheInvocation(t *testing.T) {
	is := is.New(t)
	invocation := context.WithValue(t.Context(), ctxKey{}, "invocation")
	called := false
	hook := batch.WithReport(func(ctx context.Context, _ batch.Report) {
		called = true
		_, limited := ctx.Deadline()
		is.True(!limited)
		is.NoErr(ctx.Err())
		is.Equal(ctx.Value(ctxKey{}), "invocation")
	})
	_, err := batch.Run(grouped(invocation, []string{""}, hook), batch.Each(succeed))
	is.NoErr(err)
	is.True(called)
}

func TestTheContextOfAHookEndsWhenTheResponseIsGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var hooks context.Context
		hook := batch.WithReport(func(ctx context.Context, _ batch.Report) {
			hooks = ctx
			is.NoErr(ctx.Err())
		})
		_, err := batch.Run(grouped(ctx, []string{""}, reserve, hook), batch.Each(succeed))
		is.NoErr(err)
		is.True(errors.Is(hooks.Err(), context.Canceled))
	})
}

// The contexts of records end at 6s, and the time for hooks at 9s. The function returns at 6s, or too late.
func TestHooksThatHangShareTheTimeThatIsLeft(t *testing.T) {
	for name, test := range map[string]struct {
		takes time.Duration
		want  []string // when the hooks were called, and when there was a response
	}{
		"in time": {6 * time.Second, []string{"6s", "7.5s", "9s"}},
		"late":    {12 * time.Second, []string{"12s", "12.01s", "12.02s"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				free := make(chan struct{})
				start := time.Now()
				var at effects
				hook := batch.WithReport(func(context.Context, batch.Report) {
					at.note(time.Since(start).String())
					<-free
				})
				response, err := batch.Collect(batch.TryEach(grouped(ctx, []string{""}, reserve, hook, hook), taking(test.takes)))
				is.NoErr(err)
				is.Equal(listed(response), []string{})
				at.note(time.Since(start).String())
				is.Equal(at.all, test.want)
				close(free)
			})
		})
	}
}

func TestManyHooksThatHangShareAQuarterOfTheReserveIfTheirTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t) // of 4 s
		free := make(chan struct{})
		opts := []batch.Option{reserve}
		for range 200 {
			opts = append(opts, batch.WithReport(func(context.Context, batch.Report) { <-free }))
		}
		start := time.Now()
		_, err := batch.Collect(batch.TryEach(grouped(ctx, []string{""}, opts...), taking(12*time.Second)))
		is.NoErr(err)
		is.Equal(time.Since(start), 13*time.Second)
		close(free)
	})
}

func TestWithoutADeadlineClosingAScopeMayTakeAnyTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		var closed effects
		slow := batch.WithScope(func(_ context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
			return nil, func(batch.Outcome) { time.Sleep(time.Hour); closed.note(r.ID) }
		})
		_, err := batch.Run(grouped(t.Context(), make([]string, 3), slow), batch.Each(succeed))
		is.NoErr(err)
		is.Equal(closed.noted(), []string{"r0", "r1", "r2"})
		is.Equal(time.Since(start), 3*time.Hour)
	})
}

// The records' time is long over when a stage panics, and Collect panics with it.
func TestScopesAreClosedIfAStagePanicsAfterTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		var closed effects
		scope := batch.WithScope(func(_ context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
			return nil, func(batch.Outcome) { closed.note(r.ID) }
		})
		defer func() {
			is.Equal(recover(), errBoom)
			is.Equal(closed.noted(), []string{"r0"})
		}()
		tried := batch.TryEach(grouped(ctx, make([]string, 2), reserve, scope), taking(time.Minute))
		_, _ = batch.Collect(func(yield func(batch.Result[string]) bool) {
			for r := range tried {
				yield(r)
				panic(errBoom)
			}
		})
	})
}

// Of record 1 a stage drops the second part.
func TestARecordOfWhichAPartIsMissingHasNotFinished(t *testing.T) {
	is := is.New(t)
	outcomes := outcomesByID{}
	response, err := batch.Run(grouped(t.Context(), make([]string, 2), outcomes.scope()), func(s texts) texts {
		return dropping(batch.FlatMap(s, func(v string) []string { return []string{v, v + "'"} }), "1'")
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"r1"})
	is.True(!outcomes["r0"].Finished.IsZero())
	is.True(outcomes["r1"].Finished.IsZero())
}

// A journalPanickingAt panics instead of noting lines with this message.
type journalPanickingAt struct {
	*journal
	message string
}

func (j journalPanickingAt) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == j.message {
		panic("log")
	}
	return j.journal.Handle(ctx, r)
}

func TestALineThatPanicsDoesNotKeepTheNextOnesFromBeingWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, reserve := deadline(t)
		j := journalPanickingAt{new(journal), "record still running"}
		source := grouped(ctx, make([]string, 2), reserve, batch.WithLogger(slog.New(j)), batch.WithoutAllFailedError())
		_, err := batch.Run(source, batch.Each(stuckOn(t, "0")))
		is.NoErr(err)
		is.Equal(j.lines, []string{"WARN () records not processed records=2 unreached=2 running=1"})
	})
}

func TestARecordThatBecomesSeveralValuesInFirehoseIsLoggedOnce(t *testing.T) {
	is := is.New(t)
	var j journal
	event := events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{{RecordID: "a"}, {RecordID: "b"}, {RecordID: "c"}}}
	source := batch.Firehose(t.Context(), event, batch.WithLogger(slog.New(&j)))
	parts := batch.FlatMap(source, func(events.KinesisFirehoseEventRecord) []int { return make([]int, 20) })
	first := true
	_, err := batch.CollectFirehose(batch.TryMap(parts, func(ctx context.Context, _ int) (batch.FirehoseRecord, error) {
		if r, _ := batch.RecordFrom(ctx); r.ID == "c" && first {
			first = false
			return batch.FirehoseRecord{}, errBoom
		}
		return batch.FirehoseRecord{}, nil
	}))
	is.NoErr(err)
	is.Equal(j.lines, []string{
		"ERROR (c) record failed record=c error=boom",
		"ERROR () record failed record=a error=several values for one record",
		"ERROR () record failed record=b error=several values for one record",
	})
}
