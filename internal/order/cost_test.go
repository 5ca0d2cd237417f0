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
