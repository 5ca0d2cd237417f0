package lanes

import (
	"sync"
	"sync/atomic"
	"testing"
)

// filled returns a list of n items.
func filled(n int) *unordered[int, int] {
	u := new(unordered[int, int])
	u.init()
	for range n {
		u.push(new(Item[int, int]))
	}
	return u
}

func TestTakersThatMeetEachFindAnItem(t *testing.T) {
	const takers, each = 4, 50_000
	u := filled(takers * each)
	var all sync.WaitGroup
	for range takers {
		all.Go(func() {
			for i := range each {
				if u.take() == nil {
					t.Errorf("a taker finds nothing after %d items", i)
					return
				}
			}
		})
	}
	all.Wait()
	if u.take() != nil || u.first() != nil || u.len() != 0 {
		t.Error("an item is left")
	}
}

func TestTheFirstItemIsSeenWhileOthersAreTaken(t *testing.T) {
	const takers, each = 3, 50_000
	u := filled(takers*each + 1)
	var all sync.WaitGroup
	var done atomic.Int32
	for range takers {
		all.Go(func() {
			for range each {
				u.take()
			}
			done.Add(1)
		})
	}
	for done.Load() < takers {
		if u.first() == nil {
			t.Error("there is an item")
			break
		}
	}
	all.Wait()
}
