package otelbatch_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"go.opentelemetry.io/otel/codes"
	"pgregory.net/rapid"
)

// A delivery is a drawn batch, and the way it is processed.
type delivery struct {
	arn    string
	bodies []string
	lanes  int
	parts  int
}

func drawDelivery(t *rapid.T) delivery {
	return delivery{
		arn:    rapid.SampledFrom([]string{queue, fifoQueue}).Draw(t, "queue"),
		bodies: rapid.SliceOfN(rapid.SampledFrom([]string{"ok", "fail", "panic", "filtered", "caught", "slow", "stuck", "ack"}), 1, 12).Draw(t, "bodies"),
		lanes:  rapid.IntRange(1, 4).Draw(t, "lanes"),
		parts:  rapid.IntRange(1, 3).Draw(t, "parts"),
	}
}

// stage acknowledges "ack" without calling a function. It splits every other record into parts, and the last
// part does what the body says.
func (d delivery) stage(called func(context.Context)) batch.Stage[events.SQSMessage, string] {
	one := func(s batch.Stream[events.SQSMessage]) batch.Stream[string] {
		parts := batch.TryFlatMap(acknowledging(s), func(ctx context.Context, m events.SQSMessage) ([]string, error) {
			called(ctx)
			return append(make([]string, d.parts-1), m.Body), nil
		})
		parts = batch.Filter(parts, func(body string) bool { return body != "filtered" })
		return batch.Catch(batch.TryEach(parts, act), func(_ context.Context, err error) error {
			if err == errBoom {
				return nil
			}
			return err
		})
	}
	if d.lanes == 1 {
		return one
	}
	return func(s batch.Stream[events.SQSMessage]) batch.Stream[string] { return batch.Parallel(s, d.lanes, one) }
}

func act(ctx context.Context, body string) error {
	switch body {
	case "fail":
		return fmt.Errorf("charge: %w", errBoom)
	case "caught":
		return errBoom
	case "panic":
		panic("ouch")
	case "slow":
		time.Sleep(3 * time.Second)
	case "stuck":
		time.Sleep(time.Hour)
	}
	return nil
}

func acknowledging(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
	return func(yield func(batch.Result[events.SQSMessage]) bool) {
		for r := range s {
			if m, ok := r.Value(); ok && m.Body == "ack" {
				r = r.Ack()
			}
			if !yield(r) {
				return
			}
		}
	}
}

func TestEverySpanEndsOnceAsTheReportSaysAndEveryRecordIsCounted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawDelivery(rt)
		var violation string
		synctest.Test(t, func(t *testing.T) { violation = d.violation(t) })
		if violation != "" {
			rt.Fatal(violation)
		}
	})
}

// violation processes the batch, and returns what is wrong with its spans and measurements, or "".
func (d delivery) violation(t *testing.T) string {
	spans, m := newTracer(), newMeter()
	called := make(chan string, len(d.bodies))
	stage := d.stage(func(ctx context.Context) {
		r, _ := batch.RecordFrom(ctx)
		called <- r.ID
	})
	errors := make(map[string]error)
	var reported batch.Report
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	invoke(t, ctx, batch.SQSHandler(stage, spans.option(), m.option(), batch.WithLogger(nil), batch.WithReport(func(_ context.Context, r batch.Report) {
		reported = r
		for _, f := range r.Failures {
			errors[f.Record.ID] = f.Err
		}
	})), messages(d.arn, d.bodies...))
	defer time.Sleep(2 * time.Hour) // until the stuck functions have returned
	if len(spans.Started()) != len(spans.Ended()) {
		return fmt.Sprintf("%d spans were started and %d ended", len(spans.Started()), len(spans.Ended()))
	}
	ended := spans.byID(t)
	if len(ended) != len(called) {
		return fmt.Sprintf("functions were called for %d records, and %d have a span", len(called), len(ended))
	}
	for id, span := range ended {
		if failed := span.Status().Code == codes.Error; failed != (errors[id] != nil) {
			return fmt.Sprintf("the span of %s says %q, the report %v", id, statusOf(span), errors[id])
		}
		if err := errors[id]; err != nil && span.Status().Description != err.Error() {
			return fmt.Sprintf("the span of %s says %q, the report %q", id, span.Status().Description, err)
		}
		if span.EndTime().Before(span.StartTime()) || span.EndTime().After(time.Now()) {
			return fmt.Sprintf("the span of %s ends at a wrong time", id)
		}
	}
	return d.miscount(m, t, reported, len(ended))
}

func (d delivery) miscount(m meter, t *testing.T, r batch.Report, called int) string {
	counts := make(map[string]int64)
	for series, n := range m.consumed(t) {
		_, errorType, _ := strings.Cut(series, " ")
		counts[errorType] += n
	}
	want := map[string]int64{
		"": int64(r.Acknowledged), "blocked": int64(r.Blocked), "not_started": int64(r.NotStarted),
		"running": int64(r.Running), "unreached": int64(r.Unreached - r.Running),
	}
	failed := int64(r.Failed)
	for errorType, n := range counts {
		if wanted, ok := want[errorType]; !ok {
			failed -= n
		} else if n != wanted {
			return fmt.Sprintf("%d of the type %q were counted, the report has %+v", n, errorType, r)
		}
	}
	measured := 0
	for _, point := range m.durations(t) {
		measured += int(point.Count)
	}
	if failed != 0 || counts[""] != want[""] || measured != called {
		return fmt.Sprintf("counted %v, measured %d of %d, the report has %+v", counts, measured, called, r)
	}
	return ""
}
