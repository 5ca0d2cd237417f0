package lanes_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/internal/lanes"
	"pgregory.net/rapid"
)

// newRoutedScene is a scene in which each lane has jobs of its own.
func newRoutedScene(n int, work func(*scene, *lane)) *scene {
	s := newScene(0, work)
	callbacks := s.Callbacks
	s.pool = pool{}
	s.InitRouted(n, callbacks)
	return s
}

// newPair is a scene of two lanes, the first of which works as it likes.
func newPair(first func(*scene, *lane)) *scene {
	return newRoutedScene(2, func(s *scene, l *lane) {
		if l.Number == 0 {
			first(s, l)
		} else {
			do(s, l)
		}
	})
}

// holding is a lane that keeps so many jobs before it works on them. It keeps them when it is told to let go, unless it is
// obedient.
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

// started is how many lanes have started for each number.
func (s *scene) started() map[int]int {
	all := make(map[int]int)
	for _, l := range s.lanes {
		all[l.Number]++
	}
	return all
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
				t.Errorf("job %d for lane %d has come to lane %d", it.Value.id, it.Value.to, got)
			}
		}
		if got := s.started(); len(got) != 2 || got[0] != 1 || got[2] != 1 {
			t.Errorf("lanes have started: %v", got)
		}
		if took := s.now(); took != 5*time.Second {
			t.Errorf("five jobs and four, side by side, have taken %v", took)
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

func TestTheProducerIsNotAheadOfLanesWithItemsOfTheirOwnByMoreThanFar(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newRoutedScene(2, do)
		var pushed atomic.Int32
		go func() {
			defer s.Exhaust()
			for range 2 * lanes.RoutedAhead {
				if !s.push(s.add(0, 0, 0, time.Second)) {
					return
				}
				pushed.Add(1)
			}
		}()
		go func() {
			synctest.Wait()
			if pushed.Load() != lanes.RoutedAhead { // one of them is in the lane, and the last push waits
				t.Errorf("%d items have been pushed", pushed.Load())
			}
		}()
		s.consume()
		if len(s.out) != 2*lanes.RoutedAhead {
			t.Errorf("%d results", len(s.out))
		}
	})
}

// The jobs of one line go to lanes by turns. A lane that wants more of them at once must not wait for those after the one
// that it has.
func TestALaneLetsGoOfWhatOthersWaitFor(t *testing.T) {
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
				t.Errorf("obedient %v: lanes have started: %v", obedient, got)
			}
		})
	}
}

// A lane that is ended for the sake of others and crashes on its way out has no successor.
func TestALaneThatCrashesAsItPartsHasNoSuccessor(t *testing.T) {
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
		equal(t, "what comes of the jobs", []string{hows[0], hows[1], hows[2], hows[3]}, []string{"lost.", ".", "refused.", "."})
		if n := s.started()[0]; n != 1 {
			t.Errorf("%d lanes have started", n)
		}
	})
}

func TestALaneThatPartsGetsNothingMore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newPair(func(s *scene, l *lane) {
			it, _ := s.Next(l)
			for turn := lanes.Flush; turn != lanes.End; _, turn = s.Next(l) {
			}
			s.emit(l, it, 0)
			time.Sleep(time.Minute) // the next item of the lane is ready by now
			if _, turn := s.Next(l); turn != lanes.End {
				t.Errorf("it gets %v", turn)
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

func TestALaneKeepsWhatOthersWaitForAsLongAsMoreMayCome(t *testing.T) {
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

func TestNobodyTakesTheItemsOfALaneThatHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newPair(func(s *scene, l *lane) {
			it, _ := s.Next(l)
			s.emit(l, it, 0)
			s.Next(l)
			time.Sleep(time.Second) // until all have been pushed but the last one
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
		equal(t, "received", s.ids(), []int{0, 1, 2, 3, 4, 5, 6}) // by their gate
		hows := s.hows()
		for id, want := range map[int]string{0: ".", 1: "lost.", 2: ".", 3: "refused.", 4: "refused.", 5: ".", 6: "refused."} {
			if hows[id] != want || s.items[id].Value.finished != 1 {
				t.Errorf("job %d: %s, finished %d times", id, hows[id], s.items[id].Value.finished)
			}
		}
	})
}

func TestTheLineOfAnItemThatNobodyTakesGoesOn(t *testing.T) {
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
		equal(t, "what comes of the line", []string{hows[1], hows[2], hows[3], hows[4], hows[5]}, []string{"refused.", "refused.", ".", "refused.", "."})
	})
}

func TestNarrowLanesWithItemsOfTheirOwnGetOneAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newRoutedScene(2, do)
		s.Narrow()
		for i := range 6 {
			s.add(0, 0, 0, time.Second).Value.to = i % 2
		}
		s.produce()
		s.consume()
		if took := s.now(); took != 6*time.Second {
			t.Errorf("six jobs, one at a time, have taken %v", took)
		}
	})
}

func TestNarrowLanesGetMoreWhenOneOfThemHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newPair(func(s *scene, l *lane) {
			it, _ := s.Next(l)
			time.Sleep(time.Second) // the producer waits by now
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
		equal(t, "what comes of the one that nobody took", []string{s.hows()[2]}, []string{"refused."})
	})
}

// Whatever lanes hold, and whatever waits for it, everything comes out once and in order.
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
					t.Fatalf("lane %d has started %d times", number, times)
				}
			}
		})
	})
}

// linesLeaveInOrder: what comes of the items of a line is made in their order.
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
