package lanes_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/internal/lanes"
)

func TestItemsOfALineRunInSequenceAndOtherItemsMeanwhile(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(4, do)
		for _, line := range []int{1, 1, 2, 0, 1} {
			s.add(line, 0, 0, time.Second)
		}
		s.produce()
		s.consume()
		equal(t, "given", s.given(), []time.Duration{0, time.Second, 0, 0, 2 * time.Second})
	})
}

// hoard is a lane that collects two jobs before it emits their results, like a bulk write of two.
func hoard(s *scene, l *lane) {
	defer s.Close(l, true, lost(s))
	var held []*item
	letGo := func() {
		for _, it := range held {
			s.emit(l, it, 0)
		}
		held = nil
	}
	for {
		it, turn := s.Next(l)
		switch turn {
		case lanes.Work:
			if held = append(held, it); len(held) == 2 {
				letGo()
			}
		case lanes.Flush:
			s.flushes++
			letGo()
		case lanes.End:
			letGo()
			return
		}
	}
}

func TestALaneThatLooksAheadGetsMoreOfItsOwnLines(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, hoard)
		for range 4 {
			s.add(1, 0, 0, 0)
		}
		go s.consume()
		s.push(s.items[0])
		synctest.Wait()
		s.push(s.items[1]) // while the lane waits for it
		synctest.Wait()
		equal(t, "received", s.ids(), []int{0, 1})
		s.push(s.items[2])
		s.push(s.items[3]) // before the lane asks
		synctest.Wait()
		equal(t, "received", s.ids(), []int{0, 1, 2, 3})
		s.Exhaust()
	})
}

func TestAnItemIsFinishedOnceItsLaneAsksForMoreAndItsLastResultLeaves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, hoard)
		s.add(0, 0, 0, 0)
		s.add(0, 0, 0, 0)
		go s.consume()
		for i, want := range []int{0, 1} {
			s.push(s.items[i])
			synctest.Wait()
			if got := s.items[0].Value.finished; got != want {
				t.Errorf("finished %d times, want %d", got, want)
			}
		}
		s.Exhaust()
	})
}

func TestALineWaitsForAFunctionThatContinuesAfterItsLastResult(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(2, func(s *scene, l *lane) {
			defer s.Close(l, true, lost(s))
			for it, turn := s.Next(l); turn == lanes.Work; it, turn = s.Next(l) {
				s.emit(l, it, 0)
				time.Sleep(time.Second)
			}
		})
		s.add(1, 0, 0, 0)
		s.add(1, 0, 0, 0)
		s.produce()
		s.consume()
		if given := s.items[1].Value.given; given != time.Second {
			t.Fatalf("given at %v", given)
		}
	})
}

func TestALaneThatHoldsNothingIsNotAskedToFlush(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, do)
		s.add(0, 0, 0, time.Second)
		s.Hasten()
		go s.consume()
		s.push(s.items[0])
		time.Sleep(2 * time.Second) // the lane waits now
		synctest.Wait()
		if s.flushes != 0 {
			t.Errorf("%d flushes", s.flushes)
		}
		s.Exhaust()
	})
}

func TestAHastenedLaneIsAskedToFlushOnceBeforeItWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, hoard)
		for range 4 {
			s.add(0, 0, 0, 0)
		}
		go s.consume()
		s.push(s.items[0])
		synctest.Wait()
		if s.flushes != 0 || len(s.out) != 0 || s.Hasty() {
			t.Fatalf("%d flushes, %v received before Hasten", s.flushes, s.ids())
		}
		s.Hasten()
		synctest.Wait()
		if s.flushes != 1 || !s.Hasty() {
			t.Fatalf("%d flushes", s.flushes)
		}
		s.Hasten() // nothing is held
		synctest.Wait()
		equal(t, "flushes, received", []int{s.flushes, len(s.out)}, []int{1, 1})
		s.push(s.items[1])
		synctest.Wait()
		equal(t, "flushes, received", []int{s.flushes, len(s.out)}, []int{2, 2})
		s.Exhaust()
	})
}

func TestALaneThatFlushesNothingIsNotAskedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, func(s *scene, l *lane) {
			defer s.Close(l, true, lost(s))
			for _, turn := s.Next(l); turn != lanes.End; _, turn = s.Next(l) {
				if turn == lanes.Flush {
					s.flushes++
				}
			}
		})
		s.add(0, 0, 0, 0)
		s.add(0, 0, 0, 0)
		s.Hasten()
		go s.consume()
		for i, it := range s.items {
			s.push(it)
			synctest.Wait()
			s.Hasten()
			synctest.Wait()
			if s.flushes != i+1 {
				t.Fatalf("%d flushes after %d jobs", s.flushes, i+1)
			}
		}
		s.Exhaust()
		synctest.Wait()
		equal(t, "received", s.ids(), []int{0, 1}) // lost
	})
}

func TestALaneTakesTheEarliestOfTheItemsThatItMayTake(t *testing.T) {
	for _, line := range [][]int{{1, 1, 0, 2, 0, 1, 2}, {1, 0, 2, 2, 1, 1, 0}} {
		for _, gate := range []int{0, 1} {
			bubble(t, func(t *testing.T) {
				s := newIdleScene(1)
				for i := range line {
					s.push(s.add(line[i], gate, i, 0))
				}
				var took []int
				for range line {
					it, _ := s.Next(s.lanes[0]) // which keeps the items of before
					took = append(took, it.Value.id)
				}
				equal(t, "took", took, []int{0, 1, 2, 3, 4, 5, 6})
			})
		}
	}
}

func TestItemsThatNoLaneHasTakenAreDrainedInTheOrderInWhichTheyWerePushed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(1)
		for i, line := range []int{1, 0, 1, 1, 0, 1} {
			s.push(s.add(line, i%2, i, 0))
		}
		s.Next(s.lanes[0])
		s.Close(s.lanes[0], true, lost(s))
		s.Exhaust()
		s.consume()
		equal(t, "received", s.ids(), []int{0, 1, 2, 3, 4, 5})
		equal(t, "how", []string{s.hows()[0], s.hows()[5]}, []string{"lost.", "untaken."})
	})
}

func TestAnItemThatNoLaneHasTakenMayGetNoResult(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(1)
		s.push(s.add(0, 0, 0, 0))
		s.Close(s.lanes[0], true, lost(s))
		s.Exhaust()
		s.Drain(func(*job) (result, bool) { return result{}, false })
		equal(t, "results, finished", []int{s.waiting(), s.items[0].Value.finished}, []int{0, 1})
	})
}

// A stage may have a goroutine that outlives its lane.
func TestALaneThatHasClosedGetsNoMoreItems(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(2)
		for range 2 {
			s.push(s.add(0, 0, 0, 0))
		}
		closed := s.lanes[0]
		s.Next(closed)
		s.Close(closed, true, lost(s))
		if it, turn := s.Next(closed); turn != lanes.End {
			t.Errorf("it takes job %d", it.Value.id)
		}
	})
}

func TestUnfinishedItemsAreLostWhenTheirLaneCloses(t *testing.T) {
	for _, tell := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			s := newScene(1, func(s *scene, l *lane) {
				it, _ := s.Next(l)
				s.emit(l, it, 0)
				s.Next(l)
				time.Sleep(time.Second) // until all have been pushed
				s.Close(l, true, func(j *job) (result, bool) { return result{id: j.id, how: "lost"}, tell })
			})
			for range 3 {
				s.add(1, 0, 0, 0)
			}
			s.add(2, 0, 0, 0)
			s.produce()
			s.consume()
			want := map[bool][]int{true: {0, 1, 2, 3}, false: {0, 2, 3}}[tell]
			equal(t, "received", s.ids(), want)
			hows := s.hows()
			equal(t, "how the jobs that no lane took ended", []string{hows[2], hows[3]}, []string{"untaken.", "untaken."})
			finishedOnce(t, s)
		})
	}
}
