package ledger_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lambdabatch/batch/internal/ledger"
	"github.com/matryer/is"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

// A tree describes how a part is split: into its branches, each of which may be split again. If a stage has copied
// the part, the copy is split at the same time, into its own branches.
type tree struct{ branches, copied []tree }

func (tr tree) leaves() int {
	if len(tr.branches) == 0 {
		return 1
	}
	return lo.SumBy(slices.Concat(tr.branches, tr.copied), tree.leaves)
}

func trees(t *rapid.T, depth int) (tr tree) {
	if depth == 0 {
		return tr
	}
	for range rapid.IntRange(1, 4).Draw(t, "branches") {
		tr.branches = append(tr.branches, trees(t, depth-1))
	}
	if rapid.IntRange(0, 4).Draw(t, "copied") == 0 {
		tr.copied = trees(t, depth-1).branches
	}
	return tr
}

// grow splits a part as the tree says, each branch on its own goroutine, and sends the numbers that are not split.
func grow(all *sync.WaitGroup, numbers *ledger.Numbers, tr tree, number uint32, arriving chan<- uint32) {
	if len(tr.branches) == 0 {
		arriving <- number
		return
	}
	var both sync.WaitGroup
	var first, again uint32
	both.Go(func() { first = numbers.Split(0, number, len(tr.branches)) })
	if len(tr.copied) > 0 {
		both.Go(func() { again = numbers.Split(0, number, len(tr.copied)) })
	}
	both.Wait() // until both are split, a branch of the copy is no part of the record
	for i, b := range tr.branches {
		all.Go(func() { grow(all, numbers, b, first+uint32(i), arriving) })
	}
	for i, b := range tr.copied {
		all.Go(func() { grow(all, numbers, b, again+uint32(i), arriving) })
	}
}

func TestARecordNeverLooksCompleteDuringConcurrentSplits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := trees(t, rapid.IntRange(1, 4).Draw(t, "depth"))
		numbers, tally := one(1)
		arriving := make(chan uint32)
		var all sync.WaitGroup
		all.Go(func() { grow(&all, numbers, tr, 0, arriving) })
		go func() {
			all.Wait()
			close(arriving)
		}()
		missing := tr.leaves()
		for number := range arriving {
			if !tally.Value(0, number) {
				t.Fatalf("number %d was given out twice", number)
			}
			tally.Arrive(0, number, ready)
			missing--
			if got := state(tally, 1, 0); missing > 0 && got != ledger.Unreached {
				t.Fatalf("with %d parts missing the record is %v", missing, got)
			}
		}
		if got := state(tally, 1, 0); missing != 0 || got != ledger.Done {
			t.Fatalf("in the end the record is %v", got)
		}
	})
}

// A part that is split over and over is always missing: only its last number could arrive.
func TestASplitGivesOutItsNewNumbersBeforeItStopsExpectingTheOldOne(t *testing.T) {
	for range 200 {
		is := is.New(t)
		numbers, tally := one(2)
		tally.Arrive(1, 0, ready)
		var ended atomic.Bool
		go func() {
			defer ended.Store(true)
			number := uint32(0)
			for range 100 {
				number = numbers.Split(0, number, 1)
			}
		}()
		for !ended.Load() {
			is.Equal(state(tally, 2, 0), ledger.Unreached)
		}
		tally.Arrive(0, 100, ready)
		is.Equal(state(tally, 2, 0), ledger.Done)
	}
}

func TestTheFirstSplitsOfABatchMayBeConcurrent(t *testing.T) {
	const records, splitters = 10_000, 4 // making a table for so many takes a moment
	for range 20 {
		is := is.New(t)
		numbers, tally := one(records)
		atOnce(splitters, func(record int) { numbers.Split(record, 0, 2) })
		for record := range splitters {
			is.Equal(numbers.Split(record, 1, 1), uint32(3))
			tally.Arrive(record, 2, ready)
			is.Equal(state(tally, records, record), ledger.Unreached)
			tally.Arrive(record, 3, ready)
			is.Equal(state(tally, records, record), ledger.Done)
		}
	}
}

func TestManyPartsOfARecordMayBeSplitConcurrently(t *testing.T) {
	const parts = 200
	for range 20 {
		is := is.New(t)
		numbers, tally := one(1)
		numbers.Split(0, 0, parts)
		atOnce(parts, func(part int) { numbers.Split(0, uint32(1+part), 1) })
		for number := uint32(parts + 1); number <= 2*parts; number++ {
			is.Equal(state(tally, 1, 0), ledger.Unreached)
			tally.Arrive(0, number, ready)
		}
		is.Equal(state(tally, 1, 0), ledger.Done)
	}
}

// atOnce calls f n times, on goroutines that first wait for each other.
func atOnce(n int, f func(i int)) {
	var ready, all sync.WaitGroup
	ready.Add(n)
	for i := range n {
		all.Go(func() {
			ready.Done()
			ready.Wait()
			f(i)
		})
	}
	all.Wait()
}

// One copy leaves while another is held, and the held one is split.
func TestAStayIsNotOverWhileAHeldCopyIsSplit(t *testing.T) {
	var now atomic.Pointer[ledger.Stay]
	var end atomic.Bool
	over := make(chan int)
	go func() {
		n := 0
		for !end.Load() {
			if s := now.Load(); s != nil && s.Over() {
				n++
			}
		}
		over <- n
	}()
	for range 100_000 {
		stay := new(ledger.Stay)
		stay.Enter(0)
		stay.Hold()
		now.Store(stay)
		stay.Leave(0)
		stay.Split(0, 1, 1)
		stay.Release()
	}
	end.Store(true)
	if n := <-over; n > 0 {
		t.Fatalf("over %d times, with part 1 inside", n)
	}
}

// Parts leave while copies of them are split, in any order.
func TestAStayEndsOnceEvenIfPartsLeaveWhileTheyAreSplit(t *testing.T) {
	for range 5_000 {
		var stay ledger.Stay
		stay.Enter(0)
		var wg sync.WaitGroup
		for _, first := range []uint32{1, 3} { // two copies are split
			wg.Go(func() {
				stay.Split(0, first, 2)
				stay.Leave(first)
				stay.Leave(first + 1)
			})
		}
		wg.Go(func() { stay.Leave(0) }) // and one leaves
		wg.Wait()
		if !stay.Over() {
			t.Fatal("not over")
		}
	}
}
