package batch_test

// How much memory lanes use for values, and how long they keep them.

import (
	"context"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
)

type wide [4096]byte

// A value enters lanes in a block of values, and leaves them in its old place if it still has the type.
func TestLanesStoreEachValueOnce(t *testing.T) {
	packed := func(v wide) [1]wide { return [1]wide{v} }
	for name, test := range map[string]struct{ values, most float64 }{
		"that keeps its type":        {storedPerRecord(func(s batch.Stream[wide]) batch.Stream[wide] { return s }), 1.5},
		"that becomes another type":  {storedPerRecord(func(s batch.Stream[wide]) batch.Stream[[1]wide] { return batch.Map(s, packed) }), 2.5},
		"for which a function fails": {storedPerRecord(failingWide), 1.5},
	} {
		if test.values > test.most {
			t.Errorf("%.2f values are allocated for one %s", test.values, name)
		}
	}
}

func failingWide(s batch.Stream[wide]) batch.Stream[[1]wide] {
	return batch.TryMap(s, func(context.Context, wide) (packed [1]wide, err error) { return packed, errBoom })
}

// storedPerRecord returns how much lanes allocate for a record, in sizes of its value.
func storedPerRecord[B any](stage batch.Stage[wide, B]) float64 {
	const records = 3200
	lanes := batch.Parallel(batch.Of(make([]wide, records)...), 2, stage)
	bytes := allocated(func() {
		for range lanes {
		}
	})
	return float64(bytes) / records / float64(len(wide{}))
}

// The stage before the lanes sends each value when the one before it has left. The last ones share a block of 31.
func TestLanesKeepNoValueThatHasGoneOn(t *testing.T) {
	const size, records = 1 << 18, 55
	big := func(int) []byte { return make([]byte, size) }
	length := func(b []byte) int { return len(b) }
	for name, stage := range map[string]func(batch.Stream[int]) batch.Stream[int]{
		"and has entered": func(s batch.Stream[int]) batch.Stream[int] {
			return batch.Parallel(batch.Map(s, big), 1, func(s batch.Stream[[]byte]) batch.Stream[int] { return batch.Map(s, length) })
		},
		"and has left": func(s batch.Stream[int]) batch.Stream[int] {
			return batch.Map(batch.Parallel(s, 1, func(s batch.Stream[int]) batch.Stream[[]byte] { return batch.Map(s, big) }), length)
		},
	} {
		t.Run(name, func(t *testing.T) {
			next := make(chan struct{}, 1)
			next <- struct{}{}
			source := batch.Tap(batch.Of(lo.Range(records)...), func(batch.Result[int]) { <-next })
			before, n := liveHeap(), 0
			for range stage(source) {
				if n++; n == records && liveHeap() > before+records/4*size {
					t.Errorf("%d MB are in use", (liveHeap()-before)>>20)
				}
				next <- struct{}{}
			}
		})
	}
}
