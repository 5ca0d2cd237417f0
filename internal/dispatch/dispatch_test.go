package dispatch_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/internal/dispatch"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

// An item is in line, if line is not 0, and takes its time in a lane.
type item struct {
	line       int
	takes      time.Duration
	lane       *dispatch.Lane
	start, end time.Duration
}

// A hall is a queue with lanes that do what items say. Every so many items a lane
// lets go of all that it has, as one that looks ahead does.
type hall struct {
	dispatch.Queue[int, item]
	crew   dispatch.Crew
	begin  time.Time
	ahead  int
	mu     sync.Mutex
	order  []int
	lanes  int
	wanted bool // every Push reported that more is wanted
}

func open(n, ahead int) *hall {
	h := &hall{begin: time.Now(), ahead: ahead, wanted: true}
	h.crew.Init(func(int32) {})
	h.Init(n, func() {
		l := new(dispatch.Lane)
		h.lanes++
		h.crew.Join(&l.Member, func() {})
		go h.work(l)
	})
	return h
}

func (h *hall) work(l *dispatch.Lane) {
	defer h.crew.Leave(&l.Member)
	defer h.End()
	var held []int
	letGo := func() {
		for _, i := range held {
			h.At(i).end = time.Since(h.begin)
			h.Done(i)
		}
		held = held[:0]
	}
	for {
		i, ok := h.Try(l)
		if !ok {
			i, ok = h.Next(l)
		}
		if !ok {
			letGo()
			return
		}
		it := h.At(i)
		h.mu.Lock()
		h.order = append(h.order, i)
		h.mu.Unlock()
		it.lane, it.start = l, time.Since(h.begin)
		time.Sleep(it.takes)
		if held = append(held, i); len(held) == h.ahead {
			letGo()
		}
	}
}

func (h *hall) push(items []item) {
	for _, it := range items {
		*h.Back() = it
		h.wanted = h.Push(it.line) && h.wanted
	}
	h.Exhaust()
}

func (h *hall) wait() {
	for h.crew.Running() {
		<-h.crew.Changed
	}
}

func items(t *rapid.T) []item {
	return rapid.SliceOf(rapid.Custom(func(t *rapid.T) item {
		return item{
			line:  rapid.IntRange(0, 4).Draw(t, "line"),
			takes: time.Duration(rapid.IntRange(0, 5).Draw(t, "ms")) * time.Millisecond,
		}
	})).Draw(t, "items")
}

func TestEachItemGoesToOneLane(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := items(t)
		n, ahead := rapid.IntRange(1, 6).Draw(t, "lanes"), rapid.IntRange(1, 4).Draw(t, "ahead")
		narrow := rapid.Bool().Draw(t, "narrow")
		rapid.SyncTest(t, func(t *rapid.T) {
			h := open(n, ahead)
			if narrow {
				h.Narrow()
			}
			h.push(all)
			h.wait()
			if !h.wanted {
				t.Fatalf("the queue wanted no more")
			}
			if got := slices.Sorted(slices.Values(h.order)); len(got) != len(all) || len(slices.Compact(got)) != len(all) {
				t.Fatalf("taken: %v", h.order)
			}
			if h.lanes > min(n, len(all)) {
				t.Fatalf("%d lanes for %d items", h.lanes, len(all))
			}
			for i := range all {
				for j := range i {
					a, b := h.At(j), h.At(i)
					if a.line != b.line || a.line == 0 {
						continue
					}
					if b.start < a.start || a.lane != b.lane && b.start < a.end {
						t.Fatalf("of line %d, item %d ran from %v to %v, item %d from %v", a.line, j, a.start, a.end, i, b.start)
					}
				}
			}
		})
	})
}

// Without lines items are taken in their order, and no lane is idle meanwhile.
func TestItemsAreTakenInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := items(t)
		for i := range all {
			all[i].line = 0
		}
		n := rapid.IntRange(1, 6).Draw(t, "lanes")
		rapid.SyncTest(t, func(t *rapid.T) {
			h := open(n, 1)
			h.push(all)
			h.wait()
			free := make([]time.Duration, n) // when each lane is
			for i := range all {
				slices.Sort(free)
				if it := h.At(i); it.start != free[0] {
					t.Fatalf("item %d was taken at %v, a lane was free at %v", i, it.start, free[0])
				}
				free[0] += all[i].takes
			}
		})
	})
}

func TestAProducerIsNotFarAheadOfLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		h := open(2, 1)
		go h.push(slices.Repeat([]item{{takes: time.Hour}}, 1000))
		synctest.Wait()
		is.True(h.Len() < 200)
		h.Hurry(func(*item) bool { return true })
		synctest.Wait()
		is.Equal(h.Len(), 1000)
		h.wait()
	})
}

func TestANarrowProducerWaitsForAFreeLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(3, 1)
		h.Narrow()
		go h.push(slices.Repeat([]item{{takes: time.Hour}}, 7))
		synctest.Wait()
		is.New(t).Equal(h.Len(), 3)
		time.Sleep(90 * time.Minute)
		is.New(t).Equal(h.Len(), 6)
		h.wait()
	})
}

// The line of an expired item does not hold it back.
func TestInAHurryExpiredItemsLeaveTheirLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		h := open(2, 1)
		go h.push([]item{{line: 1, takes: time.Hour}, {line: 1, takes: 1}, {line: 1, takes: 1}, {line: 1}})
		synctest.Wait()
		h.Hurry(func(it *item) bool { return it.takes == 1 })
		synctest.Wait()
		time.Sleep(time.Second)
		h.mu.Lock()
		is.Equal(h.order, []int{0, 1, 2}) // 3 has not expired
		h.mu.Unlock()
		h.wait()
		is.Equal(h.order, []int{0, 1, 2, 3})
	})
}

func TestStopEndsBothSides(t *testing.T) {
	for line, idle := range []int{0, 2} { // of three lanes: those that a line keeps from working
		synctest.Test(t, func(t *testing.T) {
			is := is.New(t)
			h := open(3, 1)
			go h.push(slices.Repeat([]item{{line: line, takes: time.Minute}}, 1000))
			synctest.Wait()
			start := time.Now()
			is.Equal(len(h.Stop()), idle)
			h.wait()
			is.Equal(time.Since(start), time.Minute)
			is.Equal(len(h.order), 3-idle)
			synctest.Wait()
			is.Equal(h.wanted, line == 1) // behind a line everything was taken in
			is.True(h.Stopped())
		})
	}
}

// byHand is a queue whose lanes are those of the test.
func byHand(lines ...int) (q *dispatch.Queue[int, item], lanes []*dispatch.Lane) {
	q = new(dispatch.Queue[int, item])
	q.Init(3, func() { lanes = append(lanes, new(dispatch.Lane)) })
	for _, line := range lines {
		q.Back()
		q.Push(line)
	}
	return q, lanes
}

func TestTheFirstItemThatMayRunIsTaken(t *testing.T) {
	is := is.New(t)
	q, lanes := byHand(1, 2, 1, 2, 0)
	next := func(lane int) int {
		i, ok := q.Next(lanes[lane])
		is.True(ok)
		return i
	}
	is.Equal(next(0), 0)
	is.Equal(next(1), 1)
	is.Equal(next(2), 4)
	q.Done(1)
	q.Done(0)
	is.Equal(next(0), 2)
	is.Equal(next(0), 3)
}

func TestALaneThatWaitsGetsWhatOthersLetGoOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		q, lanes := byHand(1, 1)
		i, _ := q.Next(lanes[0])
		is.Equal(i, 0)
		got := -1
		go func() { got, _ = q.Next(lanes[1]) }()
		synctest.Wait()
		is.Equal(got, -1)
		q.Done(0) // by a lane that does not ask for more
		synctest.Wait()
		is.Equal(got, 1)
	})
}

// Whoever finds the new item first cannot take it.
func TestALaneThatWaitsGetsMoreOfItsOwnLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		q, lanes := byHand(1, 2)
		got := make([]int, 2)
		for l := range got {
			got[l], _ = q.Next(lanes[l])
		}
		for l := range got {
			go func() {
				if i, ok := q.Next(lanes[l]); ok {
					got[l] = i
				}
			}()
			synctest.Wait()
		}
		q.Back()
		q.Push(1)
		synctest.Wait()
		is.Equal(got, []int{2, 1})
		q.Stop()
	})
}

func TestWithoutLanesTheQueueStops(t *testing.T) {
	is := is.New(t)
	var q dispatch.Queue[int, item]
	q.Init(2, func() {})
	q.Back()
	is.True(q.Push(0))
	q.End()
	is.True(!q.Stopped())
	q.End()
	is.True(q.Stopped())
	is.True(!q.Push(0))
}

func TestACrewWaitsForThoseThatAreNotAbandoned(t *testing.T) {
	is := is.New(t)
	var crew dispatch.Crew
	adrift, abandoned := int32(0), 0
	crew.Init(func(delta int32) { adrift += delta })
	members := make([]dispatch.Member, 3)
	for i := range members {
		crew.Join(&members[i], func() { abandoned++ })
	}
	crew.Leave(&members[0])
	is.True(crew.Gone(&members[0]))
	crew.Abandon(&members[1])
	is.True(crew.Running())
	is.Equal(abandoned, 1)
	is.Equal(adrift, int32(1))
	crew.Leave(&members[1])
	is.True(!crew.Running())
	crew.Leave(&members[2]) // it comes back
	is.Equal(adrift, int32(0))
	crew.Abandon()
	is.Equal(abandoned, 1)
	<-crew.Changed
}
