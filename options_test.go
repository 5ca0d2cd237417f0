package batch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestWithPolicyReplacesThePolicyOfTheSource(t *testing.T) {
	is := is.New(t)
	event := sqsEvent(fifoQueue, "g", "g", "h")
	is.Equal(afterFirstFails(batch.SQS(t.Context(), event, batch.WithPolicy(batch.Continue))), []string{"called", "called"})
	is.Equal(afterFirstFails(batch.SQS(t.Context(), event, batch.WithPolicy(batch.StopBatch))), []string{"blocked", "blocked"})
	is.Equal(afterFirstFails(batch.SQS(t.Context(), event, batch.WithPolicy(batch.StopBatch), batch.WithPolicy(batch.StopGroup))), []string{"blocked", "called"})
	is.Equal(fmt.Sprint(batch.Continue, batch.StopGroup, batch.StopBatch, batch.Policy(7)), "Continue StopGroup StopBatch Policy(7)")
}

func TestRecordsWithoutAGroupBlockNoRecordUnderStopGroup(t *testing.T) {
	is := is.New(t)
	s := batch.SQS(t.Context(), sqsEvent(fifoQueue, "", "", "g"))
	is.Equal(afterFirstFails(s), []string{"called", "called"})
	response, err := batch.Collect(batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error {
		return failingOn("m0")(nil, m.MessageId)
	}))
	is.NoErr(err)
	is.Equal(listed(response), []string{"m0"})
}

func TestPoliciesHoldForAStreamThatWasMaterialised(t *testing.T) {
	is := is.New(t)
	s := oneGroup(t.Context(), batch.StopBatch, "a", "b", "c")
	is.Equal(afterFirstFails(slices.Values(slices.Collect(s))), []string{"blocked", "blocked"})

	failed := slices.Collect(batch.TryEach(s, failingOn("b")))
	is.True(errors.Is(failed[2].Err(), batch.ErrBlocked))
	response, err := batch.Collect(slices.Values(failed))
	is.NoErr(err)
	is.Equal(listed(response), []string{"b", "c"})
}

func TestFailCountsFromTheNextStageOn(t *testing.T) {
	is := is.New(t)
	called := []string{}
	s := func(yield func(batch.Result[string]) bool) {
		for r := range oneGroup(t.Context(), batch.StopBatch, "a", "b") {
			if r.Record().Index == 0 {
				r = r.Fail(errBoom)
			}
			if !yield(r) {
				return
			}
		}
	}
	tried := batch.TryEach(s, func(_ context.Context, v string) error { called = append(called, v); return nil })
	all := slices.Collect(tried) // not even a collector has seen the failure
	is.Equal(called, []string{})
	is.True(errors.Is(all[1].Err(), batch.ErrBlocked))
	response, _ := batch.Collect(tried)
	is.Equal(listed(response), []string{"a", "b"})
}

func TestASettledFailureBlocksNoRecord(t *testing.T) {
	for name, settle := range map[string]func(texts) texts{
		"Catch": func(s texts) texts {
			return batch.Catch(s, func(context.Context, error) error { return nil })
		},
		"OrElse": func(s texts) texts {
			return batch.OrElse(s, func(context.Context, error) (string, error) { return "", nil })
		},
		"Ack": func(s texts) texts {
			return func(yield func(batch.Result[string]) bool) {
				for r := range s {
					if r.Err() != nil {
						r = r.Ack()
					}
					if !yield(r) {
						return
					}
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			called := []string{}
			s := batch.TryEach(oneGroup(t.Context(), batch.StopBatch, "a", "b", "c"), func(_ context.Context, v string) error {
				called = append(called, v)
				return failingOn("a", "c")(nil, v)
			})
			// The next stage sees that the failure is settled. No collector does before the batch has been processed.
			seen := batch.Catch(settle(s), func(_ context.Context, err error) error { return err })
			response, err := batch.Collect(slices.Values(slices.Collect(seen)))
			is.NoErr(err)
			is.Equal(listed(response), []string{})
			is.Equal(called, []string{"a", "b", "c"})
		})
	}
}

func TestSiblingsDoNotBlockEachOther(t *testing.T) {
	is := is.New(t)
	called := []string{}
	s := batch.FlatMap(oneGroup(t.Context(), batch.StopBatch, "ab", "cd"), func(v string) []string { return strings.Split(v, "") })
	response, _ := batch.Collect(batch.TryEach(s, func(_ context.Context, v string) error {
		called = append(called, v)
		return failingOn("a")(nil, v)
	}))
	is.Equal(called, []string{"a", "b"})
	is.Equal(listed(response), []string{"ab", "cd"})

	// A record blocks later ones until all of its failed parts are settled.
	caught := 0
	settleOne := func(_ context.Context, err error) error {
		if caught++; caught == 1 {
			return nil
		}
		return err
	}
	response, _ = batch.Collect(batch.Catch(batch.TryEach(s, failingOn("a", "b")), settleOne))
	is.Equal(caught, 2)
	is.Equal(listed(response), []string{"ab", "cd"})
}

// A chunk was written as a whole before the failure was known. The later records of the group are redelivered all the
// same, so that they do not overtake the failed one.
func TestCollectorsReportLaterRecordsAfterAFailure(t *testing.T) {
	is := is.New(t)
	s := batch.TryEachChunk(batch.SQS(t.Context(), sqsEvent(fifoQueue, "g", "h", "g", "", "h")), 5,
		func(context.Context, []events.SQSMessage) error { return batch.ItemErrors{0: errBoom, 3: errBoom} })
	var report batch.Report
	_, failures := batch.Partition(s)
	is.Equal(len(failures), 3)
	is.True(errors.Is(failures[1].Err, batch.ErrBlocked))
	response, err := batch.Collect(batch.TryEachChunk(
		batch.SQS(t.Context(), sqsEvent(fifoQueue, "g", "h", "g", "", "h"), reportInto(&report)), 5,
		func(context.Context, []events.SQSMessage) error { return batch.ItemErrors{0: errBoom, 3: errBoom} }))
	is.NoErr(err)
	is.Equal(listed(response), []string{"m0", "m2", "m3"})
	is.Equal([]int{report.Acknowledged, report.Failed, report.Blocked}, []int{2, 2, 1})
}

func TestAMessageOnItsLastReceiveBlocksNoOther(t *testing.T) {
	is := is.New(t)
	event := sqsEvent(fifoQueue, "g", "g", "g") // each is on its second receive
	is.Equal(afterFirstFails(batch.SQS(t.Context(), event, batch.WithMaxReceives(2))), []string{"called", "called"})
	is.Equal(afterFirstFails(batch.SQS(t.Context(), event, batch.WithMaxReceives(1))), []string{"called", "called"})
	is.Equal(afterFirstFails(batch.SQS(t.Context(), event, batch.WithMaxReceives(3))), []string{"blocked", "blocked"})

	event.Records[1].Attributes["ApproximateReceiveCount"] = "1"
	response, err := batch.Collect(batch.TryEach(batch.SQS(t.Context(), event, batch.WithMaxReceives(2)),
		func(_ context.Context, m events.SQSMessage) error {
			if m.MessageId != "m2" {
				return errBoom
			}
			return nil
		}))
	is.True(err != nil) // m1 failed, but not on its last receive, so it blocks m2
	is.Equal(listed(response), []string{"m0", "m1", "m2"})
}

// endOf returns how long after the start the records' context ends.
func endOf(deadline time.Duration, opts ...batch.Option) time.Duration {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	end, _ := one(batch.From(ctx, []string{"a"}, func(string) batch.Record { return batch.Record{} }, opts...)).Context().Deadline()
	return time.Until(end)
}

func TestTheContextOfARecordEndsOneReserveBeforeTheInvocation(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		deadline, reserve, want time.Duration // reserve -1: the default
	}{
		{20 * time.Second, -1, 19 * time.Second}, // 5 %
		{10 * time.Second, -1, 9500 * ms},        // 5 % is 500 ms
		{3 * time.Second, -1, 2500 * ms},         // at least 500 ms
		{900 * ms, -1, 450 * ms},                 // never more than half
		{time.Minute, -1, 58 * time.Second},      // at most 2 s
		{15 * time.Minute, -1, 15*time.Minute - 2000*ms},
		{10 * time.Second, time.Second, 9 * time.Second},
		{10 * time.Second, 10 * ms, 9990 * ms},
		{10 * time.Second, 7 * time.Second, 5 * time.Second},
		{10 * time.Second, 0, 10 * time.Second},
		{0, -1, 0},
		{-time.Second, -1, -time.Second},
	} {
		t.Run(fmt.Sprint(test.deadline, test.reserve), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				var opts []batch.Option
				if test.reserve >= 0 {
					opts = append(opts, batch.WithReserve(test.reserve))
				}
				is.Equal(endOf(test.deadline, opts...), test.want)
			})
		})
	}
	_, ok := one(batch.Of("a")).Context().Deadline()
	is.New(t).True(!ok)
}

func TestEachRangeTakesItsReserveFromTheRemainingTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		s := oneGroup(ctx, batch.Continue, "a")
		end, _ := one(s).Context().Deadline()
		is.Equal(time.Until(end), 19*time.Second)
		time.Sleep(10 * time.Second)
		end, _ = one(s).Context().Deadline()
		is.Equal(time.Until(end), 9500*time.Millisecond)
	})
}
