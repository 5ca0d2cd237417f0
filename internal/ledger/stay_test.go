package ledger_test

import (
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/lambdabatch/batch/internal/ledger"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

func TestAStayIsOverWhenEveryPartHasLeft(t *testing.T) {
	is := is.New(t)
	var stay ledger.Stay
	is.True(stay.Over())
	stay.Enter(7)
	is.True(!stay.Over())
	stay.Split(7, 8, 100)
	for number := uint32(8); number < 108; number++ {
		is.True(!stay.Over())
		stay.Leave(number)
		stay.Leave(number) // a copy
	}
	is.True(stay.Over())
}

func TestAStayContinuesForThePartsOfASplitCopy(t *testing.T) {
	is := is.New(t)
	var stay ledger.Stay
	stay.Enter(0)
	stay.Leave(0)
	is.True(stay.Over())
	stay.Split(0, 1, 2)
	is.True(!stay.Over())
	stay.Leave(1)
	stay.Leave(2)
	is.True(stay.Over())
}

func TestAStayGoesOnWhileAResultIsHeld(t *testing.T) {
	is := is.New(t)
	var stay ledger.Stay
	stay.Enter(0)
	stay.Hold()
	stay.Hold()
	stay.Leave(0)
	is.True(!stay.Over())
	is.True(!stay.Release())
	is.True(!stay.Over())
	is.True(stay.Release())
	is.True(stay.Over())
}

// spans draws ranges of numbers after first, in any order, as a stay sees them when several parts are split at once.
func spans(t *rapid.T, first uint32) (all [][2]uint32) {
	next := first + 1
	for range rapid.IntRange(0, 12).Draw(t, "splits") {
		next += uint32(rapid.IntRange(0, 2).Draw(t, "gap"))
		n := uint32(rapid.OneOf(rapid.IntRange(1, 4), rapid.Just(70)).Draw(t, "n"))
		all = append(all, [2]uint32{next, n})
		next += n
	}
	return rapid.Permutation(all).Draw(t, "order")
}

func TestAStayIsASetOfNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := uint32(rapid.IntRange(0, 70).Draw(t, "first"))
		left := spans(t, first)
		inside, held := set{first: true}, 0
		var stay ledger.Stay
		stay.Enter(first)
		number := func(t *rapid.T) uint32 {
			if known := sorted(inside); len(known) > 0 && rapid.IntRange(0, 3).Draw(t, "inside") > 0 {
				return rapid.SampledFrom(known).Draw(t, "number")
			}
			return rapid.Uint32Range(0, 300).Draw(t, "any number")
		}
		t.Repeat(map[string]func(*rapid.T){
			"split": func(t *rapid.T) {
				if len(left) == 0 {
					t.Skip()
				}
				span := left[0]
				left = left[1:]
				from := number(t)
				stay.Split(from, span[0], int(span[1]))
				delete(inside, from)
				for i := range span[1] {
					inside[span[0]+i] = true
				}
			},
			"leave": func(t *rapid.T) {
				gone := number(t)
				stay.Leave(gone)
				delete(inside, gone)
			},
			"hold": func(*rapid.T) {
				stay.Hold()
				held++
			},
			"release": func(t *rapid.T) {
				if held == 0 {
					t.Skip()
				}
				held--
				if over := stay.Release(); over != (len(inside) == 0 && held == 0) {
					t.Fatalf("released: over is %v, with %v inside and %d held", over, sorted(inside), held)
				}
			},
			"": func(t *rapid.T) {
				if over := len(inside) == 0 && held == 0; stay.Over() != over {
					t.Fatalf("over is %v, with %v inside and %d held", stay.Over(), sorted(inside), held)
				}
			},
		})
		for ; held > 0; held-- {
			stay.Release()
		}
		for _, number := range rapid.Permutation(sorted(inside)).Draw(t, "order") {
			if stay.Over() {
				t.Fatalf("over, with %v inside", sorted(inside))
			}
			stay.Leave(number)
			delete(inside, number)
		}
		if !stay.Over() {
			t.Fatal("not over, with nothing inside")
		}
	})
}

func sorted(s set) []uint32 {
	return slices.Sorted(maps.Keys(s))
}

func TestAStayAllowsConcurrentSplitsAndLeaves(t *testing.T) {
	is := is.New(t)
	const many = 50
	var numbers ledger.Numbers
	numbers.Init(1)
	var stay ledger.Stay
	stay.Enter(0)
	stay.Hold()
	first := numbers.Split(0, 0, many)
	stay.Split(0, first, many)
	var all sync.WaitGroup
	for i := range uint32(many) {
		all.Go(func() {
			parts := numbers.Split(0, first+i, 3)
			stay.Split(first+i, parts, 3)
			for number := parts; number < parts+3; number++ {
				if stay.Over() {
					t.Error("a part is not inside")
				}
				stay.Leave(number)
			}
		})
	}
	all.Wait()
	is.True(!stay.Over())
	stay.Release()
	is.True(stay.Over())
}
