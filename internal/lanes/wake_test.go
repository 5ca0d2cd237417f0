package lanes_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/internal/lanes"
)

// Only one of three lanes that wait may take the next item of its line. The others must still be called for the items
// after it.
func TestALaneThatIsWokenForItsLineIsNotCalledForOtherItems(t *testing.T) {
	for _, holder := range []int{0, 1, 2} {
		bubble(t, func(t *testing.T) {
			s := newIdleScene(3)
			defer s.Break()
			for i := range 3 {
				line := 0
				if i == holder {
					line = 1
				}
				s.push(s.add(line, 0, 0, 0))
				s.Next(s.lanes[i])
			}
			took := make([]*item, 3)
			for i, l := range s.lanes {
				go func() { took[i], _ = s.Next(l) }()
				synctest.Wait()
			}
			lines := []int{1, 0, 0}
			for _, line := range lines {
				s.push(s.add(line, 0, 0, 0))
				synctest.Wait()
			}
			for i, it := range took {
				if it == nil || (it.Value.line == 1) != (i == holder) {
					t.Errorf("lane %d has taken %v, and lane %d holds the line", i, it, holder)
				}
			}
		})
	}
}

func TestNoLaneStartsForAnItemThatAStartingLaneWillTake(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(3)
		defer s.Break()
		s.push(s.add(0, 0, 0, 0))
		s.Next(s.lanes[0])
		s.push(s.add(0, 0, 0, 0))
		s.Close(s.lanes[0], true, lost(s))
		if len(s.lanes) != 2 {
			t.Errorf("%d lanes have started", len(s.lanes))
		}
	})
}

// Both lanes wait. Hasten makes one of them flush for a long time. Only the other may be called then.
func TestALaneThatWasWokenToFlushIsNotCalledForItems(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(2)
		defer s.Break()
		took := make(chan int)
		for i := range 2 {
			s.push(s.add(0, 0, 0, 0))
			it, _ := s.Next(s.lanes[i])
			if i == 0 {
				s.emit(s.lanes[i], it, 0)
			}
		}
		go func() {
			for it, turn := s.Next(s.lanes[0]); turn == lanes.Work; it, turn = s.Next(s.lanes[0]) {
				s.emit(s.lanes[0], it, 0)
				took <- it.Value.id
			}
		}()
		synctest.Wait()
		go s.Next(s.lanes[1])
		synctest.Wait()
		s.Hasten()
		synctest.Wait()
		s.push(s.add(0, 0, 0, 0))
		synctest.Wait()
		s.push(s.add(0, 0, 0, 0)) // while no lane waits
		equal(t, "took", []int{<-took, <-took}, []int{2, 3})
		synctest.Wait()
		s.push(s.add(0, 0, 0, 0))
		equal(t, "took", []int{<-took}, []int{4})
	})
}

func TestHastenWakesAConsumerThatWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(1)
		s.waiting()
		s.Hasten()
		<-s.Changed
	})
}

func TestALaneThatTakesAnItemAfterHastenIsAskedToFlushAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(1)
		s.push(s.add(0, 0, 0, 0))
		s.Hasten()
		s.Next(s.lanes[0])
		s.Hasten()
		if _, turn := s.Next(s.lanes[0]); turn != lanes.Flush {
			t.Errorf("the lane must %v", turn)
		}
	})
}

// Lane 0 blocks lane 1, which has something to do for an hour. So it is asked to flush, and is not retired.
func TestALaneThatWasAskedToFlushForOthersIsAskedAgainByHasten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newPair(holding(10, false))
		s.add(1, 0, 0, 0)
		s.add(2, 0, 0, time.Hour).Value.to = 1
		s.add(1, 0, 0, 0).Value.to = 1
		s.add(2, 0, 0, 0)
		s.produce()
		go s.consume()
		for want := 1; want <= 2; want++ {
			synctest.Wait()
			s.note(func() {
				if s.flushes != want {
					t.Errorf("%d flushes, want %d", s.flushes, want)
				}
			})
			s.Hasten()
		}
		time.Sleep(2 * time.Hour) // until all has been received
	})
}
