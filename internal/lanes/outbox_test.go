package lanes

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// When several lanes see the last place at the same moment, only one of them may use it.
func TestTheLastPlaceIsClaimedOnce(t *testing.T) {
	const claimers, rounds = 2, 50_000
	var o outbox[int]
	for range Behind - 1 {
		o.claimAnyway()
	}
	var claimed, arrived atomic.Int32
	var all sync.WaitGroup
	for range claimers {
		all.Go(func() {
			for round := range int32(rounds) {
				for arrived.Add(1); arrived.Load() < claimers*(2*round+1); { // until all have arrived
					runtime.Gosched()
				}
				if o.claim() {
					claimed.Add(1)
				}
				for arrived.Add(1); arrived.Load() < claimers*(2*round+2); { // until all have tried
					runtime.Gosched()
				}
				if claimed.CompareAndSwap(1, 0) {
					o.unclaim()
				} else if claimed.Load() > 1 {
					t.Errorf("%d lanes have the last place", claimed.Load())
					return
				}
			}
		})
	}
	all.Wait()
}

func TestPlacesAreFreeAgainWhenTheirResultsAreReceived(t *testing.T) {
	var o outbox[int]
	for i := range Behind {
		if n := o.free(); n != Behind-i {
			t.Fatalf("%d places are free, not %d", n, Behind-i)
		}
		if !o.claim() {
			t.Fatal("there is a place")
		}
		o.put(0)
	}
	if o.claim() || o.free() != 0 {
		t.Error("there is no place")
	}
	o.claimAnyway()
	if n := o.free(); n != 0 {
		t.Errorf("one more Result than there are places leaves %d", n)
	}
	o.unclaim()
	if n := len(o.swap(nil)); n != Behind || o.places.Load() != 0 {
		t.Errorf("%d were received, %d places are taken", n, o.places.Load())
	}
}

func TestAPlaceThatIsNotUsedGoesToALaneThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pool[int, int, int]
		p.Init(1, Callbacks[int, int]{})
		for range Behind {
			p.out.claim()
		}
		claimed := make(chan bool, 1)
		go func() {
			p.waitForPlace(new(Lane[int, int]))
			claimed <- true
		}()
		synctest.Wait()
		if len(claimed) > 0 {
			t.Fatal("there is no place")
		}
		p.unclaim()
		<-claimed
	})
}
