package batchtest

import (
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/matryer/is"
	"pgregory.net/rapid"
)

// A smaller batch is looked for among more than a thousand, of which few are different.
func TestABatchThatBreaksNoLawIsTriedOnceInTheSearchForASmallerOne(t *testing.T) {
	is := is.New(t)
	t.Chdir(t.TempDir()) // where rapid stores the batches that fail
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
