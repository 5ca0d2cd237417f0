package lanes_test

import (
	"testing"
	"testing/synctest"

	"github.com/lambdabatch/batch/internal/lanes"
)

// Lane 0 holds the first item of a line, the next one is for lane 1, which works on another one, and the last for lane 0.
func TestALaneThatIsRetiredEndsForEachGoroutineThatWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newRoutedScene(2, func(*scene, *lane) {})
		defer s.Break()
		for i, line := range []int{1, 0, 1, 1} {
			s.add(line, 0, 0, 0).Value.to = []int{0, 1, 1, 0}[i]
			s.push(s.items[i])
		}
		s.Exhaust()
		s.Next(s.lanes[0])
		s.Next(s.lanes[1])
		ended := make(chan struct{}, 2)
		for range 2 {
			go func() {
				for _, turn := s.Next(s.lanes[0]); turn != lanes.End; _, turn = s.Next(s.lanes[0]) {
				}
				ended <- struct{}{}
			}()
		}
		synctest.Wait()
		s.emit(s.lanes[1], s.items[1], 0)
		go s.Next(s.lanes[1]) // waits for lane 0
		<-ended
		<-ended
	})
}
