package order_test

import (
	"strconv"
	"testing"

	"github.com/lambdabatch/batch/internal/order"
	"github.com/matryer/is"
)

// Settling failures in order, with a call of Blocker in between, costs the same per failure for many as for few.
// Compare ns/failure.
func BenchmarkSettlingInOrder(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				o := new(order.Order[string])
				o.Init(func(int) int32 { return 1 })
				versions := make([]uint16, n)
				for i := range n {
					versions[i] = o.Fail(of(i, 0), true, "boom")
				}
				for i := range n {
					o.Blocker(n, order.Place{})
					o.Pass(of(i, versions[i]))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/failure")
		})
	}
}

// Failing again in the next stage, while all others are open, also costs the same per failure.
func BenchmarkFailingAgain(b *testing.B) {
	for _, n := range []int{1_000, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				o := new(order.Order[string])
				o.Init(func(int) int32 { return 1 })
				versions := make([]uint16, n)
				for range 3 {
					for i := range n {
						versions[i] = o.Fail(of(i, versions[i]), true, "boom")
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(3*b.N*n), "ns/failure")
		})
	}
}

func TestALineThatIsSettledAndFailsAgainForgetsNothing(t *testing.T) {
	is := is.New(t)
	const n = 1000
	o := new(order.Order[string])
	o.Init(func(int) int32 { return 1 })
	for i := range n {
		version := o.Fail(of(i, 0), true, "boom")
		is.Equal(blocker(o, n, 0), i)
		o.Pass(of(i, version))
		is.Equal(blocker(o, n, 0), -1)
	}
	for i := n - 1; i >= 0; i-- {
		o.Fail(of(i, 0), true, "boom")
		is.Equal(blocker(o, n, 0), i)
	}
}

// A record may fail and be settled many times, and failures are looked for on the way of every later record.
func TestAFailureThatIsSettledOrReplacedTakesNoRoom(t *testing.T) {
	for name, again := range map[string]func(o *order.Order[string]){
		"settled": func(o *order.Order[string]) { o.Pass(of(0, o.Fail(of(0, 0), true, "boom"))) },
		"settled while an earlier record has failed": func(o *order.Order[string]) {
			o.Try(of(0, 0), true, 0, "boom")
			o.Pass(of(1, o.Fail(of(1, 0), true, "boom")))
		},
		"replaced":           func(o *order.Order[string]) { o.Try(of(0, 0), true, 0, "boom") },
		"replaced in a stay": func(o *order.Order[string]) { o.Try(order.Failure{Stay: 1}, true, 0, "boom") },
		"of two parts in turn": func(o *order.Order[string]) {
			for number := range uint32(2) {
				o.Try(order.Failure{Number: number}, true, 0, "boom")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			const runs, times = 100, 1000
			var orders []*order.Order[string]
			for range runs + 1 { // AllocsPerRun calls the function once more
				o := in(1, 1, order.Any)
				other := o.Fail(of(0, 1), true, "boom")
				blocker(o, 2, 0) // from here on, the failures of all lines are also kept together
				o.Pass(of(0, other))
				orders = append(orders, o)
			}
			asked := 0
			often := testing.AllocsPerRun(runs, func() {
				for range times {
					again(orders[asked])
				}
				asked++
			})
			once := testing.AllocsPerRun(times, func() { again(orders[0]) })
			is.True(often < times*once+5) // nothing grows: a list of a thousand would grow ten times; others may allocate, too
		})
	}
}

func TestARecordInAnyLineIsHeldBackWithoutCollectingSettledFailures(t *testing.T) {
	is := is.New(t)
	const n = 1000
	const runs = 20
	var orders []*order.Order[string]
	for range runs + 1 { // AllocsPerRun calls the function once more
		o := new(order.Order[string])
		o.Init(func(index int) int32 { return []int32{order.Any, 1}[min(n-index, 1)] })
		for i := range n {
			version := o.Fail(of(i, 0), true, "boom")
			if i > 0 {
				o.Pass(of(i, version))
			}
		}
		orders = append(orders, o)
	}
	asked := 0
	first := testing.AllocsPerRun(runs, func() {
		blocker(orders[asked], n, 0)
		asked++
	})
	is.Equal(first, 2.0) // the line of all, with one failure in it
	is.Equal(testing.AllocsPerRun(runs, func() { blocker(orders[0], n, 0) }), 0.0)
}
