//go:build !race

package batch_test

// How what lanes cost grows with the number of records. Not with the race detector, since most of the work would be its own.

import (
	"context"
	"math"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
)

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
