package batch

import (
	"sync"
	"testing"
)

// One goroutine of the lane waits for the pool. The other one pushes an item into lanes within the lane, and waits for them until
// they let it go on. Then they wait.
func TestALaneWorksWhileWhatMovesInItPassesFromOneGoroutineToAnother(t *testing.T) {
	in := &inlet{innerRest: func() {}}
	b := &border{around: []*inlet{in}}
	one, none := func() int { return 1 }, func() int { return 0 }
	b.noteGoroutines(one)
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 100_000 {
			b.noteBusy(true)
			b.noteGoroutines(none)
			b.noteGoroutines(one)
			b.noteBusy(false)
		}
	})
	for range 100_000 {
		if !in.works(1) {
			t.Fatal("nothing moves")
		}
	}
	wg.Wait()
	if in.works(2) {
		t.Error("both goroutines wait for the pool")
	}
}
