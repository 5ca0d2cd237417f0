package redeliver_test

import (
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/redeliver"
)

// BenchmarkAfter measures a batch in which everything fails, without redeliver and with a client that responds
// at once.
func BenchmarkAfter(b *testing.B) {
	event := failing(10_000)
	for name, opts := range map[string][]batch.Option{
		"without": nil,
		"with":    {redeliver.After(new(client), redeliver.Exponential(time.Second, time.Hour))},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := batch.Run(batch.SQS(b.Context(), event, append(opts, batch.WithoutAllFailedError())...), each(work)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
