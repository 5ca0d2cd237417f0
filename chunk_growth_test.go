//go:build !race

package batch_test

// How what chunks cost grows with their number. Not with the race detector, since most of the work would be its own.

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Each record is alone in a chunk when time runs short, and the last one is still in a lane.
func TestTheCostOfChunksThatAreWrittenInTimeIsLinearInTheirNumber(t *testing.T) {
	sideBySide := func(n int) {
		synctest.Test(t, func(t *testing.T) {
			var w writes
			_, err := runFor(t, 10, n, 0, func(_ slow, s texts) texts {
				s = inLanes(s, 1, func(_ context.Context, v string) error {
					if indexOf(v) == n-1 {
						time.Sleep(9900 * time.Millisecond)
					}
					return nil
				})
				return sideBySide(s, func(index int) int { return index }, func(int) <-chan struct{} { return nil }, w.write)
			})
			if err != nil || w.all != n-1 {
				t.Errorf("%d of %d were written, error %v", w.all, n, err)
			}
		})
	}
	if times := growth(100, 90, sideBySide); times > 90 {
		t.Errorf("16 times as many are %.0f times the work", times)
	}
}
