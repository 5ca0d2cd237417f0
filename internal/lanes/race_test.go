package lanes_test

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lambdabatch/batch/internal/lanes"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

// A rush is a scene in real time. Lanes work as fast as they can, the consumer is sometimes slow, some items have
// lines or gates, and lanes emit Results of each other's items.
type rush struct {
	*scene
	lanes, jobs                    int
	ordered                        int  // one in so many jobs has a gate; 0: none
	lined                          bool // jobs with a gate have a line, too
	carried                        int  // one in so many is emitted by whichever lane flushes next; 0: none
	slow                           int
	hasten, releaseExpired, narrow bool
	end                            string
	when                           int // interfere after so many results
	accepted                       atomic.Int32
	mu                             sync.Mutex
	shared                         []*item
}

func drawRush(t *rapid.T) *rush {
	r := &rush{
		lanes:          rapid.IntRange(1, 8).Draw(t, "lanes"),
		jobs:           rapid.IntRange(0, 400).Draw(t, "jobs"),
		ordered:        rapid.SampledFrom([]int{0, 0, 50, 2}).Draw(t, "ordered"),
		lined:          rapid.Bool().Draw(t, "lined"),
		carried:        rapid.SampledFrom([]int{0, 5}).Draw(t, "carried"),
		slow:           rapid.IntRange(0, 3).Draw(t, "slow"),
		hasten:         rapid.Bool().Draw(t, "hasten"),
		releaseExpired: rapid.Bool().Draw(t, "release expired"),
		narrow:         rapid.IntRange(0, 3).Draw(t, "narrow") == 0,
		end:            rapid.SampledFrom([]string{"", "", "give up", "give up all", "break"}).Draw(t, "end"),
		when:           rapid.IntRange(0, 400).Draw(t, "when"),
	}
	r.scene = newScene(r.lanes, r.work)
	r.Start = func(l *lane) {
		l.Owner = 0
		go r.work(r.scene, l)
	}
	for i := range r.jobs {
		line, gate := 0, 0
		if r.ordered > 0 && i%r.ordered == 0 {
			gate = 1 + i%3
			if r.lined {
				line = gate
			}
		}
		r.add(line, gate, i, 0)
	}
	return r
}

func (r *rush) work(s *scene, l *lane) {
	defer s.Close(l, true, lost(s))
	defer r.flush(l)
	for {
		it, turn := s.Next(l)
		switch {
		case turn == lanes.End:
			return
		case turn == lanes.Flush:
			if !r.flush(l) {
				return
			}
		case r.carried > 0 && it.Value.id%r.carried == 0:
			r.mu.Lock()
			r.shared = append(r.shared, it)
			r.mu.Unlock()
			if it.Value.id%2 == 0 && !r.flush(l) {
				return
			}
		case !s.emit(l, it, 0):
			return
		case it.Value.id%8 == 0:
			s.TryFinish(it)
		}
	}
}

// flush emits the results that lanes have left to each other.
func (r *rush) flush(l *lane) (more bool) {
	for {
		r.mu.Lock()
		if len(r.shared) == 0 {
			r.mu.Unlock()
			return true
		}
		it := r.shared[0]
		r.shared = r.shared[1:]
		r.mu.Unlock()
		if !r.emit(l, it, 0) {
			return false
		}
	}
}

func (r *rush) produce() {
	defer r.Exhaust()
	if r.narrow {
		r.Narrow()
	}
	for _, it := range r.items {
		if !r.push(it) {
			return
		}
		r.accepted.Add(1)
	}
}

func (r *rush) consume() {
	var out []result
	for over := false; !over; {
		if out, over = r.Receive(out); len(out) > 0 {
			r.take(out)
			for range r.slow {
				runtime.Gosched()
			}
		} else if !over {
			<-r.Changed
		}
		if len(r.out) >= r.when && !r.interfere() {
			return
		}
	}
	r.Drain(untaken)
	out, _ = r.Receive(out)
	r.take(out)
}

// interfere does what a consumer may do at any time, and reports whether to go on.
func (r *rush) interfere() bool {
	if r.hasten {
		r.Hasten()
	}
	if r.releaseExpired {
		r.ReleaseExpired(func(j *job) bool { return j.id%2 == 0 })
	}
	r.hasten, r.releaseExpired = false, false
	switch r.end {
	case "give up", "give up all":
		r.GiveUp(r.end == "give up all")
	case "break":
		r.Break()
		for !r.Over() {
			<-r.Changed
		}
		return false
	}
	return true
}

func TestEveryItemPassesOnceWhicheverGoroutineIsFastest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRush(t)
		go r.produce()
		r.consume()
		if r.end == "break" {
			return
		}
		seen := make([]int, r.jobs)
		for _, got := range r.out {
			seen[got.id]++
		}
		r.note(func() { // lanes that were given up may still run
			for id, it := range r.items {
				wanted := r.end == "" || id < int(r.accepted.Load())
				if n := it.Value.finished; n > 1 || wanted && n == 0 || n > 0 && seen[id] == 0 || seen[id] > 1 && r.carried == 0 {
					t.Fatalf("job %d is finished %d times and has %d results", id, n, seen[id])
				}
			}
		})
	})
}

// Each item is pushed just as the lane is about to wait: a varying moment after it has finished the item before.
func TestNoPushedItemIsMissed(t *testing.T) {
	s := newScene(1, do)
	var left atomic.Int32
	s.Left = func(j *job, _ result) {
		j.left--
		left.Add(1)
	}
	s.Start = func(l *lane) {
		l.Owner = 0
		go s.work(s, l)
	}
	defer s.Break()
	defer s.Exhaust()
	var out []result
	for i := range 100_000 {
		for range i * 7 % 500 {
			left.Load() // takes a nanosecond or so
		}
		s.push(&item{Value: job{left: 1, takes: make([]time.Duration, 1)}})
		for tries := 0; int(left.Load()) <= i; tries++ {
			switch {
			case tries < 1000:
				runtime.Gosched()
			case tries < 6000:
				time.Sleep(time.Millisecond) // one by one, so that it does not count if the process is halted
			default:
				t.Fatalf("job %d waits, and so does its lane", i)
			}
		}
		out, _ = s.Receive(out)
	}
}

// A stage may range over the stream of its lane while lanes inside are reading it.
func TestTwoGoroutinesOfALaneShareItsItems(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newScene(1, func(s *scene, l *lane) {
			defer s.Close(l, true, lost(s))
			var both sync.WaitGroup
			defer both.Wait()
			for range 2 {
				both.Go(func() {
					for it, turn := s.Next(l); turn != lanes.End; it, turn = s.Next(l) {
						if turn == lanes.Work {
							s.emit(l, it, 0)
						}
					}
				})
			}
		})
		s.Hasten()
		for range 2000 {
			s.add(0, 0, 0, 0)
		}
		go s.produce()
		s.consume()
		got := s.ids()
		slices.Sort(got)
		equal(t, "received", got, lo.Range(2000))
	})
}
