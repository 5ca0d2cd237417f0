package order_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lambdabatch/batch/internal/order"
	"github.com/matryer/is"
)

func TestAnOrderMayBeUsedConcurrently(t *testing.T) {
	is := is.New(t)
	const records = 64
	o := new(order.Order[string])
	o.Init(func(int) int32 { return 1 })
	var all sync.WaitGroup
	for i := range records {
		all.Go(func() {
			for number := range uint32(4) {
				f := order.Failure{Index: i, Number: number, Stay: uint32(i)}
				o.Try(f, true, 0, "tried")
				f.Version = o.Fail(f, true, "boom")
				o.Enter(f, 1)
				o.Blocker(records, order.Place{Inside: 1})
				o.Leave(uint32(i))
				o.Unsettled()
				if i != 7 {
					o.Pass(f)
				}
			}
		})
	}
	all.Wait()
	is.Equal(blocker(o, records, 0), 7)
	is.Equal(len(o.Unsettled()), 4)
	is.True(!o.Unseen())
}

func TestAFailureAlwaysHoldsBackOthersOnItsWayThroughTheStages(t *testing.T) {
	is := is.New(t)
	o := in(1, 1)
	version := o.Fail(of(0, 0), true, "boom")
	var ended atomic.Bool
	var all sync.WaitGroup
	all.Go(func() {
		defer ended.Store(true)
		for range 50_000 {
			version = o.Fail(of(0, version), true, "boom")
		}
	})
	free := 0
	for !ended.Load() {
		for range 100 {
			if !o.Open() { // Blocker calls it without the lock
				free++
			}
		}
		if _, ok := o.Blocker(1, order.Place{}); !ok {
			free++
		}
	}
	all.Wait()
	is.Equal(free, 0)
}
