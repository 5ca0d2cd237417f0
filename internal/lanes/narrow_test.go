package lanes_test

// A narrow pool counts what its consumer has not passed on.

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/samber/lo"
)

func TestANarrowPoolTakesAnItemForEachResultThatItsConsumerPassesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n = 3
		s := newScene(n, do)
		s.Narrow()
		for range 10 {
			s.add(0, 0, 0, 0)
		}
		s.produce()
		var out []result
		for passed := range 10 {
			synctest.Wait()
			taken := lo.CountBy(s.items, func(it *item) bool { return it.Value.lane >= 0 })
			equal(t, "taken", []int{taken}, []int{min(passed+n, 10)})
			for len(out) == 0 {
				out, _ = s.Receive(nil)
			}
			out = out[1:]
			time.Sleep(time.Second)
			s.PassedOn()
		}
		s.consume()
		finishedOnce(t, s)
	})
}

func TestANarrowRoutedPoolTakesAnItemWhenItsConsumerHasPassedEverythingOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newRoutedScene(2, do)
		s.Narrow()
		for i := range 4 {
			s.add(0, 0, 0, 0, 0).Value.to = i % 2
		}
		s.produce()
		synctest.Wait()
		for taken := 1; taken <= 4; taken++ {
			out, _ := s.Receive(nil)
			equal(t, "results", []int{len(out)}, []int{2})
			s.PassedOn()
			synctest.Wait()
			equal(t, "nothing is behind", []bool{s.Empty()}, []bool{true})
			s.PassedOn()
			synctest.Wait()
			equal(t, "nothing is behind", []bool{s.Empty()}, []bool{taken == 4})
		}
		s.consume()
		finishedOnce(t, s)
	})
}

// The pool becomes narrow when the consumer has received a Result, and has passed it on without being counted.
func TestAPoolThatBecomesNarrowGoesOnWhenNothingIsLeftToReceive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(2, do)
		s.push(s.add(0, 0, 0, 0))
		synctest.Wait()
		out, _ := s.Receive(nil)
		equal(t, "received", []int{len(out)}, []int{1})
		s.PassedOn() // does not count
		s.Narrow()
		pushed := false
		go func() {
			s.push(s.add(0, 0, 0, time.Hour))
			pushed = true
		}()
		synctest.Wait()
		equal(t, "pushed", []bool{pushed}, []bool{false}) // a lane is free
		s.Receive(nil)
		synctest.Wait()
		equal(t, "pushed", []bool{pushed}, []bool{true})
		s.Exhaust()
		s.consume()
	})
}
