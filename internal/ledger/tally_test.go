package ledger_test

import (
	"testing"

	"github.com/lambdabatch/batch/internal/ledger"
	"github.com/matryer/is"
)

// one returns an iteration over a number of records.
func one(records int) (*ledger.Numbers, *ledger.Tally) {
	n, t := new(ledger.Numbers), new(ledger.Tally)
	n.Init(records)
	t.Init(n)
	return n, t
}

// state returns what becomes of a record if there is only this iteration.
func state(t *ledger.Tally, records, record int) ledger.State {
	f := ledger.NewFold(records, []*ledger.Tally{t}, false)
	return f.Of(record).State
}

func TestARecordIsAcknowledgedWhenItsOnePartHasArrived(t *testing.T) {
	is := is.New(t)
	_, tally := one(2)
	tally.Arrive(0, 0, ready)
	is.Equal(state(tally, 2, 0), ledger.Done)
	is.Equal(state(tally, 2, 1), ledger.Unreached)
	tally.Arrive(1, 0, done)
	is.Equal(state(tally, 2, 1), ledger.Done)
}

func TestARecordIsAcknowledgedOnlyWhenEveryNumberGivenOutForItHasArrived(t *testing.T) {
	for _, parts := range []int{1, 2, 63, 64, 65, 200} {
		is := is.New(t)
		numbers, tally := one(2)
		tally.Arrive(1, 0, ready)
		first := numbers.Split(0, 0, parts)
		is.Equal(first, uint32(1))
		for i := range parts {
			is.Equal(state(tally, 2, 0), ledger.Unreached)
			tally.Arrive(0, first+uint32(i), ready)
		}
		is.Equal(state(tally, 2, 0), ledger.Done)
		is.Equal(state(tally, 2, 1), ledger.Done) // the parts of another record do not matter
	}
}

func TestAPartThatWasSplitIsNotExpectedAnyMore(t *testing.T) {
	is := is.New(t)
	numbers, tally := one(1)
	first := numbers.Split(0, 0, 100)
	for number := first; number < first+99; number++ {
		tally.Arrive(0, number, ready)
	}
	second := numbers.Split(0, first+99, 2) // a high number
	is.Equal(second, uint32(101))
	is.Equal(state(tally, 1, 0), ledger.Unreached)
	tally.Arrive(0, second, ready)
	tally.Arrive(0, second+1, ready)
	is.Equal(state(tally, 1, 0), ledger.Done)
}

func TestAPartThatIsSplitAgainAddsNumbersThatMustArriveToo(t *testing.T) {
	is := is.New(t)
	numbers, tally := one(1)
	first := numbers.Split(0, 0, 2)
	again := numbers.Split(0, 0, 2) // a copy
	is.Equal(again, uint32(3))
	tally.Arrive(0, first, ready)
	tally.Arrive(0, first+1, ready)
	is.Equal(state(tally, 1, 0), ledger.Unreached)
	tally.Arrive(0, again, ready)
	is.Equal(state(tally, 1, 0), ledger.Unreached)
	tally.Arrive(0, again+1, ready)
	is.Equal(state(tally, 1, 0), ledger.Done)
}

func TestAnArrivedPartStillExpectsThePartsOfItsSplitCopy(t *testing.T) {
	is := is.New(t)
	numbers, tally := one(1)
	tally.Arrive(0, 0, ready)
	first := numbers.Split(0, 0, 1)
	is.Equal(state(tally, 1, 0), ledger.Unreached)
	tally.Arrive(0, first, ready)
	is.Equal(state(tally, 1, 0), ledger.Done)
}

func TestANumberThatArrivesAgainCountsOnce(t *testing.T) {
	is := is.New(t)
	numbers, tally := one(1)
	first := numbers.Split(0, 0, 70)
	for _, number := range []uint32{first, 63, 64, 70} {
		tally.Arrive(0, number, done) // a copy without the value
		is.True(tally.Value(0, number))
		for range 100 {
			tally.Arrive(0, number, ready)
			is.True(!tally.Value(0, number))
		}
	}
	is.Equal(state(tally, 1, 0), ledger.Unreached) // the others are still missing
}

func TestARecordIsNotAcknowledgedIfOneOfItsPartsFailed(t *testing.T) {
	for _, v := range []ledger.Verdict{failed, blocked, notStarted, unreached, {State: ledger.Running}} {
		is := is.New(t)
		numbers, tally := one(1)
		first := numbers.Split(0, 0, 2)
		worse := tally.Arrive(0, first, v)
		is.True(worse)
		tally.Arrive(0, first+1, ready)
		tally.Arrive(0, first, ready) // a copy that arrives ready settles nothing
		is.Equal(state(tally, 1, 0), v.State)
	}
}

func TestARealFailureOutweighsAnUnprocessedOne(t *testing.T) {
	is := is.New(t)
	numbers, tally := one(1)
	numbers.Split(0, 0, 4)
	worse := tally.Arrive(0, 1, notStarted)
	is.True(worse)
	worse = tally.Arrive(0, 2, blocked)
	is.True(!worse) // the first one stays
	is.Equal(state(tally, 1, 0), ledger.NotStarted)
	worse = tally.Arrive(0, 3, failed)
	is.True(worse)
	is.Equal(state(tally, 1, 0), ledger.Failed)
	worse = tally.Arrive(0, 4, blocked)
	is.True(!worse)
	worse = tally.Arrive(0, 4, ledger.Verdict{State: ledger.Failed, Err: errSecond})
	is.True(!worse)
	f := ledger.NewFold(1, []*ledger.Tally{tally}, false)
	is.Equal(f.Of(0), failed)
}

func TestAFailureThatWasThrownAwayCountsWithoutArriving(t *testing.T) {
	is := is.New(t)
	_, tally := one(2)
	is.True(tally.Fail(0, failed))
	is.True(!tally.Fail(0, blocked))
	tally.Arrive(0, 0, ready)
	tally.Arrive(1, 0, ready)
	is.Equal(state(tally, 2, 0), ledger.Failed)
	is.Equal(state(tally, 2, 1), ledger.Done)
}

func TestAnIterationIsCompleteIfEveryRecordArrivedWholeAndNothingIsHeldOrSplit(t *testing.T) {
	is := is.New(t)
	numbers, tally := one(2)
	is.True(!tally.Complete())
	tally.Arrive(1, 0, ready)
	is.True(!tally.Complete())
	tally.Arrive(0, 0, failed)
	is.True(tally.Complete()) // what arrived may be a failure
	numbers.Hold(1)
	is.True(!tally.Complete())
	numbers.Release(1)
	is.True(tally.Complete())
	tally.Arrive(1, numbers.Split(1, 0, 1), ready)
	is.True(!tally.Complete()) // only Whole knows
	is.True(tally.Whole(1))
	_, other := one(2)
	other.Arrive(0, 1, ready)
	other.Arrive(1, 0, ready)
	is.True(!other.Complete())
}
