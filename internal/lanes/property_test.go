package lanes_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// drawn returns a scene of up to n lanes whose jobs have random lines, gates and durations.
func drawn(t *rapid.T) (s *scene, n int) {
	n = rapid.IntRange(1, 4).Draw(t, "lanes")
	s = newScene(n, do)
	lines, gates := rapid.IntRange(0, 3).Draw(t, "lines"), rapid.IntRange(0, 3).Draw(t, "gates")
	takes := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.IntRange(0, 5).Draw(t, "seconds")) * time.Second
	}), 0, 3)
	jobs := rapid.IntRange(0, 20).Draw(t, "jobs")
	if rapid.IntRange(0, 9).Draw(t, "many") == 0 {
		jobs *= 10
	}
	for i := range jobs {
		rank := i
		if rapid.IntRange(0, 3).Draw(t, "moved") == 0 {
			rank = rapid.IntRange(0, jobs).Draw(t, "rank")
		}
		s.add(rapid.IntRange(0, lines).Draw(t, "line"), rapid.IntRange(0, gates).Draw(t, "gate"), rank, takes.Draw(t, "takes")...)
	}
	return s, n
}

func TestEveryItemComesOutOnceWhateverItsLineAndItsGate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			s, n := drawn(t)
			if rapid.Bool().Draw(t, "narrow") {
				s.Narrow()
			}
			go func() {
				defer s.Exhaust()
				for _, it := range s.items {
					time.Sleep(time.Duration(len(it.Value.takes)%2) * time.Second)
					if !s.push(it) {
						t.Error("a push was refused")
					}
				}
			}()
			s.consume()
			if len(s.lanes) > n {
				t.Fatalf("%d lanes of %d", len(s.lanes), n)
			}
			s.eachOnce(t)
			s.linesRunInOrder(t)
			s.gatesKeepOrder(t)
			s.othersLeaveAtOnce(t)
		})
	})
}

func (s *scene) eachOnce(t *rapid.T) {
	parts := make([]int, len(s.items))
	for _, r := range s.out {
		if r.part != parts[r.id] || r.how != "" {
			t.Fatalf("job %d has the result %v after %d parts", r.id, r, parts[r.id])
		}
		parts[r.id]++
	}
	for id, it := range s.items {
		if parts[id] != len(it.Value.takes) || it.Value.finished != 1 {
			t.Fatalf("job %d: %d results of %v, finished %d times", id, parts[id], it.Value.takes, it.Value.finished)
		}
	}
}

func (j *job) end() time.Duration {
	end := j.given
	for _, takes := range j.takes {
		end += takes
	}
	return end
}

func (s *scene) linesRunInOrder(t *rapid.T) {
	last := make(map[int]*job)
	for _, it := range s.items {
		j := &it.Value
		if before := last[j.line]; j.line != 0 && before != nil && j.given < before.end() {
			t.Fatalf("job %d starts at %v, but job %d of its line ends at %v", j.id, j.given, before.id, before.end())
		}
		last[j.line] = j
	}
}

// gatesKeepOrder checks that of two items that were pushed before either had a result, the one of lower rank is
// first.
func (s *scene) gatesKeepOrder(t *rapid.T) {
	for i, later := range s.out {
		for _, earlier := range s.out[:i] {
			a, b := s.items[earlier.id], s.items[later.id]
			if a.Value.gate == 0 || a.Value.gate != b.Value.gate || a == b {
				continue
			}
			inOrder := a.Value.rank < b.Value.rank || a.Value.rank == b.Value.rank && a.Value.id < b.Value.id
			overtaken := a.Value.id < b.Value.id // it may have left before the other one was pushed
			if !inOrder && !overtaken {
				t.Fatalf("job %d of rank %d leaves before job %d of rank %d", a.Value.id, a.Value.rank, b.Value.id, b.Value.rank)
			}
		}
	}
}

func (s *scene) othersLeaveAtOnce(t *rapid.T) {
	for _, r := range s.out {
		if s.items[r.id].Value.gate == 0 && r.at != r.made {
			t.Fatalf("%v of job %d leaves at %v", r.result, r.id, r.at)
		}
	}
}

// At any moment of rest, if a job could run, then all lanes are busy.
func TestNoLaneWaitsWhileSomethingCanRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rapid.SyncTest(t, func(t *rapid.T) {
			s, n := drawn(t)
			var busy atomic.Int32
			over := make(chan struct{})
			s.work = func(s *scene, l *lane) {
				defer s.Close(l, true, lost(s))
				for it, turn := s.Next(l); turn == 0; it, turn = s.Next(l) {
					busy.Add(1)
					for part, takes := range it.Value.takes {
						time.Sleep(takes)
						s.emit(l, it, part)
					}
					busy.Add(-1)
				}
			}
			s.produce()
			go func() {
				for {
					synctest.Wait() // now only the clock moves
					select {
					case <-over:
						return
					default:
					}
					if can := s.canRun(); len(can) > 0 && int(busy.Load()) < n {
						t.Errorf("%d lanes of %d are busy, while jobs %v could run", busy.Load(), n, can)
					}
					select {
					case <-over:
						return
					case <-time.After(time.Second):
					}
				}
			}()
			s.consume()
			close(over)
			s.eachOnce(t)
		})
	})
}

// canRun returns the jobs that no lane has taken and that have no unfinished job before them in their line. It is
// called at rest, when all jobs in lines and up to Ahead of the others have been pushed.
func (s *scene) canRun() (ids []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []int
	for _, it := range s.items {
		j := &it.Value
		if j.finished > 0 {
			continue
		}
		if j.lane < 0 && !slices.Contains(lines, j.line) {
			ids = append(ids, j.id)
		}
		if j.line != 0 {
			lines = append(lines, j.line)
		}
	}
	return ids
}
