package batch_test

// What stages cost: five stages with trivial functions, compared with one loop that recovers from panics per record.

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

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
		// Measure both in turn, and take the quickest of many runs of each: other work on the machine only adds to the time.
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
		"Collect": {20, func(event events.SQSEvent) {
			_, _ = batch.Collect(costPipeline(batch.SQS(context.Background(), event)))
		}},
		"Run with a deadline": {28, func(event events.SQSEvent) { _, _ = batch.Run(batch.SQS(ctx, event), costPipeline) }},
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

// 100 KB are copied, in pieces that grow from 100 bytes to 32 KB.
func TestDecodeCopiesManyTextsAtATime(t *testing.T) {
	is := is.New(t)
	texts := slices.Repeat([]string{strings.Repeat("x", 100)}, 1000)
	allocations := func(stage func(batch.Stream[string]) batch.Stream[int]) float64 {
		return testing.AllocsPerRun(20, func() { _, _ = batch.Collect(stage(batch.Of(texts...))) })
	}
	without := allocations(func(s batch.Stream[string]) batch.Stream[int] { return batch.Map(s, func(string) int { return 0 }) })
	with := allocations(func(s batch.Stream[string]) batch.Stream[int] {
		return batch.Decode[int](s, func([]byte, any) error { return nil })
	})
	is.True(with-without <= 13)
}
