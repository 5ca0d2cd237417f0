package lanes_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/internal/lanes"
)

// carrying is a pair of lanes. The one that takes job 0 hands its Result to the other, which emits it before its own,
// as soon as free is closed. emitted says whether the pool took them. No lane ends before over is closed.
func carrying(free, over <-chan struct{}, emitted *[]bool) func(*scene, *lane) {
	carried := make(chan *item)
	return func(s *scene, l *lane) {
		defer s.Close(l, true, lost(s))
		for it, turn := s.Next(l); turn == lanes.Work; it, turn = s.Next(l) {
			if it.Value.id == 0 {
				carried <- it
				continue
			}
			other := <-carried
			<-free
			*emitted = append(*emitted, s.emit(l, other, 0), s.emit(l, it, 0))
		}
		<-over
	}
}

// newCarryingScene is a scene of such lanes and their two jobs, which have this gate.
func newCarryingScene(gate int) (s *scene, free, over chan struct{}, emitted *[]bool) {
	free, over, emitted = make(chan struct{}), make(chan struct{}), new([]bool)
	s = newScene(2, carrying(free, over, emitted))
	s.add(0, gate, 0, 0)
	s.add(0, gate, 1, 0)
	s.produce()
	return s, free, over, emitted
}

func TestAResultMayLeaveThroughAnotherLane(t *testing.T) {
	for _, gate := range []int{0, 1} {
		bubble(t, func(t *testing.T) {
			s, free, over, emitted := newCarryingScene(gate)
			close(free)
			synctest.Wait()
			close(over)
			s.consume()
			equal(t, "received", s.ids(), []int{0, 1})
			equal(t, "emitted", *emitted, []bool{true, true})
			finishedOnce(t, s)
		})
	}
}

func TestAResultThatIsInAnotherLaneWhenItsOwnEndsIsLostAndLeavesLater(t *testing.T) {
	for _, gate := range []int{0, 1} {
		bubble(t, func(t *testing.T) {
			s, free, over, emitted := newCarryingScene(gate)
			close(over)
			synctest.Wait()
			close(free)
			s.consume()
			equal(t, "received", s.ids(), []int{0, 0, 1})
			equal(t, "job 0", []string{s.hows()[0]}, []string{"lost.."})
			equal(t, "emitted", *emitted, []bool{true, true})
			finishedOnce(t, s)
		})
	}
}

func TestALaneThatWasGivenUpEmitsNothingOfOtherLanesEither(t *testing.T) {
	for _, gate := range []int{0, 1} {
		bubble(t, func(t *testing.T) {
			s, free, over, emitted := newCarryingScene(gate)
			synctest.Wait()
			s.GiveUp(true)
			s.consume()
			equal(t, "received", slices.Sorted(slices.Values(s.ids())), []int{0, 1})
			close(free)
			synctest.Wait()
			if out, _ := s.Receive(nil); len(out) > 0 {
				t.Errorf("it emits %v", out)
			}
			equal(t, "emitted", *emitted, []bool{false, false})
			close(over)
		})
	}
}

func TestAResultOfNoItemIsHandedOnAndTakesAPlace(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n = 3 * lanes.Behind
		s := newScene(1, func(s *scene, l *lane) {
			defer s.Close(l, true, lost(s))
			it, _ := s.Next(l)
			for range n {
				if !s.handOn(l, nil, result{id: -1}) {
					t.Error("the lane may not go on")
				}
			}
			s.emit(l, it, 0)
			s.Next(l)
		})
		s.add(0, 0, 0, 0)
		s.produce()
		synctest.Wait()
		out, _ := s.Receive(nil)
		if len(out) != lanes.Behind {
			t.Fatalf("%d results wait for the consumer", len(out))
		}
		s.take(out)
		s.consume()
		if len(s.out) != n+1 || s.out[n].id != 0 {
			t.Fatalf("received %d", len(s.out))
		}
	})
}

// The lane of job 0 hands its Result to the other and ends without one. The other lane emits it before or after its own.
func TestAResultThatComesAfterLaterOnesOfItsGateIsNotTaken(t *testing.T) {
	for _, late := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			carried := make(chan *item, 1)
			var taken, more bool
			s := newScene(2, func(s *scene, l *lane) {
				defer s.Close(l, true, func(*job) (result, bool) { return result{}, false })
				it, _ := s.Next(l)
				if it.Value.id == 0 {
					carried <- it
					return
				}
				other := <-carried
				time.Sleep(time.Second) // the other lane has ended
				if late {
					s.emit(l, it, 0)
				}
				taken, more = s.Emit(l, other, result{id: 0})
				s.emit(l, it, 1)
			})
			s.add(0, 1, 0, 0)
			s.add(0, 1, 1, 0)
			s.produce()
			s.consume()
			equal(t, "taken", []bool{taken, more}, []bool{!late, true})
			equal(t, "received", s.ids(), map[bool][]int{false: {0, 1}, true: {1, 1}}[late])
			finishedOnce(t, s)
		})
	}
}
