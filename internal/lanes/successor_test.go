package lanes_test

import (
	"maps"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/internal/lanes"
)

// Lane 0 lets go of two items when it is retired. The first one leaves the line to items for lane 1 and lane 0.
func TestTheSuccessorOfALaneThatEndsEarlyWaitsForItsLastItem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newPair(holding(10, false))
		s.add(1, 0, 0, 0)
		s.add(2, 0, 0, 5*time.Second)
		s.add(1, 0, 0, 0).Value.to = 1
		s.add(1, 0, 0, 0)
		s.produce()
		s.consume()
		equal(t, "received", s.ids(), []int{0, 2, 1, 3})
		equal(t, "given", s.given(), []time.Duration{0, 0, 0, 5 * time.Second})
		if started := s.started(); started[0] != 2 || started[1] != 1 {
			t.Errorf("started lanes: %v", started)
		}
	})
}

// Lane 0 is retired. The next item of the line is for lane 1, which works on it for an hour, and then there is one for lane 0.
func TestTheSuccessorOfALaneThatEndsEarlyStartsWithItsFirstItem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var starts []time.Duration
		s := newPair(func(s *scene, l *lane) {
			s.note(func() { starts = append(starts, s.now()) })
			holding(10, false)(s, l)
		})
		s.add(1, 0, 0, 0)
		s.add(1, 0, 0, time.Hour).Value.to = 1
		s.add(1, 0, 0, 0)
		s.produce()
		s.consume()
		equal(t, "starts", starts, []time.Duration{0, time.Hour})
	})
}

// Most of the items wait for the lane, which ends.
func TestTheProducerHasRoomAgainWhenTheItemsOfALaneAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newPair(func(s *scene, l *lane) {
			defer s.Close(l, true, lost(s))
			s.Next(l)
			time.Sleep(time.Second)
		})
		s.add(0, 0, 0, 0)
		for range lanes.RoutedAhead + 10 {
			s.add(0, 0, 0, 0)
		}
		s.produce()
		time.Sleep(time.Minute)
		synctest.Wait()
		equal(t, "exhausted", []bool{s.Exhausted()}, []bool{true})
		s.consume()
	})
}

// firstHolding lets the first lane hold its items until it is retired, and the others do theirs at once.
func firstHolding(s *scene, l *lane) {
	if l.Owner == 0 {
		holding(10, false)(s, l)
	} else {
		do(s, l)
	}
}

// The lane lets go of its last item for five seconds. Then its successor works on the first item for seven. Two more arrive
// for the successor, before and after the lane has ended.
func TestALaneThatEndsEarlyHasOneSuccessor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newPair(firstHolding)
		for line := 1; line <= 3; line++ {
			s.add(line, 0, 0, 0)
		}
		s.add(4, 0, 0, 5*time.Second)
		for line, takes := range []time.Duration{0, time.Second, 10 * time.Second} {
			s.add(line+1, 0, 0, takes).Value.to = 1
		}
		s.add(1, 0, 0, 7*time.Second)
		s.add(2, 0, 0, 0)
		s.add(3, 0, 0, 0)
		s.produce()
		s.consume()
		equal(t, "given", s.given()[7:], []time.Duration{5 * time.Second, 12 * time.Second, 12 * time.Second})
		if n := s.started()[0]; n != 2 {
			t.Errorf("%d lanes started", n)
		}
	})
}

// The lane retires, and the pool is given up or broken off before it lets go of its last item.
func TestALaneThatEndsEarlyHasNoSuccessorOnceThePoolHasStopped(t *testing.T) {
	for name, stop := range map[string]func(*scene){
		"given up": func(s *scene) { s.GiveUp(false) },
		"broken":   func(s *scene) { s.Break() },
	} {
		bubble(t, func(t *testing.T) {
			s := newPair(firstHolding)
			s.add(1, 0, 0, 0)
			s.add(2, 0, 0, 5*time.Second)
			s.add(1, 0, 0, 0).Value.to = 1
			s.add(1, 0, 0, 0)
			s.produce()
			go func() {
				time.Sleep(time.Second)
				stop(s)
			}()
			s.consume()
			if n := s.started()[0]; n != 1 {
				t.Errorf("%s: %d lanes started", name, n)
			}
		})
	}
}

// The lane lets go of its first item, which lets the last one wait for a successor, and a second later it ends without having
// let go of the other one.
func TestALaneThatRetiresAndDropsAnItemHasASuccessorUnlessItCrashes(t *testing.T) {
	for _, returned := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			s := newPair(func(s *scene, l *lane) {
				if l.Owner != 0 {
					do(s, l)
					return
				}
				defer s.Close(l, returned, lost(s))
				for _, turn := s.Next(l); turn != lanes.End; {
					_, turn = s.Next(l)
				}
				s.emit(l, s.items[0], 0)
				time.Sleep(time.Second)
			})
			s.add(1, 0, 0, 0)
			s.add(2, 0, 0, 0)
			s.add(1, 0, 0, 0).Value.to = 1
			s.add(1, 0, 0, 0)
			s.produce()
			s.consume()
			hows, started := s.hows(), s.started()[0]
			if last := hows[3]; hows[1] != "lost." || returned && (last != "." || started != 2) || !returned && (last != "refused." || started != 1) {
				t.Errorf("returned %v: %v, %d lanes started", returned, hows, started)
			}
		})
	}
}

func TestItemsAreRefusedAlsoWhenEveryRoutedLaneHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newRoutedScene(1, func(s *scene, l *lane) { s.Close(l, true, lost(s)) })
		for range 2 {
			if !s.push(s.add(0, 0, 0, 0)) {
				t.Error("a push was refused")
			}
			synctest.Wait()
		}
		s.Exhaust()
		s.consume()
		hows := s.hows()
		equal(t, "how", []string{hows[0], hows[1]}, []string{"refused.", "refused."})
	})
}

func TestNoLaneStartsOnceThePoolIsGivenUp(t *testing.T) {
	idle := func(*scene, *lane) {}
	for to, s := range []*scene{newScene(2, idle), newRoutedScene(2, idle)} {
		s.push(s.add(1, 0, 0, 0))
		s.add(1, 0, 0, 0).Value.to = to // in the routed pool for a lane that has not started
		s.push(s.items[1])
		s.Next(s.lanes[0])
		s.GiveUp(true) // makes the second item ready
		if len(s.lanes) != 1 || !s.Over() {
			t.Errorf("%d lanes have started, over: %v", len(s.lanes), s.Over())
		}
	}
}

func TestItemsOfARoutedLaneThatEndsWithThePoolAreUntakenNotRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newRoutedScene(1, func(*scene, *lane) {})
		for range 2 {
			s.push(s.add(0, 0, 0, 0))
		}
		s.Next(s.lanes[0])
		s.GiveUp(false)
		s.Close(s.lanes[0], true, lost(s))
		s.Exhaust()
		s.consume()
		hows := s.hows()
		equal(t, "how", []string{hows[0], hows[1]}, []string{"lost.", "untaken."})
	})
}

// Each lane collects items, and the only item that waits for each is the last of the other.
func TestLanesThatWaitForEachOtherFlush(t *testing.T) {
	for _, obedient := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			s := newRoutedScene(2, holding(100, obedient))
			for i, line := range []int{1, 2, 2, 1} {
				s.add(line, 0, 0, 0).Value.to = i % 2
			}
			s.produce()
			s.consume()
			equal(t, "received", slices.Sorted(slices.Values(s.ids())), []int{0, 1, 2, 3})
			equal(t, "how", slices.Collect(maps.Values(s.hows())), []string{".", ".", ".", "."})
		})
	}
}

// Lane 0 gets its second item, and lets go of both, once lane 1 has worked on the item for which it was just woken.
func TestALaneIsNotRetiredWhileAnotherHasAnItem(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // so that the lane that was woken first runs last
	bubble(t, func(t *testing.T) {
		s := newPair(holding(2, false))
		for i, line := range []int{0, 1, 1, 2, 2} {
			s.add(line, 0, 0, 0).Value.to = []int{1, 0, 1, 1, 0}[i]
		}
		for _, it := range s.items[:3] {
			s.push(it)
		}
		synctest.Wait()
		s.push(s.items[3])
		s.push(s.items[4])
		s.Exhaust()
		s.consume()
		if n := s.started()[0]; n != 1 {
			t.Errorf("%d lanes started", n)
		}
	})
}
