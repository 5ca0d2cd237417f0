package lanes_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/internal/lanes"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

// newRoutedScene returns a scene with a routed pool.
func newRoutedScene(n int, work func(*scene, *lane)) *scene {
	s := newScene(0, work)
	callbacks := s.Callbacks
	s.pool = pool{}
	s.InitRouted(n, callbacks)
	return s
}

// newPair returns a routed scene of two lanes. The first one does what first says.
func newPair(first func(*scene, *lane)) *scene {
	return newRoutedScene(2, func(s *scene, l *lane) {
		if l.Number == 0 {
			first(s, l)
		} else {
			do(s, l)
		}
	})
}

// holding is a lane that collects jobs until it has most of them, and then works on them all. If it is not obedient,
// it ignores a flush.
func holding(most int, obedient bool) func(*scene, *lane) {
	return func(s *scene, l *lane) {
		defer s.Close(l, true, lost(s))
		var held []*item
		let := func() {
			for _, it := range held {
				for part, takes := range it.Value.takes {
					time.Sleep(takes)
					s.emit(l, it, part)
				}
			}
			held = nil
		}
		for {
			it, turn := s.Next(l)
			switch turn {
			case lanes.Work:
				if held = append(held, it); len(held) >= most {
					let()
				}
			case lanes.Flush:
				s.note(func() { s.flushes++ })
				if obedient {
					let()
				}
			case lanes.End:
				let()
				return
			}
		}
	}
}

// started returns how many lanes have started per number.
func (s *scene) started() map[int]int {
	return lo.CountValuesBy(s.lanes, func(l *lane) int { return l.Number })
}

func TestEachLaneGetsItsOwnItems(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newRoutedScene(3, do)
		for i := range 9 {
			s.add(0, 0, 0, time.Second)
			s.items[i].Value.to = i % 2 * 2
		}
		s.produce()
		s.consume()
		for _, it := range s.items {
			if got := s.lanes[it.Value.lane].Number; got != it.Value.to {
				t.Errorf("job %d for lane %d ran in lane %d", it.Value.id, it.Value.to, got)
			}
		}
		if got := s.started(); len(got) != 2 || got[0] != 1 || got[2] != 1 {
			t.Errorf("lanes started: %v", got)
		}
		if took := s.now(); took != 5*time.Second {
			t.Errorf("five jobs and four, side by side, took %v", took)
		}
	})
}

func TestABusyLaneKeepsNoOtherWaiting(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newRoutedScene(2, do)
		for range 10 * lanes.Ahead {
			s.add(0, 0, 0, time.Hour)
		}
		s.add(0, 0, 0, time.Second).Value.to = 1
		s.produce()
		go func() {
			time.Sleep(2 * time.Second)
			s.note(func() {
				if s.items[len(s.items)-1].Value.finished != 1 {
					t.Error("the item of the other lane waits")
				}
			})
		}()
		s.consume()
	})
}

func TestTheProducerIsAheadOfRoutedLanesByNoMoreThanRoutedAhead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newRoutedScene(2, do)
		var pushed atomic.Int32
		go func() {
			defer s.Exhaust()
			for range 2 * lanes.RoutedAhead {
				if !s.push(s.add(0, 0, 0, time.Second)) {
					return
				}
				if pushed.Add(1) == 1 {
					time.Sleep(time.Millisecond) // until the lane has taken it
				}
			}
		}()
		go func() {
			time.Sleep(2 * time.Millisecond)
			synctest.Wait()
			if pushed.Load() != lanes.RoutedAhead { // one item is in the lane, and the last push waits
				t.Errorf("%d items were pushed", pushed.Load())
			}
		}()
		s.consume()
		if len(s.out) != 2*lanes.RoutedAhead {
			t.Errorf("%d results", len(s.out))
		}
	})
}

// The jobs of one line alternate between two lanes. A lane that collects several must not wait for the jobs after the
// one that it holds.
func TestALaneFlushesItemsThatOthersWaitFor(t *testing.T) {
	for _, obedient := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			s := newRoutedScene(2, holding(100, obedient))
			for i := range 6 {
				s.add(1, 0, 0, time.Second)
				s.items[i].Value.to = i % 2
			}
			s.produce()
			s.consume()
			equal(t, "received", s.ids(), []int{0, 1, 2, 3, 4, 5})
			want := map[bool]int{true: 1, false: 3}[obedient]
			if got := s.started(); got[0] != want || got[1] > want {
				t.Errorf("obedient %v: lanes started: %v", obedient, got)
			}
		})
	}
}

func TestALaneThatPanicsWhileItEndsEarlyHasNoSuccessor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newPair(func(s *scene, l *lane) {
			for _, turn := s.Next(l); turn != lanes.End; _, turn = s.Next(l) {
			}
			s.Close(l, false, lost(s))
		})
		for i := range 4 {
			s.add(1, 0, 0, time.Second)
			s.items[i].Value.to = i % 2
		}
		s.produce()
		s.consume()
		equal(t, "received", s.ids(), []int{0, 1, 2, 3})
		hows := s.hows()
		equal(t, "how the jobs ended", []string{hows[0], hows[1], hows[2], hows[3]}, []string{"lost.", ".", "refused.", "."})
		if n := s.started()[0]; n != 1 {
			t.Errorf("%d lanes started", n)
		}
	})
}

func TestALaneThatEndsEarlyGetsNoMoreItems(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newPair(func(s *scene, l *lane) {
			it, _ := s.Next(l)
			for turn := lanes.Flush; turn != lanes.End; _, turn = s.Next(l) {
			}
			s.emit(l, it, 0)
			time.Sleep(time.Minute) // by now the next item of the lane is ready
			if _, turn := s.Next(l); turn != lanes.End {
				t.Errorf("the lane must %v", turn)
			}
			s.Close(l, true, lost(s))
		})
		for i := range 3 {
			s.add(1, 0, 0, time.Second)
			s.items[i].Value.to = i % 2
		}
		s.produce()
		s.consume()
		equal(t, "received", s.ids(), []int{0, 1, 2})
	})
}

func TestALaneKeepsItemsThatOthersWaitForWhileMoreMayArrive(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newRoutedScene(2, holding(3, true))
		for i := range 4 {
			s.add(min(i%3, 1), 0, 0, time.Second).Value.to = 0
			s.items[i].Value.line = i + 1
		}
		s.items[1].Value.line, s.items[1].Value.to = 1, 1
		go func() {
			defer s.Exhaust()
			for _, it := range s.items {
				s.push(it)
				time.Sleep(time.Minute)
			}
		}()
		s.consume()
		equal(t, "received", s.ids(), []int{0, 2, 3, 1})
		if s.flushes > 0 {
			t.Errorf("%d flushes", s.flushes)
		}
	})
}

func TestTheItemsOfALaneThatHasEndedAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newPair(func(s *scene, l *lane) {
			it, _ := s.Next(l)
			s.emit(l, it, 0)
			s.Next(l)
			time.Sleep(time.Second) // until all but the last one have been pushed
			s.Close(l, true, lost(s))
		})
		for i, to := range []int{0, 0, 1, 0, 0, 1, 0} {
			s.add(i%2, 1, i, 0).Value.to = to
		}
		go func() {
			defer s.Exhaust()
			for i, it := range s.items {
				if i == 6 {
					time.Sleep(time.Minute)
				}
				s.push(it)
			}
		}()
		s.consume()
		equal(t, "received", s.ids(), []int{0, 1, 2, 3, 4, 5, 6}) // in the order of their gate
		hows := s.hows()
		for id, want := range map[int]string{0: ".", 1: "lost.", 2: ".", 3: "refused.", 4: "refused.", 5: ".", 6: "refused."} {
			if hows[id] != want || s.items[id].Value.finished != 1 {
				t.Errorf("job %d: %s, finished %d times", id, hows[id], s.items[id].Value.finished)
			}
		}
	})
}

func TestALineContinuesAfterARefusedItem(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newPair(func(s *scene, l *lane) {
			it, _ := s.Next(l)
			time.Sleep(time.Second) // until all have been pushed
			s.emit(l, it, 0)
			s.Close(l, true, lost(s))
		})
		s.add(0, 0, 0, 0)
		for _, to := range []int{0, 0, 1, 0, 1} {
			s.add(1, 0, 0, 0).Value.to = to
		}
		s.produce()
		s.consume()
		equal(t, "received", s.ids(), []int{0, 1, 2, 3, 4, 5})
		hows := s.hows()
		equal(t, "how the jobs of the line ended", []string{hows[1], hows[2], hows[3], hows[4], hows[5]}, []string{"refused.", "refused.", ".", "refused.", "."})
	})
}

func TestNarrowRoutedLanesGetOneItemAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newRoutedScene(2, do)
		s.Narrow()
		for i := range 6 {
			s.add(0, 0, 0, time.Second).Value.to = i % 2
		}
		s.produce()
		s.consume()
		if took := s.now(); took != 6*time.Second {
			t.Errorf("six jobs, one at a time, took %v", took)
		}
	})
}

func TestNarrowLanesGetMoreWhenOneOfThemHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newPair(func(s *scene, l *lane) {
			it, _ := s.Next(l)
			time.Sleep(time.Second) // by now the producer waits
			s.emit(l, it, 0)
			s.Close(l, true, lost(s))
		})
		s.Narrow()
		for i := range 4 {
			s.add(0, 0, 0, 0).Value.to = i % 2
		}
		s.produce()
		s.consume()
		equal(t, "received", s.ids(), []int{0, 1, 2, 3})
		equal(t, "how the job that no lane took ended", []string{s.hows()[2]}, []string{"refused."})
	})
}

// Whatever lanes hold, and whatever waits for it, each item leaves once and in order.
func TestEveryItemComesOutOnceWhicheverLaneItIsFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			n := rapid.IntRange(1, 4).Draw(t, "lanes")
			shared, _ := drawn(t)
			most := rapid.SliceOfN(rapid.IntRange(1, 4), n, n).Draw(t, "hold")
			obedient := rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "obedient")
			s := newRoutedScene(n, func(s *scene, l *lane) { holding(most[l.Number], obedient[l.Number])(s, l) })
			s.items = shared.items
			for _, it := range s.items {
				it.Value.to = rapid.IntRange(0, n-1).Draw(t, "to")
			}
			narrow := rapid.Bool().Draw(t, "narrow")
			if narrow {
				s.Narrow()
			}
			if rapid.IntRange(0, 3).Draw(t, "hasty") == 0 {
				time.AfterFunc(3*time.Second, s.Hasten)
			}
			s.produce()
			s.consume()
			s.eachOnce(t)
			s.gatesKeepOrder(t)
			s.linesLeaveInOrder(t)
			for number, times := range s.started() {
				if obedient[number] && times > 1 {
					t.Fatalf("lane %d started %d times", number, times)
				}
			}
		})
	})
}

// linesLeaveInOrder checks that the results of a line are made in the order of its items.
func (s *scene) linesLeaveInOrder(t *rapid.T) {
	all := slices.Clone(s.out)
	slices.SortStableFunc(all, func(a, b received) int { return int(a.made - b.made) })
	last := make(map[int]received)
	for _, r := range all {
		j := &s.items[r.id].Value
		if before, ok := last[j.line]; j.line != 0 && ok && before.id > r.id && before.made < r.made {
			t.Fatalf("job %d is done at %v, after job %d of its line at %v", r.id, r.made, before.id, before.made)
		}
		last[j.line] = r
	}
}
