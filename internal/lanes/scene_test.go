package lanes_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/internal/lanes"
	"github.com/samber/lo"
)

// A job is the item of these tests: it takes its time before each of its Results.
type job struct {
	id         int
	line, gate int
	to         int // the number of its lane in a routed pool
	rank       int
	takes      []time.Duration // before each Result

	left     int // how many Results have not been emitted
	lane     int
	given    time.Duration
	finished int // how often
}

// A result is one Result of a job.
type result struct {
	id, part int
	how      string // "" if a lane has emitted it
	made     time.Duration
}

// A received result also has the time at which it was received.
type received struct {
	result
	at time.Duration
}

type (
	pool = lanes.Pool[int, job, result]
	item = lanes.Item[job, result]
	lane = lanes.Lane[job, result]
)

// A scene is a pool in a bubble. Its producer, lanes and consumer are goroutines of the test.
type scene struct {
	pool
	begun   time.Time
	items   []*item
	lanes   []*lane
	work    func(s *scene, l *lane) // what a lane does until it is closed
	flushes int
	shut    []int
	out     []received

	mu sync.Mutex // guards the jobs
}

func newScene(n int, work func(*scene, *lane)) *scene {
	s := &scene{begun: time.Now(), work: work}
	s.Init(n, lanes.Callbacks[job, result]{
		Start: func(l *lane) {
			l.Owner = len(s.lanes)
			s.lanes = append(s.lanes, l)
			go s.work(s, l)
		},
		Given:     func(owner any, j *job) { s.note(func() { j.lane, j.given = owner.(int), s.now() }) },
		Left:      func(j *job, _ result) { s.note(func() { j.left-- }) },
		Works:     func(_ any, waiting int) bool { return waiting < 1 },
		Inside:    func(j *job) bool { return j.left > 0 },
		Finished:  func(j *job) { s.note(func() { j.finished++ }) },
		Abandoned: func(j *job) result { return result{id: j.id, how: "abandoned", made: s.now()} },
		Refused:   func(_ any, j *job) result { return result{id: j.id, how: "refused", made: s.now()} },
		Shut:      func(owner any, _ []*item) { s.shut = append(s.shut, owner.(int)) },
	})
	return s
}

// note changes jobs or counters that the test may be reading.
func (s *scene) note(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *scene) now() time.Duration { return time.Since(s.begun) }

// add makes an item that is to be pushed.
func (s *scene) add(line, gate, rank int, takes ...time.Duration) *item {
	j := job{id: len(s.items), line: line, gate: gate, rank: rank, takes: takes, left: len(takes), lane: -1}
	it := &item{Value: j}
	s.items = append(s.items, it)
	return it
}

func (s *scene) push(it *item) bool {
	return s.Push(it, it.Value.to, it.Value.line, it.Value.gate, it.Value.rank)
}

// produce pushes all items on its own goroutine.
func (s *scene) produce() {
	go func() {
		defer s.Exhaust()
		for _, it := range s.items {
			if !s.push(it) {
				return
			}
		}
	}()
}

// do is a lane that finishes each job before it asks for the next one.
func do(s *scene, l *lane) {
	defer s.Close(l, true, lost(s))
	for {
		it, turn := s.Next(l)
		if turn == lanes.End {
			return
		}
		if turn == lanes.Flush {
			s.flushes++
			continue
		}
		for part, takes := range it.Value.takes {
			time.Sleep(takes)
			if !s.emit(l, it, part) {
				return
			}
		}
	}
}

// handOn reports whether the lane may go on.
func (s *scene) handOn(l *lane, it *item, r result) bool {
	_, more := s.Emit(l, it, r)
	return more
}

func (s *scene) emit(l *lane, it *item, part int) bool {
	return s.handOn(l, it, result{id: it.Value.id, part: part, made: s.now()})
}

func lost(s *scene) func(*job) (result, bool) {
	return func(j *job) (result, bool) { return result{id: j.id, how: "lost", made: s.now()}, true }
}

func untaken(j *job) (result, bool) { return result{id: j.id, how: "untaken"}, true }

// consume receives all results.
func (s *scene) consume() {
	var out []result
	for over := false; !over; {
		if out, over = s.Receive(out); len(out) > 0 {
			s.take(out)
			continue
		}
		if !over {
			<-s.Changed
		}
	}
	s.Drain(untaken)
	out, _ = s.Receive(out)
	s.take(out)
}

func (s *scene) take(out []result) {
	for _, r := range out {
		s.out = append(s.out, received{r, s.now()})
		s.PassedOn()
	}
}

// ids returns the jobs of the results, in the order in which they were received.
func (s *scene) ids() []int {
	return lo.Map(s.out, func(r received, _ int) int { return r.id })
}

// given returns when lanes took the jobs.
func (s *scene) given() []time.Duration {
	return lo.Map(s.items, func(it *item, _ int) time.Duration { return it.Value.given })
}

// hows returns per job how its results were made, each followed by a dot.
func (s *scene) hows() map[int]string {
	hows := make(map[int]string)
	for _, r := range s.out {
		hows[r.id] += r.how + "."
	}
	return hows
}

// bubble runs a test in virtual time. It fails if a goroutine of the test never ends.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

func equal[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

// finishedOnce fails the test if a job was not finished exactly once.
func finishedOnce(t *testing.T, s *scene) {
	t.Helper()
	for _, it := range s.items {
		if it.Value.finished != 1 {
			t.Errorf("job %d is finished %d times", it.Value.id, it.Value.finished)
		}
	}
}
