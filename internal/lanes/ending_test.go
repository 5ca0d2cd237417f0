package lanes_test

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/samber/lo"
)

// stuck is a lane whose function hangs on jobs of an hour until free is closed.
func stuck(free <-chan struct{}) func(*scene, *lane) {
	return func(s *scene, l *lane) {
		defer s.Close(l, true, lost(s))
		for it, turn := s.Next(l); turn == 0; it, turn = s.Next(l) {
			if it.Value.takes[0] == time.Hour {
				<-free
			}
			if !s.emit(l, it, 0) {
				return
			}
		}
	}
}

func TestABreakEndsLanesAndProducer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(3, do)
		pushed := s.pushing(0)
		time.Sleep(1500 * time.Millisecond)
		s.Break()
		synctest.Wait()
		at := pushed.Load()
		if s.Over() || !s.Exhausted() || !s.Stopped() {
			t.Fatal("the lanes still work, but the producer must have ended")
		}
		time.Sleep(time.Second) // by now the lanes have ended, and the jobs that they worked on are lost
		synctest.Wait()
		out, _ := s.Receive(nil)
		s.take(out)
		count := lo.CountValues(slices.Collect(maps.Values(s.hows())))
		if len(out) != 6 || count["."] != 3 || count["lost."] != 3 || pushed.Load() != at {
			t.Errorf("received %v, %d pushed", out, pushed.Load()-at)
		}
		if _, over := s.Receive(nil); !over || !s.Over() {
			t.Fatal("the pool still waits")
		}
	})
}

func TestGivingUpPassesOnHangingItemsWithoutWaiting(t *testing.T) {
	for _, all := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			free := make(chan struct{})
			s := newScene(2, stuck(free))
			for _, takes := range []time.Duration{time.Hour, 0, time.Hour, 0} {
				s.add(0, 1, len(s.items), takes)
			}
			s.produce()
			go func() {
				synctest.Wait()
				s.ReleaseExpired(func(*job) bool { return true })
				s.GiveUp(all)
			}()
			s.consume()
			equal(t, "received", s.ids(), []int{0, 1, 2, 3})
			hows := s.hows()
			equal(t, "how", []string{hows[0], hows[1], hows[2], hows[3]}, []string{"abandoned.", ".", "abandoned.", "untaken."})
			equal(t, "lanes shut", s.shut, []int{0, 1})
			close(free)
			synctest.Wait()
			if out, _ := s.Receive(nil); len(out) > 0 {
				t.Fatalf("a lane that was given up emits %v", out)
			}
			finishedOnce(t, s)
		})
	}
}

func TestAnIdleLaneEndsByItselfUnlessAllLanesAreGivenUp(t *testing.T) {
	for _, all := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			s := newScene(1, func(s *scene, l *lane) {
				it, _ := s.Next(l)
				s.Next(l) // the lane still holds the first item
				s.emit(l, it, 0)
				s.Close(l, true, lost(s))
			})
			s.add(0, 0, 0, 0)
			s.push(s.items[0])
			synctest.Wait()
			s.ReleaseExpired(func(*job) bool { return true })
			s.GiveUp(all)
			s.consume()
			want := map[bool]string{false: ".", true: "abandoned."}[all]
			equal(t, "how", []string{s.hows()[0]}, []string{want})
			s.Exhaust()
			synctest.Wait()
		})
	}
}

func TestALaneThatHasTakenAnItemSinceReleaseExpiredEndsByItselfUnlessAllLanesAreGivenUp(t *testing.T) {
	for _, all := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			s := newScene(2, do)
			for _, takes := range []time.Duration{time.Hour, 10 * time.Second, 10 * time.Second, 10 * time.Second} {
				s.add(0, 0, 0, takes)
			}
			s.produce()
			go func() {
				time.Sleep(5 * time.Second)
				s.ReleaseExpired(func(*job) bool { return true })
				time.Sleep(10 * time.Second)
				s.GiveUp(all)
			}()
			s.consume()
			hows := s.hows()
			want := map[bool][]string{false: {"abandoned.", ".", ".", "untaken."}, true: {"abandoned.", ".", "abandoned.", "untaken."}}[all]
			equal(t, "how", []string{hows[0], hows[1], hows[2], hows[3]}, want)
			time.Sleep(time.Hour) // until the lanes have ended
		})
	}
}

func TestGivingUpReleasesLanesThatWaitForTheConsumer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(2, do)
		for range 200 {
			s.add(0, 0, 0, 0)
		}
		s.produce()
		synctest.Wait()
		s.ReleaseExpired(func(*job) bool { return true })
		s.GiveUp(false)
		synctest.Wait()
		s.consume()
		hows := s.hows()
		count := lo.CountValues(slices.Collect(maps.Values(hows)))
		if len(s.out) != len(hows) || count["abandoned."] != 2 {
			t.Fatalf("received %v", count)
		}
	})
}

func TestAPoolWhoseProducerIsGivenUpIsOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		free := make(chan struct{})
		s := newScene(1, do)
		go func() {
			defer s.Exhaust()
			<-free
		}()
		synctest.Wait()
		if s.Over() {
			t.Fatal("over before its producer")
		}
		s.GiveUp(false)
		<-s.Changed
		if !s.Over() {
			t.Fatal("not over")
		}
		close(free)
	})
}

func TestANudgeWakesAConsumerThatWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, do)
		s.Nudge()
		if len(s.Changed) > 0 {
			t.Error("the consumer does not wait")
		}
		if out, over := s.Receive(nil); len(out) > 0 || over {
			t.Fatalf("received %v, over %v", out, over)
		}
		s.Nudge()
		<-s.Changed
		s.Nudge()
		if len(s.Changed) > 0 {
			t.Error("the consumer does not wait any more")
		}
		s.Exhaust()
	})
}

func TestALaneThatIsGivenUpTwiceIsAbandonedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		free := make(chan struct{})
		s := newScene(2, stuck(free))
		s.add(0, 0, 0, time.Hour)
		s.add(0, 0, 0, time.Hour)
		s.produce()
		synctest.Wait()
		s.ReleaseExpired(func(*job) bool { return true })
		s.GiveUp(false)
		s.GiveUp(true)
		s.GiveUp(true)
		if !s.Over() {
			t.Fatal("the pool still waits")
		}
		s.consume()
		equal(t, "received", slices.Sorted(slices.Values(s.ids())), []int{0, 1})
		equal(t, "lanes shut", s.shut, []int{0, 1})
		close(free)
		synctest.Wait()
		if !s.Over() { // a lane that ends later was counted when it was given up
			t.Fatal("the pool waits again")
		}
	})
}

func TestALaneThatHangsBeforeItAsksForAnItemIsGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(1)
		s.push(s.add(0, 0, 0, 0))
		s.ReleaseExpired(func(*job) bool { return true })
		s.GiveUp(false)
		if !s.Over() {
			t.Error("the pool still waits")
		}
		equal(t, "lanes shut", s.shut, []int{0})
	})
}

// A stage may have another goroutine ask for the next item while it works.
func TestALaneThatHangsOnAnItemFromBeforeIsGivenUpAlthoughItHasTakenAnother(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newIdleScene(1)
		s.push(s.add(0, 0, 0, 0))
		s.push(s.add(0, 0, 0, 0))
		s.Next(s.lanes[0])
		s.ReleaseExpired(func(*job) bool { return true })
		s.Next(s.lanes[0])
		s.GiveUp(false)
		s.consume()
		hows := s.hows()
		equal(t, "how", []string{hows[0], hows[1]}, []string{"abandoned.", "abandoned."})
	})
}

// The lane drops its first job and keeps the second one. Of both, nothing has been emitted.
func TestALaneThatEndsIsShutBeforeItsItemsAreFinished(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, func(s *scene, l *lane) {
			s.Next(l)
			s.Next(l)
			s.Close(l, true, func(*job) (result, bool) { return result{}, false })
		})
		s.add(0, 0, 0, 0)
		s.add(0, 0, 0, 0)
		var unfinished []int
		s.Shut = func(owner any, items []*item) {
			s.shut = append(s.shut, owner.(int))
			for _, it := range items {
				unfinished = append(unfinished, it.Value.id)
			}
		}
		s.produce()
		s.consume()
		equal(t, "lanes shut", s.shut, []int{0})
		equal(t, "unfinished", unfinished, []int{0, 1})
		finishedOnce(t, s)
	})
}
