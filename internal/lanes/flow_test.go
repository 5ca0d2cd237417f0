package lanes_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/internal/lanes"
)

// pushing pushes on until no more are wanted, and counts.
func (s *scene) pushing(line int) (pushed *int) {
	pushed = new(int)
	go func() {
		defer s.Exhaust()
		for s.push(&item{Value: job{id: *pushed, line: line, left: 1, takes: []time.Duration{time.Second}}}) {
			*pushed++
		}
	}()
	return pushed
}

func TestLanesRunAheadOfTheConsumerByNoMoreThanBehindAndOneALane(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n = 3
		s := newScene(n, do)
		for range 1000 {
			s.add(0, 0, 0, 0)
		}
		s.produce()
		for range 3 {
			synctest.Wait()
			out, _ := s.Receive(nil)
			if len(out) < lanes.Behind || len(out) > lanes.Behind+n {
				t.Fatalf("%d results wait for the consumer", len(out))
			}
			s.take(out)
		}
		s.consume()
		if len(s.out) != 1000 {
			t.Fatalf("%d received", len(s.out))
		}
	})
}

func TestTheProducerIsAheadOfTheLanesByNoMoreThanAhead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(2, do)
		pushed := s.pushing(0)
		synctest.Wait()
		if *pushed < lanes.Ahead-1 || *pushed > 2+lanes.Ahead-1 { // the last push waits
			t.Fatalf("%d pushed", *pushed)
		}
		s.Break()
		s.consume()
	})
}

func TestWhatWaitsInItsLineDoesNotHoldTheProducerBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(2, do)
		for range 10 * lanes.Ahead {
			s.add(1, 0, 0, time.Second)
		}
		s.produce()
		synctest.Wait()
		if !s.Exhausted() {
			t.Fatal("the producer waits")
		}
		s.consume()
	})
}

func TestANarrowPoolHasTheProducerWaitForAFreeLane(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(2, do)
		s.Narrow()
		pushed := s.pushing(0)
		go s.consume()
		for second := range 5 {
			synctest.Wait()
			if want := 2*(second+1) - 1; *pushed != want { // the last push waits
				t.Fatalf("%d pushed after %d seconds, want %d", *pushed, second, want)
			}
			time.Sleep(time.Second)
		}
		s.Break()
		time.Sleep(time.Minute)
	})
}

func TestHurryTakesWhatHasExpiredOutOfItsLine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(4, do)
		for range 4 {
			s.add(1, 0, 0, time.Hour)
		}
		go s.consume()
		for _, it := range s.items[:3] {
			s.push(it)
		}
		time.Sleep(time.Second)
		s.Hurry(func(*job) bool { return true })
		s.push(s.items[3])
		s.Exhaust()
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		var given []time.Duration
		for _, it := range s.items {
			given = append(given, it.Value.given)
		}
		equal(t, "given", given, []time.Duration{0, time.Second, time.Second, time.Second})
	})
}

func TestAHurriedProducerGoesAsFarAheadAsItLikes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, do)
		for range 3 * lanes.Ahead {
			s.add(0, 0, 0, time.Second)
		}
		s.produce()
		synctest.Wait()
		if s.Exhausted() {
			t.Fatal("the producer does not wait")
		}
		s.Hurry(func(*job) bool { return false })
		synctest.Wait()
		if !s.Exhausted() {
			t.Fatal("the producer waits")
		}
		s.consume()
	})
}

func TestWhatHasNotExpiredStaysInItsLine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(4, do)
		s.add(1, 0, 0, time.Second)
		s.add(1, 0, 0, time.Second)
		s.produce()
		synctest.Wait()
		s.Hurry(func(*job) bool { return false })
		s.consume()
		if given := s.items[1].Value.given; given != time.Second {
			t.Fatalf("given at %v", given)
		}
	})
}
