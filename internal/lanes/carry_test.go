package lanes_test

import (
	"slices"
	"testing"
	"testing/synctest"

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

// The lane of job 1 has ended. The Result of job 2 has gone through the gate in some way. Copies of jobs whose lanes have not
// ended may come late.
func TestAResultThatComesAfterLaterOnesOfItsGateIsNotTaken(t *testing.T) {
	none := func(*job) (result, bool) { return result{}, false }
	for name, send := range map[string]func(s *scene, finish func()){
		"emitted": func(s *scene, finish func()) {
			finish()
			s.emit(s.lanes[2], s.items[2], 0)
		},
		"held back at first": func(s *scene, finish func()) {
			s.emit(s.lanes[2], s.items[2], 0)
			finish()
		},
		"lost": func(s *scene, finish func()) {
			finish()
			s.Close(s.lanes[2], true, lost(s))
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newIdleScene(4)
				defer s.Break()
				for rank := range 4 {
					s.push(s.add(0, 1, rank, 0, 0))
				}
				for _, l := range s.lanes {
					s.Next(l)
				}
				emit := func(id int) []bool {
					taken, more := s.Emit(s.lanes[3], s.items[id], result{id: id})
					return []bool{taken, more}
				}
				s.emit(s.lanes[0], s.items[0], 0)
				s.emit(s.lanes[0], s.items[0], 1)
				s.Close(s.lanes[1], true, none)
				send(s, func() {
					go s.Next(s.lanes[0]) // so job 0 is finished
					synctest.Wait()
				})
				equal(t, "a copy of job 0", emit(0), []bool{true, true})
				for range 2 * lanes.Behind { // it takes no place either
					equal(t, "job 1", emit(1), []bool{false, true})
				}
				equal(t, "job 3", emit(3), []bool{true, true})
			})
		})
	}
}

// The lane of job 0 has ended, but no later Result of its gate has gone, or it has none.
func TestAResultThatIsInAnotherLaneWhenItsOwnEndsMayLeaveInItsTurn(t *testing.T) {
	for _, gate := range []int{0, 1} {
		bubble(t, func(t *testing.T) {
			s := newIdleScene(2)
			defer s.Break()
			for rank := range 2 {
				s.push(s.add(rank+1, gate, rank, 0))
				s.Next(s.lanes[rank])
			}
			s.Close(s.lanes[0], true, func(*job) (result, bool) { return result{}, false })
			for id := range 2 {
				taken, more := s.Emit(s.lanes[1], s.items[id], result{id: id})
				equal(t, "taken", []bool{taken, more}, []bool{true, true})
			}
		})
	}
}
