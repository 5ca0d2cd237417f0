package batchtest

import (
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

// A smaller batch is looked for among more than a thousand, of which few are different.
func TestABatchThatBreaksNoLawIsTriedOnceInTheSearchForASmallerOne(t *testing.T) {
	is := is.New(t)
	t.Chdir(t.TempDir()) // where rapid stores the batches that fail
	drawAtLeast(t, 400)
	var searching atomic.Bool
	var harmless atomic.Int32
	stage := func(s ints) ints {
		return func(yield func(sent) bool) {
			dropped := false
			sending(func(r sent, yield func(sent) bool) bool {
				dropped = dropped || has(r, 7)
				return has(r, 7) || yield(r)
			})(s)(yield)
			if dropped {
				searching.Store(true)
			} else if searching.Load() {
				harmless.Add(1)
			}
		}
	}
	complaint := complaintAbout(t, rapid.IntRange(0, 9), stage)
	is.True(strings.HasPrefix(complaint, "the stage drops r0"))
	is.True(harmless.Load() < 200)
}

func TestABreachThatShowsOnlySometimesInLanesIsReportedAsSuch(t *testing.T) {
	is := is.New(t)
	t.Chdir(t.TempDir()) // where rapid stores the batches that fail
	drawAtLeast(t, 400)  // one in ten or so shows it
	var arrived atomic.Int32
	dropping := func(s ints) ints {
		if !strings.Contains(string(debug.Stack()), "runLane") {
			return s
		}
		return sending(func(r sent, yield func(sent) bool) bool {
			return arrived.Add(1)%200 == 0 || yield(r) // a try has fewer than 100 Results in lanes
		})(s)
	}
	complaint := complaintAbout(t, rapid.IntRange(0, 9), dropping)
	is.True(strings.HasPrefix(complaint, "the stage drops "))
	is.True(strings.Contains(complaint, "This does not happen every time: lanes run side by side"))
}

func TestAGoroutineThatTheFirstRangeMissesIsStillFoundInIt(t *testing.T) {
	is := is.New(t)
	t.Chdir(t.TempDir()) // where rapid stores the batches that fail
	c := &checker[int, int]{stage: leavingOneHidden(), checkSettings: checkSettings{limit: time.Minute}}
	said := c.tryScene(t, scene[int]{})
	is.True(strings.HasPrefix(said, "the stage leaves a goroutine behind, started by "))
	is.True(strings.HasSuffix(said, " with the batch {}: "+lawGoroutines))
	is.True(!strings.Contains(said, " range, with")) // such as: in a second range
	is.True(!strings.Contains(said, " ranges, with"))

	complaint := complaintAbout(t, rapid.IntRange(0, 9), leavingOneHidden())
	is.True(strings.HasPrefix(complaint, "the stage leaves a goroutine behind, started by "))
	is.True(strings.Contains(complaint, " with the batch {}: "+lawGoroutines))
	is.True(strings.Contains(complaint, "\nTo reproduce"))
}

// leavingOneHidden makes a stage that leaves a goroutine behind in each range. During the first, another goroutine ends.
func leavingOneHidden() intsTo {
	end := make(chan struct{})
	go func() { <-end }()
	var once sync.Once
	return alongside(func() {
		go func() { select {} }()
		once.Do(func() {
			before := runtime.NumGoroutine()
			close(end)
			for runtime.NumGoroutine() >= before {
				runtime.Gosched()
			}
		})
	})
}

func TestTheSmallestBatchIsFoundThoughItsValuesHaveAddresses(t *testing.T) {
	is := is.New(t)
	t.Chdir(t.TempDir()) // where rapid stores the batches that fail
	type order struct{ amount *int }
	orders := rapid.Custom(func(t *rapid.T) order {
		amount := rapid.IntRange(0, 9).Draw(t, "amount")
		return order{&amount}
	})
	complaint := complaintAbout(t, orders, func(s batch.Stream[order]) batch.Stream[order] {
		return func(yield func(batch.Result[order]) bool) {
			for r := range s {
				if o, ok := r.Value(); ok && *o.amount > 2 {
					continue
				}
				if !yield(r) {
					return
				}
			}
		}
	})
	is.True(strings.HasPrefix(complaint, "the stage drops r0, with the batch {r0: {amount:0x"))
	is.Equal(strings.Count(complaint, "r1"), 0)
	is.True(strings.Contains(complaint, "\nTo reproduce"))
}
