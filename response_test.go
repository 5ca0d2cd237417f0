package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"github.com/samber/lo"
)

func TestResponsesMarshalToTheExpectedJSON(t *testing.T) {
	is := is.New(t)
	marshalled := func(v any) string {
		text, err := json.Marshal(v)
		is.NoErr(err)
		return string(text)
	}
	is.Equal(marshalled(batch.Response{}), `{"batchItemFailures":[]}`)
	is.Equal(marshalled(batch.Response{BatchItemFailures: []batch.ItemFailure{{ItemIdentifier: "a"}, {ItemIdentifier: `b"\` + "\x01é"}}}),
		`{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b\"\\\u0001é"}]}`)
	direct, err := batch.Response{BatchItemFailures: []batch.ItemFailure{{ItemIdentifier: "<&>/1"}}}.MarshalJSON()
	is.NoErr(err)
	is.Equal(string(direct), `{"batchItemFailures":[{"itemIdentifier":"<&>/1"}]}`) // only the identifier of a Kafka record is an object
	is.Equal(marshalled(batch.ItemFailure{ItemIdentifier: "a"}), `{"itemIdentifier":"a"}`)

	event := events.KafkaEvent{Records: map[string][]events.KafkaRecord{
		`a/<b>-0`: {{Offset: 9007199254740993}},
		"c-1":     {{Offset: 0}, {Offset: 1}},
	}}
	response, err := batch.Run(batch.Kafka(t.Context(), event), batch.Each(func(_ context.Context, r events.KafkaRecord) error {
		if r.Offset != 0 {
			return errBoom
		}
		return nil
	}))
	is.NoErr(err)
	is.Equal(listed(response), []string{"a/<b>-0/9007199254740993", "c-1/1"})
	direct, err = response.MarshalJSON()
	is.NoErr(err)
	is.Equal(string(direct), `{"batchItemFailures":[{"itemIdentifier":{"partition":"a/<b>-0","offset":9007199254740993}},`+
		`{"itemIdentifier":{"partition":"c-1","offset":1}}]}`)
	is.Equal(marshalled(response.BatchItemFailures[1]), `{"itemIdentifier":{"partition":"c-1","offset":1}}`)
}

func TestTwoRecordsWithOneIdentifierAreReportedTogether(t *testing.T) {
	is := is.New(t)
	describe := func(v string) batch.Record { return batch.Record{ID: v[:1]} }
	s := batch.From(t.Context(), []string{"a1", "b", "a2", "c", "a3"}, describe)
	values, failures := batch.Partition(batch.TryEach(s, failingOn("a2")))
	is.Equal(values, []string{"b", "c"})
	is.Equal(len(failures), 3)
	is.True(failures[1].Err == errBoom)
	response, _ := batch.Collect(batch.TryEach(s, failingOn("a2", "b")))
	is.Equal(listed(response), []string{"a", "b"})
}

func TestARecordReportedForItsIdentifierHoldsBackItsGroup(t *testing.T) {
	is := is.New(t)
	type record struct{ id, group string }
	all := []record{{"x", "a"}, {"x", "b"}, {"y", "b"}, {"y", "c"}, {"z", "c"}, {"u", "d"}}
	s := batch.From(t.Context(), all, func(r record) batch.Record { return batch.Record{ID: r.id, Group: r.group} }, batch.WithPolicy(batch.StopGroup))
	response, err := batch.Collect(batch.TryEach(s, func(_ context.Context, r record) error {
		if r.group == "a" {
			return errBoom
		}
		return nil
	}))
	is.NoErr(err)
	is.Equal(listed(response), []string{"x", "y", "z"})
}

func TestAnIdentifierFromSeveralSourcesIsListedOnce(t *testing.T) {
	is := is.New(t)
	event := sqsEvent(queue, "", "")
	fail := batch.Each(func(context.Context, events.SQSMessage) error { return errBoom })
	response, _ := batch.Run(batch.SQS(t.Context(), event), func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		return fail(batch.SQS(t.Context(), event)) // ignores s
	})
	is.Equal(listed(response), []string{"m0", "m1"})
}

func TestOnlyReportedRecordsNeedAnIdentifier(t *testing.T) {
	is := is.New(t)
	describe := func(v string) batch.Record { return batch.Record{ID: strings.TrimPrefix(v, "anonymous")} }
	s := batch.From(t.Context(), []string{"a", "anonymous", "anonymous"}, describe)
	response, err := batch.Collect(s)
	is.NoErr(err) // all are acknowledged, so no identifier is needed
	is.Equal(listed(response), []string{})
	_, err = batch.Run(s, batch.Each(failingOn("a")))
	is.NoErr(err)
	_, err = batch.Run(s, batch.Each(failingOn("anonymous")))
	is.True(errors.Is(err, batch.ErrNoID))
	is.True(errors.Is(err, errBoom))
	is.True(strings.Contains(err.Error(), "record 1 ")) // named by its position
	_, err = batch.Run(s, batch.Each(failingOn("a", "anonymous")))
	is.True(errors.Is(err, batch.ErrNoID)) // not an AllFailedError, because the list would be invalid
}

func TestAllFailedErrorStaysShortAndPrintable(t *testing.T) {
	is := is.New(t)
	nasty := errors.New("x\x00\x1b\x7f\u0085\r\n" + strings.Repeat("é", 1<<20))
	ids := lo.Times(10_000, func(i int) string { return fmt.Sprint("id\x7f", i, strings.Repeat("…", 1000)) })
	response, err := batch.Collect(batch.TryEach(batch.From(t.Context(), ids, byID), func(context.Context, string) error { return nasty }))
	var all *batch.AllFailedError
	is.True(errors.As(err, &all))
	is.Equal(len(all.Failures), 10_000)
	is.Equal(len(all.Unwrap()), 10_000)
	is.True(errors.Is(err, nasty))
	is.Equal(len(response.BatchItemFailures), 10_000)
	text := err.Error()
	is.True(len(text) < 2500)
	is.True(strings.HasPrefix(text, "0 of 10000 records acknowledged: "))
	is.True(strings.HasSuffix(text, "and 9997 more"))
	is.True(!strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\uFFFD' }))
	is.True(strings.Contains(text, `x\x00\x1b\x7f`))

	two := &batch.AllFailedError{Failures: []batch.Failure{{Record: batch.Record{ID: "a"}, Err: io.EOF}, {Record: batch.Record{ID: "b"}, Err: errBoom}}}
	is.Equal(two.Error(), "0 of 2 records acknowledged: a: EOF; b: boom")
}

func TestTheReportCountsEveryRecordOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), ctxKey{}, "value"), 10*time.Second)
		defer cancel()
		var reports []batch.Report
		describe := func(v string) batch.Record { return batch.Record{ID: v, Group: v[:1]} }
		ids := []string{"a1", "a2", "b1", "b2", "c1", "d1", "e1", "f1"}
		source := batch.From(ctx, ids, describe, batch.WithPolicy(batch.StopGroup), batch.WithReport(func(c context.Context, r batch.Report) {
			is.Equal(c.Value(ctxKey{}), "value") // a value of the invocation's context
			end, _ := c.Deadline()
			is.Equal(end, start.Add(10*time.Second-125*time.Millisecond)) // three quarters of the reserve after the records' contexts
			is.NoErr(c.Err())
			reports = append(reports, r)
		}))
		response, err := batch.Run(source, func(s texts) texts {
			s = batch.Filter(dropping(s, "c1"), func(v string) bool { return v != "b2" })
			return batch.TryEach(s, func(_ context.Context, v string) error {
				time.Sleep(2400 * time.Millisecond) // e1 returns after the contexts have ended, but before Run stops waiting
				return failingOn("a1")(nil, v)
			})
		})
		is.NoErr(err)
		is.Equal(len(reports), 1)
		r := reports[0]
		is.Equal([]int{r.Records, r.Acknowledged, r.Failed, r.Blocked, r.NotStarted, r.Unreached}, []int{8, 4, 1, 1, 1, 1})
		failures := failedIDs(r.Failures)
		is.Equal(failures, listed(response))
		is.Equal(failures, []string{"a1", "a2", "c1", "f1"})
		is.Equal(r.Elapsed, 9600*time.Millisecond)
	})
}

func TestRunReportsOnlyItsOwnSource(t *testing.T) {
	is := is.New(t)
	reports := 0
	source := batch.From(t.Context(), []string{"a"}, byID,
		batch.WithReport(func(context.Context, batch.Report) { reports++ }), batch.WithoutAllFailedError())
	response, err := batch.Run(source, func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			for r := range batch.Of("elsewhere") {
				yield(r.Fail(errBoom))
			}
			batch.TryEach(s, failingOn("a"))(yield)
		}
	})
	is.NoErr(err)
	is.Equal(reports, 1)
	is.Equal(listed(response), []string{"a"}) // results from elsewhere are not listed
}
