package batch_test

// What lanes cost: work of a given length, with and without them.

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
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
		t.Errorf("the heap has %d MB", most>>20)
	}
}

// growth returns how many times as much work f is for 16*n as for n. What other threads work in a moment may be counted in the
// next, so it compares work that takes about as long: one call for 16*n with 16 for n. Garbage collection may add to either, so it
// measures again until the factor is below enough, up to twelve times.
func growth(n int, enough float64, f func(n int)) float64 {
	const factor = 16
	few, many := math.Inf(1), math.Inf(1)
	times := func() float64 { return factor * many / few }
	for round := range 12 {
		few = min(few, workOf(func() {
			for range factor {
				f(n)
			}
		}))
		many = min(many, workOf(func() { f(factor * n) }))
		if round >= 1 && times() <= enough {
			break
		}
	}
	return times()
}

// The time for thousands of parts or records that fail together must grow with their number. If it grew with the number of
// pairs, 16 times as many would take 256 times as long.
func TestTheCostOfFailuresIsLinearInTheirNumber(t *testing.T) {
	refuse := func(context.Context, string) error { return errBoom }
	split := func(values texts, n int) texts {
		return batch.FlatMap(values, func(v string) []string { return slices.Repeat([]string{v}, n) })
	}
	for name, f := range map[string]func(n int){
		"parts in lanes, in bulk": func(n int) {
			_, _ = batch.Collect(batch.Parallel(split(batch.Of("0"), n), 2, func(s texts) texts {
				s = batch.TryEach(s, failingOn("0"))
				s = batch.OrElse(s, func(context.Context, error) (string, error) { return "1", nil })
				return batch.TryEachChunk(s, n, func(context.Context, []string) error { return errBoom })
			}))
		},
		"parts made in lanes within lanes": func(n int) {
			_, _ = batch.Collect(batch.Parallel(batch.Of("0", "1"), 2, func(s texts) texts { return inLanes(split(s, n), 4, refuse) }))
		},
		"parts that a stage holds": func(n int) {
			s := batch.TryEach(split(batch.Of("0", "1"), n), refuse)
			held := func(yield func(batch.Result[string]) bool) { slices.Values(slices.Collect(s))(yield) }
			_, _ = batch.Collect(batch.TryEach(batch.TryEach(held, succeed), succeed))
		},
		"records in the chunk of a lane that is given up": func(n int) { giveUpChunk(t, n) },
		"records whose identifiers are shared in a chain": shareInChain,
		"unreadable groups, caught": func(n int) {
			s := batch.KinesisHandler(func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[events.KinesisEventRecord] {
				s = batch.TryEach(s, func(context.Context, events.KinesisEventRecord) error { return errBoom })
				return batch.Catch(s, func(context.Context, error) error { return nil })
			}, quiet, batch.WithPolicy(batch.StopGroup))
			_, _ = s.Invoke(context.Background(), unreadableGroups(n))
		},
		"unreadable groups": func(n int) {
			s := batch.KinesisHandler(func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[events.KinesisEventRecord] {
				return batch.TryEach(s, func(context.Context, events.KinesisEventRecord) error { return errBoom })
			}, quiet, batch.WithPolicy(batch.StopGroup))
			_, _ = s.Invoke(context.Background(), unreadableGroups(n))
		},
	} {
		t.Run(name, func(t *testing.T) {
			if times := growth(800, 100, f); times > 100 {
				t.Errorf("16 times as many are %.0f times the work", times)
			}
		})
	}
}

// The time for thousands of lanes that have finished at once, and wait for the consumer, must grow with their number.
func TestTheCostOfLanesThatFinishTogetherIsLinearInTheirNumber(t *testing.T) {
	together := func(n int) {
		synctest.Test(t, func(t *testing.T) {
			for range inLanes(batch.Of(make([]string, n)...), n, taking(time.Second)) {
			}
		})
	}
	if times := growth(400, 90, together); times > 90 {
		t.Errorf("16 times as many are %.0f times the work", times)
	}
}

// giveUpChunk ends in a lane that hangs with n records in a chunk.
func giveUpChunk(t *testing.T, n int) {
	synctest.Test(t, func(t *testing.T) {
		ctx, reserve := deadline(t)
		s := batch.From(ctx, make([]string, n), byID, reserve, quiet, batch.WithoutAllFailedError())
		_, _ = batch.Collect(batch.Parallel(s, 1, func(s texts) texts {
			stuck := stuckOn(t, "")
			return batch.TryEachChunk(s, n, func(ctx context.Context, _ []string) error { return stuck(ctx, "") })
		}))
	})
}

// shareInChain fails the first of n records. Two by two they are of one group, and two by two, from the second on, they have the
// same identifier.
func shareInChain(n int) {
	s := batch.From(context.Background(), numerals(0, n), func(v string) batch.Record {
		i := indexOf(v)
		return batch.Record{ID: strconv.Itoa((i + 1) / 2), Group: strconv.Itoa(i / 2)}
	}, quiet, batch.WithPolicy(batch.StopGroup), batch.WithoutAllFailedError())
	_, _ = batch.Collect(batch.TryEach(s, failingOn("0")))
}

// unreadableGroups is an event of n Kinesis records. The partition keys of the second half are not strings.
func unreadableGroups(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"Records":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		key := `"` + strconv.Itoa(i) + `"`
		if i >= n/2 {
			key = "7"
		}
		fmt.Fprintf(&b, `{"eventSource":"aws:kinesis","kinesis":{"sequenceNumber":"%d","partitionKey":%s,"data":"eA=="}}`, i, key)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}
