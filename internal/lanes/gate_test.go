package lanes_test

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAResultWithoutAnItemLeavesAtOnceUntilABreak(t *testing.T) {
	bubble(t, func(t *testing.T) {
		foreign := result{id: -1, how: "foreign"}
		s := newScene(1, func(s *scene, l *lane) {
			defer s.Close(l, true, lost(s))
			it, _ := s.Next(l)
			if !s.handOn(l, nil, foreign) || !s.emit(l, it, 0) {
				t.Error("the lane must go on")
			}
			time.Sleep(time.Second)
			if s.handOn(l, nil, foreign) {
				t.Error("the lane goes on after the break")
			}
		})
		s.add(1, 1, 0, 0)
		s.produce()
		synctest.Wait()
		out, _ := s.Receive(nil)
		s.take(out)
		equal(t, "received", s.ids(), []int{-1, 0})
		s.Break()
		time.Sleep(time.Minute)
		if out, over := s.Receive(nil); len(out) > 0 || !over {
			t.Errorf("received %v after the break, over is %v", out, over)
		}
	})
}

func TestResultsOfAGateLeaveByRankWhicheverIsFinishedFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(4, do)
		s.add(0, 1, 2, 2*time.Second)
		s.add(0, 1, 0, 3*time.Second)
		s.add(0, 1, 1, time.Second, time.Second)
		s.add(0, 2, 9, time.Second)
		s.produce()
		s.consume()
		equal(t, "received", s.ids(), []int{3, 1, 2, 2, 0})
		if s.out[0].at != time.Second || s.out[4].at != 3*time.Second {
			t.Fatalf("received %v", s.out)
		}
	})
}

func TestTheFirstResultInAGateDoesNotWaitForLaterResultsOfItsItem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(2, do)
		s.add(0, 1, 0, time.Second, time.Second)
		s.add(0, 1, 1, 500*time.Millisecond)
		s.produce()
		s.consume()
		equal(t, "received", s.ids(), []int{0, 0, 1})
		equal(t, "at", []time.Duration{s.out[0].at, s.out[1].at}, []time.Duration{time.Second, 2 * time.Second})
	})
}

func TestAnItemThatComesLateOvertakesThoseOfAHigherRank(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(3, do)
		s.add(0, 1, 5, 10*time.Second)
		s.add(0, 1, 6, time.Second)
		s.add(0, 1, 1, 20*time.Second)
		go s.consume()
		s.push(s.items[0])
		s.push(s.items[1])
		time.Sleep(5 * time.Second)
		s.push(s.items[2])
		s.Exhaust()
		time.Sleep(time.Minute)
		synctest.Wait()
		equal(t, "received", s.ids(), []int{2, 0, 1})
	})
}

func TestItemsLostAtTheEndLeaveTheirGateInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, func(s *scene, l *lane) {
			s.Next(l)
			s.Next(l)
			time.Sleep(time.Second)
			s.Close(l, true, lost(s))
		})
		for i := range 4 {
			s.add(i%2, 1, 3-i, 0)
		}
		s.produce()
		s.consume()
		equal(t, "received", s.ids(), []int{3, 2, 1, 0})
	})
}

func TestAGateHoldsWhileFinishedItemsFreeTheirPlaces(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(3, do)
		var want []int
		for i := range 1000 {
			s.add(0, 1, i, time.Duration(i%7)*time.Second)
			want = append(want, i)
		}
		s.produce()
		s.consume()
		equal(t, "received", s.ids(), want)
	})
}

func TestACopyThatLeavesLateDoesNotOvertakeItsOwnItem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(2, func(s *scene, l *lane) {
			defer s.Close(l, true, lost(s))
			it, _ := s.Next(l)
			time.Sleep(it.Value.takes[0])
			s.emit(l, it, 0)
			s.Next(l) // finishes the item
			if it.Value.id == 1 {
				s.emit(l, it, 1)
			}
		})
		s.add(0, 1, 0, 2*time.Second)
		s.add(0, 1, 1, time.Second)
		s.produce()
		s.consume()
		equal(t, "received", s.ids(), []int{0, 1, 1})
	})
}
