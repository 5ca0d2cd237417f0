package otelbatch_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/otelbatch"
	"github.com/matryer/is"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// A meter collects what otelbatch.Metrics measures.
type meter struct {
	reader   *sdkmetric.ManualReader
	provider *sdkmetric.MeterProvider
}

func newMeter() meter {
	reader := sdkmetric.NewManualReader()
	return meter{reader, sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithExemplarFilter(exemplar.AlwaysOnFilter))}
}

func (m meter) option() batch.Option {
	return otelbatch.Metrics(otelbatch.WithMeterProvider(m.provider))
}

func (m meter) metrics(t testing.TB) map[string]metricdata.Metrics {
	t.Helper()
	var data metricdata.ResourceMetrics
	is.New(t).NoErr(m.reader.Collect(context.Background(), &data))
	found := make(map[string]metricdata.Metrics)
	for _, scope := range data.ScopeMetrics {
		for _, metric := range scope.Metrics {
			found[metric.Name] = metric
		}
	}
	return found
}

// consumed returns how many messages were counted, by destination and error.type.
func (m meter) consumed(t testing.TB) map[string]int64 {
	t.Helper()
	counts := make(map[string]int64)
	if counter, ok := m.metrics(t)["messaging.client.consumed.messages"]; ok {
		for _, point := range counter.Data.(metricdata.Sum[int64]).DataPoints {
			counts[seriesOf(point.Attributes)] += point.Value
		}
	}
	return counts
}

// durations returns the points of the histogram, by destination and error.type.
func (m meter) durations(t testing.TB) map[string]metricdata.HistogramDataPoint[float64] {
	t.Helper()
	points := make(map[string]metricdata.HistogramDataPoint[float64])
	if histogram, ok := m.metrics(t)["messaging.process.duration"]; ok {
		for _, point := range histogram.Data.(metricdata.Histogram[float64]).DataPoints {
			points[seriesOf(point.Attributes)] = point
		}
	}
	return points
}

func seriesOf(set attribute.Set) string {
	all := asStrings(set.ToSlice())
	name := all["messaging.destination.name"]
	if errorType := all["error.type"]; errorType != "" {
		name += " " + errorType
	}
	return name
}

// scripted does what the body of a message says.
func scripted(_ context.Context, m events.SQSMessage) error {
	switch m.Body {
	case "fail":
		return errBoom
	case "panic":
		panic("ouch")
	}
	return nil
}

func TestEveryRecordOfABatchIsCountedOnce(t *testing.T) {
	is := is.New(t)
	m := newMeter()
	h := batch.SQSHandler(each(scripted), m.option(), batch.WithLogger(nil))
	for range 2 {
		invoke(t, t.Context(), h, messages(fifoQueue, "ok", "ok", "fail", "ok", "panic"))
	}
	is.Equal(m.consumed(t), map[string]int64{"orders.fifo": 4, "orders.fifo *errors.errorString": 2, "orders.fifo blocked": 4})

	counter := m.metrics(t)["messaging.client.consumed.messages"]
	is.Equal(counter.Unit, "{message}")
	is.True(counter.Data.(metricdata.Sum[int64]).IsMonotonic)
	for _, point := range counter.Data.(metricdata.Sum[int64]).DataPoints {
		all := asStrings(point.Attributes.ToSlice())
		delete(all, "error.type")
		is.Equal(all, map[string]string{
			"messaging.system": "aws_sqs", "messaging.operation.name": "process", "messaging.destination.name": "orders.fifo",
		})
	}
}

func TestAnUndecodableRecordIsCountedForItsQueue(t *testing.T) {
	is := is.New(t)
	m := newMeter()
	_, err := batch.SQSHandler(each(succeed), m.option(), batch.WithLogger(nil)).Invoke(t.Context(), []byte(`{"Records":[
		{"messageId":"m0","eventSource":"aws:sqs","eventSourceARN":"`+queue+`","body":7},
		{"messageId":"m1","eventSource":"aws:sqs","eventSourceARN":"`+queue+`","body":""}]}`))
	is.NoErr(err)
	is.Equal(m.consumed(t), map[string]int64{"orders": 1, "orders decode_error": 1})
	is.Equal(len(m.durations(t)), 1) // no function was called for m0
}

func TestTheDurationIsThatOfTheWorkOnTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		m := newMeter()
		release := make(chan struct{})
		defer close(release)
		work := func(_ context.Context, m events.SQSMessage) error {
			if m.Body == "stuck" {
				<-release
			}
			d, _ := time.ParseDuration(m.Body)
			time.Sleep(d)
			if d > time.Second {
				return errBoom
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		invoke(t, ctx, batch.SQSHandler(each(work), m.option(), batch.WithReserve(2*time.Second), batch.WithLogger(nil)),
			messages(queue, "20ms", "80ms", "3s", "stuck", "1ms"))
		points := m.durations(t)
		is.Equal(len(points), 3)
		is.Equal(points["orders"].Count, uint64(2))
		is.Equal(fmt.Sprintf("%.2f", points["orders"].Sum), "0.10")
		is.Equal(points["orders *errors.errorString"].Sum, 3.0)
		is.Equal(points["orders running"].Count, uint64(1))
		is.Equal(fmt.Sprintf("%.1f", points["orders running"].Sum), "15.9") // 20 s, less half of the reserve and the 3.1 s of the earlier records
		is.Equal(points["orders"].Bounds, []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10})
		is.Equal(m.metrics(t)["messaging.process.duration"].Unit, "s")
		is.Equal(m.consumed(t)["orders unreached"], int64(1))
	})
}

func TestRecordsThatAStageAcknowledgesByItselfAreCounted(t *testing.T) {
	is := is.New(t)
	m := newMeter()
	skip := func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		return func(yield func(batch.Result[events.SQSMessage]) bool) {
			for r := range s {
				if v, ok := r.Value(); ok && v.Body == "skip" {
					r = r.Ack()
				}
				if !yield(r) {
					return
				}
			}
		}
	}
	stage := func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
		return each(scripted)(skip(s))
	}
	h := batch.SQSHandler(stage, m.option(), batch.WithLogger(nil))
	var all sync.WaitGroup
	for range 8 { // at the same time, because no report says which scopes were its own
		all.Go(func() { invoke(t, t.Context(), h, messages(queue, "skip", "ok", "fail", "skip")) })
	}
	all.Wait()
	is.Equal(m.consumed(t), map[string]int64{"orders": 24, "orders *errors.errorString": 8})
	is.Equal(m.durations(t)["orders"].Count, uint64(8))
}

func TestEachTopicIsCountedByItself(t *testing.T) {
	is := is.New(t)
	m := newMeter()
	event := events.KafkaEvent{Records: map[string][]events.KafkaRecord{
		"orders-0": {{Topic: "orders"}, {Topic: "orders", Offset: 1}}, "refunds-0": {{Topic: "refunds"}},
	}}
	_, err := batch.Run(batch.Kafka(t.Context(), event, m.option()), batch.Each(func(_ context.Context, r events.KafkaRecord) error {
		if r.Offset == 1 {
			return errors.New("late")
		}
		return nil
	}))
	is.NoErr(err)
	is.Equal(m.consumed(t), map[string]int64{"orders": 1, "refunds": 1, "orders *errors.errorString": 1})
}

func TestExemplarsNameTheSpanOfTheRecord(t *testing.T) {
	is := is.New(t)
	m, spans := newMeter(), newTracer()
	invoke(t, t.Context(), batch.SQSHandler(each(succeed), spans.option(), m.option()), messages(queue, "ok"))
	id := spans.byID(t)["m0"].SpanContext().SpanID()
	exemplars := m.durations(t)["orders"].Exemplars
	is.Equal(len(exemplars), 1)
	is.Equal(exemplars[0].SpanID, id[:])
}

func TestAnInvocationCountsOnlyItsOwnRecords(t *testing.T) {
	is := is.New(t)
	m := newMeter()
	closed, release := make(chan struct{}), make(chan struct{})
	slow := batch.WithReport(func(ctx context.Context, _ batch.Report) {
		if ctx.Value(slowly{}) != nil { // its scopes are closed, and Metrics has not seen its report yet
			close(closed)
			<-release
		}
	})
	h := batch.SQSHandler(each(succeed), slow, m.option())
	var other sync.WaitGroup
	other.Go(func() { invoke(t, context.WithValue(t.Context(), slowly{}, true), h, messages(queue, "a", "b")) })
	<-closed
	invoke(t, t.Context(), h, messages(queue, "c"))
	close(release)
	other.Wait()
	is.Equal(m.consumed(t), map[string]int64{"orders": 3})
}

type slowly struct{}
