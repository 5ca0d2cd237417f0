package batch_test

// What lanes cost: work of a given length, with and without them.

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
)

// spin computes for a while. The result is never 0, which the compiler cannot tell.
func spin(rounds int) uint64 {
	x := uint64(88172645463325252)
	for range rounds {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

// roundsIn returns how many rounds spin needs to take this long.
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
				return errDrawn
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

func TestLanesAllocateInBlocks(t *testing.T) {
	source := batch.SQS(context.Background(), costEvent(1000))
	bodies := func(s batch.Stream[events.SQSMessage]) batch.Stream[string] {
		return batch.Map(s, func(m events.SQSMessage) string { return m.Body })
	}
	for name, collect := range map[string]func(){
		"values of the same type": func() {
			_, _ = batch.Collect(batch.Parallel(source, 8, batch.Each(func(context.Context, events.SQSMessage) error { return nil })))
		},
		"values of another type": func() {
			_, _ = batch.Collect(batch.Parallel(source, 8, bodies))
		},
	} {
		if perBatch := testing.AllocsPerRun(10, collect); perBatch > 300 {
			t.Errorf("%.0f allocations for 1,000 records with %s", perBatch, name)
		}
	}
}

func TestLanesKeepNoValueThatHasLeft(t *testing.T) {
	const size, records = 1 << 20, 200
	before, most := liveHeap(), uint64(0)
	n := 0
	big := batch.Parallel(batch.Of(make([]int, records)...), 4, func(s batch.Stream[int]) batch.Stream[[]byte] {
		return batch.Map(s, func(int) []byte { return make([]byte, size) })
	})
	for range big {
		if n++; n == records-10 {
			most = max(liveHeap(), before) - before
		}
	}
	if most > records/2*size {
		t.Errorf("the heap has %d MB", most>>20)
	}
}
