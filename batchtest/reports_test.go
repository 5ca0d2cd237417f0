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

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"github.com/lambdabatch/batch/internal/watch"
)

// tell reports errors of m-1, m-2 and so on, as the library does in an invocation.
func tell(ctx context.Context, errs ...error) {
	var r batch.Report
	for i, err := range errs {
		if err != nil {
			r.Failures = append(r.Failures, batch.Failure{Record: batch.Record{ID: fmt.Sprintf("m-%d", i+1)}, Err: err})
		}
	}
	ctx.Value(watch.Key{}).(func(context.Context, batch.Report))(ctx, r)
}

// told is a run of one invocation with as many messages as the list names, m-1 first:
// x is listed.
func told(t *testing.T, list string, handler func(context.Context)) *batchtest.Run {
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

// states are what the cells of a run say.
func states(t *testing.T, run drawable) string {
	var states []string
	for _, cell := range drawn(t, run).cells() {
		states = append(states, cell.state())
	}
	return strings.Join(states, " | ")
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
		"an error whose Is panics":                     {"x", [][]error{{isPanics{errNoGood}}}, "failed"},
		"what the answer does not list is finished":    {"-x", [][]error{{errNoGood, errNoGood}}, "finished | failed"},
		"what the report does not tell is reported":    {"xx", [][]error{{nil, errNoGood}}, "reported | failed"},
		"several reports of several records":           {"xx", [][]error{{errNoGood}, {nil, batch.ErrBlocked}}, "failed | blocked by another"},
		"the more telling one of several for a record": {"xx", [][]error{{errNoGood, batch.ErrUnreached}, {batch.ErrBlocked, errNoGood}}, "failed | failed"},
		"reports of nothing":                           {"x", [][]error{{}, {nil}}, "reported"},
	} {
		t.Run(name, func(t *testing.T) {
			run := told(t, test.list, func(ctx context.Context) {
				for _, report := range test.reports {
					tell(ctx, report...)
				}
			})
			is.New(t).Equal(states(t, run), test.want)
		})
	}
}

func TestAReportAfterTheInvocationIsNotHeard(t *testing.T) {
	is := is.New(t)
	var late func()
	run := told(t, "xx", func(ctx context.Context) {
		tell(ctx, batch.ErrBlocked)
		late = func() { tell(ctx, errNoGood, errNoGood) }
	})
	late()
	is.Equal(states(t, run), "blocked by another | reported")
}

// Lambda ends a function at its deadline, so what it would have done later is not drawn,
// nor what it does at that moment.
func TestAReportCountsUntilTheFunctionTimesOut(t *testing.T) {
	for after, want := range map[time.Duration]string{
		3*time.Second - 1: "failed",
		3 * time.Second:   "reported",
		4 * time.Second:   "reported",
	} {
		synctest.Test(t, func(t *testing.T) {
			for range 20 { // whoever is first in each
				run := told(t, "x", func(ctx context.Context) {
					time.Sleep(after)
					tell(ctx, errNoGood)
					time.Sleep(5 * time.Second)
				})
				is.New(t).Equal(run.Invocations[0].Err, batchtest.ErrTimedOut)
				is.New(t).Equal(states(t, run), want)
			}
		})
	}
}

func TestReportsMayComeAtOnceAndWhileThePictureIsDrawn(t *testing.T) {
	is := is.New(t)
	var all sync.WaitGroup
	run := told(t, "xx", func(ctx context.Context) {
		for range 8 {
			all.Go(func() {
				for range 100 {
					tell(ctx, errNoGood, batch.ErrBlocked)
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

// A handler may call the library for parts of its event, and in contexts of its own.
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
