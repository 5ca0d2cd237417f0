package order_test

import (
	"testing"
	"time"

	"github.com/lambdabatch/batch/internal/order"
	"github.com/matryer/is"
)

// settling fails n records, settles them in their order, and asks for the last one in between.
func settling(n int) time.Duration {
	o := new(order.Order[string])
	o.Init(func(int) int32 { return 1 })
	versions := make([]uint16, n)
	for i := range n {
		versions[i] = o.Fail(of(i, 0), true, "boom")
	}
	start := time.Now()
	for i := range n {
		o.Blocker(n, 0)
		o.Pass(of(i, versions[i]))
	}
	return time.Since(start)
}

func TestSettlingInOrderTakesAsLongForEachOfManyFailures(t *testing.T) {
	const n = 40_000
	few, many := time.Hour, time.Hour
	for range 5 { // the quickest is the one that nobody disturbed
		few, many = min(few, settling(n/8)), min(many, settling(n))
	}
	if many > 8*4*few {
		t.Errorf("%v for %d failures, %v for %d", few, n/8, many, n)
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
