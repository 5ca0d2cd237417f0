package batchtest_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"
	"github.com/samber/lo"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/internal/watch"
)

// report reports errors of m-1, m-2 and so on, as the library does in an invocation. A nil error
// reports nothing.
func report(ctx context.Context, errs ...error) {
	var r batch.Report
	for i, err := range errs {
		if err != nil {
			r.Failures = append(r.Failures, batch.Failure{Record: batch.Record{ID: fmt.Sprintf("m-%d", i+1)}, Err: err})
		}
	}
	ctx.Value(watch.Key{}).(func(context.Context, batch.Report))(ctx, r)
}

// reported runs one invocation. Each letter of list is a message, m-1 first, and x is listed in the
// response.
func reported(t *testing.T, list string, handler func(context.Context)) *batchtest.Run {
	q := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 1})
	q.Send(numbered(len(list), "")...)
	return q.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
		handler(ctx)
		return listing(func(r record) bool {
			n, _ := strconv.Atoi(r.id[2:])
			return list[n-1] == 'x'
		})(ctx, payload)
	}))
}

// states returns what the cells of a run say.
func states(t *testing.T, run drawable) string {
	return strings.Join(lo.Map(drawn(t, run).cells(), func(cell shape, _ int) string { return cell.state() }), " | ")
}

type isPanics struct{ error }

func (isPanics) Is(error) bool { panic("no good") }

func TestAReportSaysOnlyWhyARecordIsNotFinished(t *testing.T) {
	wrapped := fmt.Errorf("by the handler: %w", batch.ErrBlocked)
	for name, test := range map[string]struct {
		list    string
		reports [][]error
		want    string
	}{
		"the kinds of errors": {"xxxxx", [][]error{{errNoGood, batch.ErrRunning, wrapped, batch.ErrNotStarted, batch.ErrUnreached}},
			"failed | still running | blocked by another | not reached | not reached"},
		"an error whose Is panics":                        {"x", [][]error{{isPanics{errNoGood}}}, "failed"},
		"a record that is not listed is finished":         {"-x", [][]error{{errNoGood, errNoGood}}, "finished | failed"},
		"a listed record without a failure in the report": {"xx", [][]error{{nil, errNoGood}}, "reported | failed"},
		"several reports about several records":           {"xx", [][]error{{errNoGood}, {nil, batch.ErrBlocked}}, "failed | blocked by another"},
		"the most telling of several reasons":             {"xx", [][]error{{errNoGood, batch.ErrUnreached}, {batch.ErrBlocked, errNoGood}}, "failed | failed"},
		"reports without failures":                        {"x", [][]error{{}, {nil}}, "reported"},
	} {
		t.Run(name, func(t *testing.T) {
			run := reported(t, test.list, func(ctx context.Context) {
				for _, errs := range test.reports {
					report(ctx, errs...)
				}
			})
			is.New(t).Equal(states(t, run), test.want)
		})
	}
}

func TestAReportAfterTheInvocationIsIgnored(t *testing.T) {
	is := is.New(t)
	var late func()
	run := reported(t, "xx", func(ctx context.Context) {
		report(ctx, batch.ErrBlocked)
		late = func() { report(ctx, errNoGood, errNoGood) }
	})
	late()
	is.Equal(states(t, run), "blocked by another | reported")
}

// Lambda ends a function at its deadline. So a report at the deadline or later does not count.
func TestAReportCountsUntilTheFunctionTimesOut(t *testing.T) {
	for after, want := range map[time.Duration]string{
		3*time.Second - 1: "failed",
		3 * time.Second:   "reported",
		4 * time.Second:   "reported",
	} {
		synctest.Test(t, func(t *testing.T) {
			for range 20 { // so that both orders of report and deadline occur
				run := reported(t, "x", func(ctx context.Context) {
					time.Sleep(after)
					report(ctx, errNoGood)
					time.Sleep(5 * time.Second)
				})
				is.New(t).Equal(run.Invocations[0].Err, batchtest.ErrTimedOut)
				is.New(t).Equal(states(t, run), want)
			}
		})
	}
}

func TestReportsMayArriveConcurrentlyAndWhileThePictureIsDrawn(t *testing.T) {
	is := is.New(t)
	var all sync.WaitGroup
	run := reported(t, "xx", func(ctx context.Context) {
		for range 8 {
			all.Go(func() {
				for range 100 {
					report(ctx, errNoGood, batch.ErrBlocked)
				}
			})
		}
	})
	for range 10 {
		for _, cell := range drawn(t, run).cells() {
			is.True(slices.Contains([]string{"reported", "failed", "blocked by another"}, cell.state()))
		}
	}
	all.Wait()
}

// A handler may call the library for parts of its event, and with another context.
func TestAHandlerMayCallTheLibraryMoreThanOnce(t *testing.T) {
	is := is.New(t)
	q := batchtest.NewQueue(batchtest.QueueConfig{MaxReceives: 1})
	q.Send(numbered(3, "")...)
	run := q.Drain(t.Context(), batchtest.Handler(func(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
		var all batch.Response
		for i, ctx := range []context.Context{ctx, ctx, context.Background()} {
			part := events.SQSEvent{Records: event.Records[i : i+1]}
			response, err := batch.Run(batch.SQS(ctx, part, silent, batch.WithoutAllFailedError()), batch.Each(func(context.Context, events.SQSMessage) error {
				return errNoGood
			}))
			if err != nil {
				return all, err
			}
			all.BatchItemFailures = append(all.BatchItemFailures, response.BatchItemFailures...)
		}
		return all, nil
	}))
	is.Equal(states(t, run), "failed | failed | reported")
}
