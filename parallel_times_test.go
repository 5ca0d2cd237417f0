package batch_test

// Exactly when lanes are given up. The contexts end at 6 s, and the reserve is 4 s, so the patience is 1 s.

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// The lanes inside are given up an eighth of the patience earlier. Nothing else hangs then.
func TestLanesInLanesAreGivenUpEarlierThanThoseAround(t *testing.T) {
	for depth, want := range []time.Duration{7000 * time.Millisecond, 6875 * time.Millisecond, 6765625 * time.Microsecond} {
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			start := time.Now()
			ctx, reserve := deadline(t)
			stage := batch.Each(stuckOn(t, "0"))
			for range depth {
				inner := stage
				stage = func(s texts) texts { return batch.Parallel(s, 1, inner) }
			}
			_, failures := batch.Partition(batch.Parallel(grouped(ctx, make([]string, 1), reserve), 1, stage))
			is.Equal(time.Since(start), want)
			is.Equal(len(failures), 1)
		})
	}
}

// A stage after the lanes is busy for so long that the patience is over.
func TestLanesGetAnEighthOfThePatienceIfTheirConsumerComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		ctx, reserve := deadline(t)
		s := inLanes(grouped(ctx, make([]string, 2), reserve), 2, stuckOn(t, "1"))
		_, failures := batch.Partition(batch.TryEach(s, taking(9*time.Second)))
		is.Equal(time.Since(start), 9125*time.Millisecond)
		is.Equal(len(failures), 1)
	})
}

// The lane takes the second record after its context has ended, and a Tap hangs there. So only the end of all patience ends
// it. Lanes before these have passed on everything by then.
func TestLanesAreGivenUpLaterTheMoreLanesAreBeforeThem(t *testing.T) {
	for _, test := range []struct {
		before      int
		sourceHangs bool
		want        time.Duration
	}{
		{0, false, 7500 * time.Millisecond},
		{1, false, 7750 * time.Millisecond},
		{2, false, 7875 * time.Millisecond},
		{3, false, 7875 * time.Millisecond},
		{0, true, 7625 * time.Millisecond},
	} {
		t.Run(fmt.Sprint(test.before, " before, source hangs: ", test.sourceHangs), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				ctx, reserve := deadline(t)
				start, hang := time.Now(), stuckOn(t, "1")
				var s texts = func(yield func(batch.Result[string]) bool) {
					grouped(ctx, make([]string, 2), reserve)(yield)
					if test.sourceHangs {
						_ = hang(ctx, "1")
					}
				}
				for range test.before {
					s = batch.Parallel(s, 1, identity)
				}
				_, failures := batch.Partition(batch.Parallel(s, 1, func(s texts) texts {
					return batch.Tap(batch.TryEach(s, taking(6200*time.Millisecond)), func(r batch.Result[string]) {
						_ = hang(ctx, strconv.Itoa(r.Record().Index))
					})
				}))
				is.Equal(time.Since(start), test.want)
				is.Equal(failedIDs(failures), []string{"r1"})
			})
		})
	}
}

// The source hangs, so nobody knows whether there will be more records. Lanes before these may still pass some on.
func TestLanesWhoseSourceHangsAreGivenUpHalfAPatienceLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		ctx, reserve := deadline(t)
		hang := stuckOn(t, "0")
		source := func(yield func(batch.Result[string]) bool) {
			grouped(ctx, make([]string, 1), reserve)(yield)
			_ = hang(context.Background(), "0")
		}
		_, failures := batch.Partition(inLanes(source, 1, hang))
		is.Equal(time.Since(start), 7500*time.Millisecond)
		is.Equal(len(failures), 1)
	})
}
