package lanes_test

import (
	"testing"
	"testing/synctest"

	"github.com/lambdabatch/batch/internal/lanes"
	"github.com/samber/lo"
)

// newIdleScene returns a scene whose lanes do nothing, so that the test calls for them.
func newIdleScene(n int) *scene { return newScene(n, func(*scene, *lane) {}) }

// flood emits Results of no item through the lane until the pool breaks.
func (s *scene) flood(l *lane) {
	go func() {
		for s.handOn(l, nil, result{id: -1}) {
		}
	}()
}

// waiting receives the Results that wait once nothing moves any more, and returns how many they are.
func (s *scene) waiting() int {
	synctest.Wait()
	out, _ := s.Receive(nil)
	return len(out)
}

// A stage may have a goroutine that outlives its lane.
func TestAResultThatComesAfterItsLaneHasClosedIsRefusedAtOnceAndTakesNoPlace(t *testing.T) {
	for _, gate := range []int{0, 1} {
		bubble(t, func(t *testing.T) {
			s := newIdleScene(3)
			defer s.Break()
			s.push(s.add(0, gate, 0, 0))
			s.push(s.add(0, 0, 0, 0))
			closed, open := s.lanes[0], s.lanes[1]
			it, _ := s.Next(closed)
			s.Next(open)
			s.Close(closed, true, lost(s))
			if n := s.waiting(); n != 1 {
				t.Fatalf("%d results of the lost job", n)
			}
			s.flood(open)
			synctest.Wait() // no place is free
			for range 3 {
				if s.emit(closed, it, 0) {
					t.Error("the closed lane may go on")
				}
			}
			for range 2 {
				if n := s.waiting(); n != lanes.Behind {
					t.Errorf("%d results wait for the consumer", n)
				}
			}
		})
	}
}

func TestResultsThatLeaveTheirGateTakePlaces(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(2)
		defer s.Break()
		s.push(s.add(0, 1, 0))
		s.push(s.add(0, 1, 1, 0, 0, 0))
		first, second := s.lanes[0], s.lanes[1]
		s.Next(first)
		it, _ := s.Next(second)
		for part := range 3 {
			s.emit(second, it, part)
		}
		if n := s.waiting(); n != 0 {
			t.Fatalf("%d results left before their turn", n)
		}
		s.push(s.add(0, 0, 0))
		s.Next(first) // finishes the first job
		if n := s.waiting(); n != 3 {
			t.Fatalf("%d results left when it was their turn", n)
		}
		s.flood(first)
		if n := s.waiting(); n != lanes.Behind {
			t.Errorf("%d results wait for the consumer", n)
		}
	})
}

func TestAConsumerThatWaitsIsWokenForAResultThatLeavesItsGate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(2)
		s.push(s.add(0, 1, 0))
		s.push(s.add(0, 1, 1, 0))
		s.Next(s.lanes[0])
		it, _ := s.Next(s.lanes[1])
		s.emit(s.lanes[1], it, 0)
		s.push(s.add(0, 0, 0))
		if n := s.waiting(); n != 0 {
			t.Fatalf("%d results left before their turn", n)
		}
		s.Next(s.lanes[0]) // finishes the first job
		<-s.Changed
	})
}

func TestACopyThatLeavesAfterTheTurnOfItsItemIsHandedOnAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(2)
		s.push(s.add(0, 1, 0, 0))
		s.push(s.add(0, 1, 1, 0))
		it, _ := s.Next(s.lanes[0])
		s.emit(s.lanes[0], it, 0)
		s.Next(s.lanes[0]) // finishes the first job
		s.emit(s.lanes[0], it, 1)
		if n := s.waiting(); n != 2 {
			t.Errorf("%d results left", n)
		}
	})
}

func TestAnItemIsFinishedWhenItsLastResultHasLeftByAnotherWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(2)
		defer s.Break()
		s.push(s.add(1, 0, 0, 0))
		s.push(s.add(0, 0, 0, 0))
		it, _ := s.Next(s.lanes[0])
		s.Next(s.lanes[0])
		s.note(func() { it.Value.left = 0 })
		next := s.add(1, 0, 0, 0)
		go s.TryFinish(it)
		s.push(next) // at the same time
		if got, _ := s.Next(s.lanes[1]); got != next {
			t.Error("the line does not go on")
		}
		s.note(func() {
			if it.Value.finished != 1 {
				t.Errorf("finished %d times", it.Value.finished)
			}
		})
	})
}

// A chunk of a stage may hold hundreds of items. Most leave it in their order, some do not.
func TestHundredsOfItemsThatALaneHoldsFinishInAnyOrder(t *testing.T) {
	for name, order := range map[string]func(n, i int) int{
		"first to last":       func(_, i int) int { return i },
		"last to first":       func(n, i int) int { return n - 1 - i },
		"second before first": func(_, i int) int { return i ^ 1 },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				const n = 300
				s := newIdleScene(1)
				for range n {
					s.push(s.add(0, 0, 0, 0))
					s.Next(s.lanes[0])
				}
				go s.consume()
				for i := range n - 10 {
					s.emit(s.lanes[0], s.items[order(n, i)], 0)
				}
				s.Exhaust()
				s.Next(s.lanes[0]) // returns from the last
				s.Close(s.lanes[0], true, lost(s))
				synctest.Wait()
				hows := s.hows()
				for i := range n {
					j := s.items[order(n, i)].Value
					want := lo.Ternary(i < n-10, ".", "lost.")
					if j.finished != 1 || hows[j.id] != want {
						t.Errorf("job %d finished %d times, its results: %q, want %q", j.id, j.finished, hows[j.id], want)
					}
				}
			})
		})
	}
}
