package lanes_test

import (
	"testing"
	"testing/synctest"

	"github.com/lambdabatch/batch/internal/lanes"
)

func TestAnUrgedLaneIsAskedToFlushUntilThePoolIsCalm(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(1)
		defer s.Break()
		turns := make(chan lanes.Turn)
		next := func() {
			s.push(s.add(0, 0, 0, 0))
			s.Next(s.lanes[0])
			go func() {
				_, turn := s.Next(s.lanes[0])
				turns <- turn
			}()
			synctest.Wait()
		}
		next()
		s.Urge() // wakes it
		equal(t, "turn", []lanes.Turn{<-turns}, []lanes.Turn{lanes.Flush})
		equal(t, "hasty", []bool{s.Hasty()}, []bool{true})
		next()
		equal(t, "turn", []lanes.Turn{<-turns}, []lanes.Turn{lanes.Flush})
		s.Calm()
		equal(t, "hasty", []bool{s.Hasty()}, []bool{false})
		next()
		select {
		case turn := <-turns:
			t.Errorf("the lane must %v", turn)
		default:
		}
		s.Hasten()
		equal(t, "turn", []lanes.Turn{<-turns}, []lanes.Turn{lanes.Flush})
		s.Calm() // does not take back Hasten
		equal(t, "hasty", []bool{s.Hasty()}, []bool{true})
	})
}

func TestUrgeWakesAConsumerThatWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(1)
		s.waiting()
		s.Urge()
		<-s.Changed
	})
}

// A lane that has flushed need not do so again if it is urged once more.
func TestALaneThatHasFlushedIsNotAskedAgainByTheNextUrge(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(1)
		defer s.Break()
		s.push(s.add(0, 0, 0, 0))
		s.Next(s.lanes[0])
		s.Urge()
		if _, turn := s.Next(s.lanes[0]); turn != lanes.Flush {
			t.Fatalf("the lane must %v", turn)
		}
		s.Urge()
		waits := true
		go func() {
			s.Next(s.lanes[0])
			waits = false
		}()
		synctest.Wait()
		equal(t, "waits", []bool{waits}, []bool{true})
	})
}

// A lane that has flushed and gets something more to hold is asked again, also while it waits.
func TestALaneIsAskedToFlushAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(1)
		defer s.Break()
		s.push(s.add(0, 0, 0, 0))
		s.Next(s.lanes[0])
		turns := make(chan lanes.Turn, 1)
		next := func() {
			_, turn := s.Next(s.lanes[0])
			turns <- turn
		}
		go next()
		synctest.Wait()
		s.FlushAgain(s.lanes[0]) // nothing urges it to flush
		synctest.Wait()
		equal(t, "turns", []int{len(turns)}, []int{0})
		s.Urge()
		equal(t, "turn", []lanes.Turn{<-turns}, []lanes.Turn{lanes.Flush})
		go next()
		synctest.Wait()
		equal(t, "turns", []int{len(turns)}, []int{0})
		s.FlushAgain(s.lanes[0])
		equal(t, "turn", []lanes.Turn{<-turns}, []lanes.Turn{lanes.Flush})
	})
}
