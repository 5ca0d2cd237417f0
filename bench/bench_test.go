package main

import (
	"context"
	"testing"
	"time"

	"github.com/samber/lo"
)

// The contests as ordinary Go benchmarks: one after another, in one process, without
// the Node programs.

func benchmarkPart(b *testing.B, part string) {
	discardLog()
	for _, c := range lo.Filter(contests(), func(c contest, _ int) bool { return c.part == part }) {
		for _, r := range c.rivals {
			if r.prepare == nil {
				continue
			}
			b.Run(c.name+"/"+r.name, func(b *testing.B) {
				ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
				defer cancel()
				work := r.prepare(ctx)
				b.ReportAllocs()
				for b.Loop() {
					if err := work(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.records), "ns/record")
			})
		}
	}
}

func BenchmarkSQS(b *testing.B)      { benchmarkPart(b, "sqs") }
func BenchmarkKinesis(b *testing.B)  { benchmarkPart(b, "kinesis") }
func BenchmarkDynamoDB(b *testing.B) { benchmarkPart(b, "dynamodb") }
func BenchmarkStages(b *testing.B)   { benchmarkPart(b, "stages") }
func BenchmarkRun(b *testing.B)      { benchmarkPart(b, "run") }
func BenchmarkLanes(b *testing.B)    { benchmarkPart(b, "lanes") }
