package lanes_test

import (
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Items that need no lock of the pool, among some that do, in real time: lanes that are as fast as they can be, a
// consumer that is slow at times, and one that gives up or breaks off in the middle.
func TestItemsPassOnceWhoeverIsFastest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "lanes")
		jobs := rapid.IntRange(0, 600).Draw(t, "jobs")
		ordered := rapid.SampledFrom([]int{0, 0, 50, 2}).Draw(t, "every so many have a line") // 0: none
		slow := rapid.IntRange(0, 3).Draw(t, "slow")
		end := rapid.SampledFrom([]string{"", "", "give up", "give up all", "break"}).Draw(t, "end")
		when := rapid.IntRange(0, 600).Draw(t, "when")
		s := newScene(n, do)
		s.Start = func(l *lane) {
			l.Owner = 0
			go s.work(s, l)
		}
		for i := range jobs {
			line := 0
			if ordered > 0 && i%ordered == 0 {
				line = 1 + i%3
			}
			s.add(line, line, i, make([]time.Duration, 1+i%2)...)
		}
		s.produce()
		s.until(when, slow, end)
		seen := make([]int, jobs)
		for _, r := range s.out {
			seen[r.id]++
		}
		for id, it := range s.items {
			if end == "" && seen[id] != len(it.Value.takes) {
				t.Fatalf("job %d has %d results of %d", id, seen[id], len(it.Value.takes))
			}
			s.note(func() { // others may be under way
				if it.Value.finished > 1 || end == "" && it.Value.finished != 1 {
					t.Fatalf("job %d is finished %d times", id, it.Value.finished)
				}
				if end != "break" && it.Value.finished == 1 && seen[id] == 0 {
					t.Fatalf("job %d is finished and has no result", id)
				}
			})
		}
	})
}

// until receives everything, or so much.
func (s *scene) until(when, slow int, end string) {
	var out []result
	for over := false; !over; {
		if out, over = s.Receive(out); len(out) > 0 {
			s.take(out)
			for range slow {
				runtime.Gosched()
			}
		} else if !over {
			<-s.Changed
		}
		if len(s.out) >= when {
			switch end {
			case "give up":
				s.GiveUp(false)
			case "give up all":
				s.GiveUp(true)
			case "break":
				s.Break()
				for !s.Over() {
					<-s.Changed
				}
				return
			}
		}
	}
	s.Rest(untaken)
	out, _ = s.Receive(out)
	s.take(out)
}
