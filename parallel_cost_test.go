package batch_test

// Cost: work of a given length, in lanes and without.

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
)

// spin computes for a while and returns what must not be 0.
func spin(rounds int) uint64 {
	x := uint64(88172645463325252)
	for range rounds {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

// roundsIn returns how often spin goes round in that time.
func roundsIn(d time.Duration) int {
	const rounds = 10_000
	fastest := time.Hour
	for range 100 {
		start := time.Now()
		if spin(rounds) == 0 {
			panic("never")
		}
		fastest = min(fastest, time.Since(start))
	}
	return int(d * rounds / fastest)
}

func BenchmarkParallel(b *testing.B) {
	const n, lanes = 1000, 8
	event := costEvent(n)
	for _, takes := range []time.Duration{300 * time.Nanosecond, 3 * time.Microsecond} {
		rounds := roundsIn(takes)
		work := batch.Each(func(context.Context, events.SQSMessage) error {
			if spin(rounds) == 0 {
				return errFate
			}
			return nil
		})
		run := func(stage func(batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage]) func() {
			return func() {
				if _, err := batch.Run(batch.SQS(context.Background(), event), stage); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(takes.String()+"/alone", func(b *testing.B) { perRecord(b, n, run(work)) })
		b.Run(takes.String()+"/lanes", func(b *testing.B) {
			perRecord(b, n, run(func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
				return batch.Parallel(s, lanes, work)
			}))
		})
	}
}

func TestLanesKeepNoValueThatHasLeft(t *testing.T) {
	const size, records = 1 << 20, 200
	var most uint64
	n := 0
	big := batch.Parallel(batch.Of(make([]int, records)...), 4, func(s batch.Stream[int]) batch.Stream[[]byte] {
		return batch.Map(s, func(int) []byte { return make([]byte, size) })
	})
	for range big {
		if n++; n == records-10 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = m.HeapAlloc
		}
	}
	if most > records/2*size {
		t.Errorf("%d MB are kept", most>>20)
	}
}
