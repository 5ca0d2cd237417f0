package lanes_test

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/internal/lanes"
)

// pushing pushes items until Push refuses, and counts them.
func (s *scene) pushing(line int) (pushed *atomic.Int64) {
	pushed = new(atomic.Int64)
	go func() {
		defer s.Exhaust()
		for s.push(&item{Value: job{id: int(pushed.Load()), line: line, left: 1, takes: []time.Duration{time.Second}}}) {
			pushed.Add(1)
		}
	}()
	return pushed
}

func TestLanesRunAheadOfTheConsumerByAtMostBehindPlusOneItemPerLane(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n = 3
		s := newScene(n, do)
		for range 1000 {
			s.add(0, 0, 0, 0)
		}
		s.produce()
		for range 3 {
			synctest.Wait()
			out, _ := s.Receive(nil)
			if len(out) < lanes.Behind || len(out) > lanes.Behind+n {
				t.Fatalf("%d results wait for the consumer", len(out))
			}
			s.take(out)
		}
		s.consume()
		if len(s.out) != 1000 {
			t.Fatalf("%d received", len(s.out))
		}
	})
}

func TestTheProducerIsAheadOfTheLanesByNoMoreThanAhead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(2, do)
		pushed := s.pushing(0)
		synctest.Wait()
		if int(pushed.Load()) < lanes.Ahead-1 || int(pushed.Load()) > 2+lanes.Ahead-1 { // the last push waits
			t.Fatalf("%d pushed", int(pushed.Load()))
		}
		s.Break()
		s.consume()
	})
}

func TestItemsWaitingInALineDoNotHoldBackTheProducer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(2, do)
		for range 10 * lanes.Ahead {
			s.add(1, 0, 0, time.Second)
		}
		s.produce()
		synctest.Wait()
		if !s.Exhausted() {
			t.Fatal("the producer waits")
		}
		s.consume()
	})
}

func TestTheProducerOfANarrowPoolWaitsForAFreeLane(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(2, do)
		s.Narrow()
		pushed := s.pushing(0)
		go s.consume()
		for second := range 5 {
			synctest.Wait()
			if want := 2*(second+1) - 1; int(pushed.Load()) != want { // the last push waits
				t.Fatalf("%d pushed after %d seconds, want %d", int(pushed.Load()), second, want)
			}
			time.Sleep(time.Second)
		}
		s.Break()
		time.Sleep(time.Minute)
	})
}

func TestReleaseExpiredTakesExpiredItemsOutOfTheirLine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(4, do)
		for range 4 {
			s.add(1, 0, 0, time.Hour)
		}
		go s.consume()
		for _, it := range s.items[:3] {
			s.push(it)
		}
		time.Sleep(time.Second)
		s.ReleaseExpired(func(*job) bool { return true })
		time.Sleep(time.Second)
		s.push(s.items[3])
		s.Exhaust()
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		equal(t, "given", s.given(), []time.Duration{0, time.Second, time.Second, 2 * time.Second})
	})
}

func TestAProducerDoesNotWaitForRoomAfterReleaseExpired(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, do)
		for range 3 * lanes.Ahead {
			s.add(0, 0, 0, time.Second)
		}
		s.produce()
		synctest.Wait()
		if s.Exhausted() {
			t.Fatal("the producer does not wait")
		}
		s.ReleaseExpired(func(*job) bool { return false })
		synctest.Wait()
		if !s.Exhausted() {
			t.Fatal("the producer waits")
		}
		s.consume()
	})
}

func TestAnItemThatHasNotExpiredStaysInItsLine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(4, do)
		s.add(1, 0, 0, time.Second)
		s.add(1, 0, 0, time.Second)
		s.produce()
		synctest.Wait()
		s.ReleaseExpired(func(*job) bool { return false })
		s.consume()
		if given := s.items[1].Value.given; given != time.Second {
			t.Fatalf("given at %v", given)
		}
	})
}

func TestAnItemThatIsPushedLaterEntersItsLineUnlessItHasExpired(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(4, do)
		for range 3 {
			s.add(1, 0, 0, time.Second)
		}
		s.push(s.items[0])
		s.ReleaseExpired(func(j *job) bool { return j.id == 2 })
		s.push(s.items[1])
		s.push(s.items[2])
		s.Exhaust()
		s.consume()
		equal(t, "given", s.given(), []time.Duration{0, time.Second, 0})
	})
}

func TestAProducerStopsWhenAllLanesHaveEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(2, func(s *scene, l *lane) {
			s.Next(l)
			s.Close(l, true, lost(s))
		})
		s.pushing(0) // on and on
		s.consume()
		if !s.Stopped() || len(s.lanes) != 2 {
			t.Fatalf("%d lanes", len(s.lanes))
		}
	})
}

func TestNoMoreLanesStartThanThereAreItems(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(4, do)
		s.add(0, 0, 0, time.Second)
		s.push(s.items[0])
		s.Exhaust()
		s.consume()
		if len(s.lanes) != 1 {
			t.Fatalf("%d lanes", len(s.lanes))
		}
	})
}

// A called lane finds its item taken when it wakes, and is asked to flush. Meanwhile new items must not wait for it
// to call another lane.
func TestNewItemsWakeOtherLanesWhileACalledLaneFlushes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // so that the called lane wakes late
	bubble(t, func(t *testing.T) {
		free := make(chan struct{})
		var flushes atomic.Int32
		var took [5]atomic.Bool
		s := newScene(3, func(s *scene, l *lane) {
			if l.Owner == 0 {
				return // the test is this lane
			}
			defer s.Close(l, true, lost(s))
			for it, turn := s.Next(l); turn != lanes.End; it, turn = s.Next(l) {
				if turn == lanes.Work {
					took[it.Value.id].Store(true) // and keeps it
					if it.Value.id < 3 {
						time.Sleep(time.Second)
					}
				} else if flushes.Add(1) == 2 {
					<-free
				}
			}
		})
		for range 5 {
			s.add(0, 0, 0, 0)
		}
		s.push(s.items[0])
		busy := s.lanes[0]
		s.Next(busy)
		s.push(s.items[1])
		s.push(s.items[2])
		time.Sleep(2 * time.Second) // both lanes hold an item and wait
		s.push(s.items[3])          // calls one of them
		s.Hasten()                  // wakes the other one
		s.Next(busy)                // takes the item that the first one was called for
		synctest.Wait()
		s.push(s.items[4])
		synctest.Wait()
		if flushes.Load() < 2 || !took[4].Load() {
			t.Errorf("%d flushes: a lane waits, and so does an item", flushes.Load())
		}
		close(free)
		s.Exhaust()
		s.GiveUp(true)
	})
}

func TestTheProducerOfANarrowPoolDoesNotWaitForLanesToStart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n = lanes.Ahead // the half of which does not count in a narrow pool
		s := newIdleScene(n)
		defer s.Break()
		s.Narrow()
		go func() {
			for s.push(s.add(0, 1, 0, 0)) {
			}
		}()
		synctest.Wait()
		equal(t, "lanes, items", []int{len(s.lanes), len(s.items)}, []int{n, n})
		s.Next(s.lanes[0])
		s.Next(s.lanes[0]) // and one lane more has nothing to do
		synctest.Wait()
		equal(t, "lanes, items", []int{len(s.lanes), len(s.items)}, []int{n, n + 1})
	})
}

func TestTheProducerGoesOnWhenHalfOfItsItemsAreTaken(t *testing.T) {
	for _, gates := range [][]int{{0}, {1}, {1, 0}} { // of the items, the last for all others
		bubble(t, func(t *testing.T) {
			s := newIdleScene(1)
			defer s.Break()
			go func() {
				for i := 0; s.push(s.add(0, gates[min(i, len(gates)-1)], 0, 0)); i++ {
				}
			}()
			take := func(n int) {
				for range n {
					s.Next(s.lanes[0])
				}
				synctest.Wait()
			}
			synctest.Wait()
			take(lanes.Ahead/2 - 1)
			if len(s.items) != lanes.Ahead {
				t.Errorf("%d items were pushed before half of them were taken", len(s.items))
			}
			take(1)
			if len(s.items) != lanes.Ahead+lanes.Ahead/2 {
				t.Errorf("%d items were pushed", len(s.items))
			}
		})
	}
}

func TestAnotherLaneStartsIfTheFirstOneEndsBeforeItAsksForAnItem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(2, func(s *scene, l *lane) {
			if l.Owner == 0 {
				s.Close(l, false, lost(s))
			} else {
				do(s, l)
			}
		})
		s.push(s.add(0, 0, 0, 0))
		synctest.Wait()
		s.Exhaust()
		s.consume()
		equal(t, "how", []string{s.hows()[0]}, []string{"."})
	})
}

// A stage may have a goroutine that asks for an item while its lane ends.
func TestALaneThatEndsWhileItIsCalledLeavesTheItemToAnother(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // so that the called lane wakes late
	for late := false; !late; {
		bubble(t, func(t *testing.T) {
			s := newIdleScene(2)
			took := [2]chan *item{make(chan *item, 1), make(chan *item, 1)}
			for i := range 2 {
				s.push(s.add(0, 0, 0, 0))
				s.Next(s.lanes[i])
			}
			for i, l := range s.lanes {
				go func() {
					it, _ := s.Next(l)
					took[i] <- it
				}()
				synctest.Wait()
			}
			last := s.add(0, 0, 0, 0)
			s.push(last) // calls the second lane, which has waited for a shorter time
			s.Close(s.lanes[1], true, lost(s))
			s.note(func() { late = last.Value.lane != 1 }) // or it has taken the item before it was closed
			if !late {
				s.Exhaust()
			}
			if other, ended := <-took[0], <-took[1]; late && (ended != nil || other != last) {
				t.Error("the lane that has ended took an item")
			}
		})
	}
}
