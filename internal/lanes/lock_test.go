package lanes_test

import (
	"testing"
	"testing/synctest"

	"github.com/lambdabatch/batch/internal/lanes"
)

// Items with neither a line nor a gate need the lock of the pool only to wait. A lane that closes holds it here.
func TestWhileALaneClosesNobodyElseIsHeldUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(2)
		defer s.Break()
		for i := range 2 {
			s.push(s.add(0, 0, 0, 0))
			s.Next(s.lanes[i])
		}
		closing, other := s.lanes[0], s.lanes[1]
		go func() { // has waited for a place before
			for range lanes.Behind + 1 {
				s.handOn(other, nil, result{id: -1})
			}
		}()
		if before := s.waiting() + s.waiting(); before != lanes.Behind+1 {
			t.Fatalf("%d results", before)
		}
		free := make(chan struct{})
		go s.Close(closing, true, func(*job) (result, bool) {
			<-free
			return result{}, false
		})
		synctest.Wait()
		s.push(s.add(0, 0, 0, 0))
		it, _ := s.Next(other)
		s.emit(other, it, 0)
		s.TryFinish(it)
		if out, _ := s.Receive(nil); len(out) != 1 {
			t.Errorf("received %v", out)
		}
		close(free)
		synctest.Wait()
	})
}
