package batch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestWithoutAnythingToSayNothingIsLogged(t *testing.T) {
	is := is.New(t)
	var j journal
	_, err := batch.Collect(batch.SQS(t.Context(), sqsEvent(queue, "", ""), batch.WithLogger(slog.New(&j))))
	is.NoErr(err)
	is.Equal(len(j.lines), 0)
}

func TestEachFailureIsLoggedWhenItReachesTheCollectorAndTheRestIsCounted(t *testing.T) {
	is := is.New(t)
	var j journal
	event := sqsEvent(fifoQueue, "g", "g", "g", "h", "i", "i")
	source := batch.SQS(t.Context(), event, batch.WithLogger(slog.New(&j)))
	response, err := batch.Run(source, func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		s = batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error {
			if m.MessageId == "m5" {
				is.Equal(len(j.lines), 1) // as they come, not all at the end
			}
			if slices.Contains([]string{"m0", "m3", "m4"}, m.MessageId) {
				return errors.New("boom of " + m.MessageId)
			}
			return nil
		})
		return batch.Catch(s, func(ctx context.Context, err error) error {
			if r, _ := batch.RecordFrom(ctx); r.ID == "m0" {
				return err
			}
			return nil // no line for these
		})
	})
	is.NoErr(err)
	is.Equal(listed(response), []string{"m0", "m1", "m2"})
	is.Equal(j.lines, []string{
		"ERROR (m0) record failed record=m0 group=g attempt=2 error=boom of m0",
		"WARN () records not processed records=6 blocked=2 notStarted=0 unreached=0 running=0",
	})
}

func TestRecordsThatAStageDroppedAreCountedInTheLog(t *testing.T) {
	is := is.New(t)
	var j journal
	s := batch.From(t.Context(), []string{"a", "b"}, func(v string) batch.Record { return batch.Record{ID: v} }, batch.WithLogger(slog.New(&j)))
	_, err := batch.Collect(dropping(s, "b"))
	is.NoErr(err)
	is.Equal(j.lines, []string{"WARN () records not processed records=2 blocked=0 notStarted=0 unreached=1 running=0"})
}

func TestRecordsOfSeveralPartsAreLoggedOnce(t *testing.T) {
	is := is.New(t)
	var j journal
	s := batch.SQS(t.Context(), sqsEvent(queue, ""), batch.WithLogger(slog.New(&j)))
	parts := batch.FlatMap(s, func(events.SQSMessage) []string { return []string{"a", "b"} })
	_, err := batch.Collect(batch.TryEach(parts, failingOn("a", "b")))
	is.True(err != nil)
	is.Equal(len(j.lines), 1)
}

func TestTheStackOfAPanicIsLogged(t *testing.T) {
	is := is.New(t)
	var log bytes.Buffer
	source := batch.SQS(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m-1"}}},
		batch.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))))
	_, err := batch.Run(source, batch.Each(func(context.Context, events.SQSMessage) error { panic("oh") }))
	is.True(err != nil)
	var line struct{ Error, Stack string }
	is.NoErr(json.Unmarshal(log.Bytes(), &line))
	is.Equal(line.Error, "panic: oh")
	is.True(strings.Contains(line.Stack, "TestTheStackOfAPanicIsLogged"))
}

func TestAReportFunctionOrLoggerThatPanicsCostsNoAnswer(t *testing.T) {
	is := is.New(t)
	describe := func(v string) batch.Record { return batch.Record{ID: v} }
	source := batch.From(t.Context(), []string{"a", "b"}, describe,
		batch.WithReport(func(context.Context, batch.Report) { panic("report") }), batch.WithLogger(slog.New(panicking{})))
	response, err := batch.Run(source, batch.Each(failingOn("a")))
	is.NoErr(err)
	is.Equal(listed(response), []string{"a"})
}

type panicking struct{ slog.Handler }

func (panicking) Enabled(context.Context, slog.Level) bool { panic("log") }
