package order_test

import (
	"sync"
	"testing"

	"github.com/lambdabatch/batch/internal/order"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

func TestOneLineHoldsBackEverythingBehindItsFirstFailure(t *testing.T) {
	is := is.New(t)
	o := order.Whole()
	_, ok := o.Blocker(3)
	is.True(!ok)
	o.Fail(2, 0)
	o.Fail(1, 0)
	by, ok := o.Blocker(3)
	is.True(ok)
	is.Equal(by, 1)
	_, ok = o.Blocker(1) // nobody blocks himself
	is.True(!ok)
	o.Settle(1, 0)
	by, ok = o.Blocker(3)
	is.True(ok)
	is.Equal(by, 2)
	o.Settle(2, 0)
	_, ok = o.Blocker(3)
	is.True(!ok)
}

func TestGroupsDoNotHoldBackEachOther(t *testing.T) {
	is := is.New(t)
	o := order.Groups([]int32{1, 2, 0, 1, 2, 0})
	o.Fail(0, 0)
	o.Fail(2, 0)
	by, ok := o.Blocker(3)
	is.True(ok)
	is.Equal(by, 0)
	_, ok = o.Blocker(4)
	is.True(!ok)
	_, ok = o.Blocker(5) // without a group there is nobody behind
	is.True(!ok)
}

func TestARecordHoldsBackUntilItsLastPartIsSettled(t *testing.T) {
	is := is.New(t)
	o := order.Whole()
	o.Fail(0, 1)
	o.Fail(0, 2)
	o.Fail(0, 2) // once
	o.Settle(0, 2)
	o.Settle(0, 3) // never failed
	_, ok := o.Blocker(1)
	is.True(ok)
	o.Settle(0, 1)
	_, ok = o.Blocker(1)
	is.True(!ok)
}

func TestAnInnerOrderIsOfTheSameGroupsAndBeginsWithoutFailures(t *testing.T) {
	is := is.New(t)
	o := order.Groups([]int32{1, 2, 1})
	o.Fail(0, 0)
	inner := o.Inner()
	_, ok := inner.Blocker(2)
	is.True(!ok)
	inner.Fail(1, 0)
	_, ok = inner.Blocker(2)
	is.True(!ok)
	inner.Fail(0, 0)
	o.Settle(0, 0)
	_, ok = o.Blocker(2)
	is.True(!ok)
	_, ok = inner.Blocker(2)
	is.True(ok)
}

// failures is an Order that looks at everything.
type failures struct {
	group  []int32 // nil: all are one line
	failed map[[2]int]bool
}

func (f failures) blocker(index int) (int, bool) {
	for i := range index {
		if f.group != nil && (f.group[i] == 0 || f.group[i] != f.group[index]) {
			continue
		}
		for failure := range f.failed {
			if failure[0] == i {
				return i, true
			}
		}
	}
	return 0, false
}

func TestBlockerIsTheFirstFailedRecordOfTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const records, lines = 8, 3
		model := failures{failed: map[[2]int]bool{}}
		o := order.Whole()
		if rapid.Bool().Draw(t, "groups") {
			model.group = rapid.SliceOfN(rapid.Int32Range(0, lines), records, records).Draw(t, "group")
			o = order.Groups(model.group)
		}
		t.Repeat(map[string]func(*rapid.T){
			"fail": func(t *rapid.T) {
				i, n := rapid.IntRange(0, records-1).Draw(t, "record"), rapid.IntRange(0, 2).Draw(t, "number")
				o.Fail(i, uint32(n))
				model.failed[[2]int{i, n}] = true
			},
			"settle": func(t *rapid.T) {
				i, n := rapid.IntRange(0, records-1).Draw(t, "record"), rapid.IntRange(0, 2).Draw(t, "number")
				o.Settle(i, uint32(n))
				delete(model.failed, [2]int{i, n})
			},
			"": func(t *rapid.T) {
				for i := range records {
					want, blocked := model.blocker(i)
					got, ok := o.Blocker(i)
					if ok != blocked || ok && got != want {
						t.Fatalf("record %d: blocked by %d, %v; want %d, %v", i, got, ok, want, blocked)
					}
				}
			},
		})
	})
}

func TestAnOrderMayBeUsedAtOnce(t *testing.T) {
	is := is.New(t)
	const records = 64
	o := order.Whole()
	var all sync.WaitGroup
	for i := range records {
		all.Go(func() {
			o.Fail(i, 0)
			o.Blocker(records)
			if i != 7 {
				o.Settle(i, 0)
			}
		})
	}
	all.Wait()
	by, ok := o.Blocker(records)
	is.True(ok)
	is.Equal(by, 7)
}
