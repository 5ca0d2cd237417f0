package order_test

import (
	"testing"

	"github.com/lambdabatch/batch/internal/order"
	"github.com/matryer/is"
)

// in returns an Order of records in these lines.
func in(lines ...int32) *order.Order[string] {
	o := new(order.Order[string])
	o.Init(func(index int) int32 { return lines[index] })
	return o
}

// of returns a failure of the first part of a record.
func of(index int, version uint16) order.Failure {
	return order.Failure{Index: index, Version: version}
}

// blocker returns the record that holds back a record in these lanes, or -1. If there are lanes before these, the
// record has left them.
func blocker(o *order.Order[string], index int, lanes uint8) int {
	return blockerAt(o, index, order.Place{After: max(lanes, 1) - 1, Inside: uint32(lanes)})
}

func blockerAt(o *order.Order[string], index int, at order.Place) int {
	by, ok := o.Blocker(index, at)
	if !ok {
		return by - 1 // by is 0
	}
	return by
}

func TestAFailureHoldsBackTheRecordsAfterItInItsLine(t *testing.T) {
	is := is.New(t)
	o := in(1, 2, 1, 1, 2)
	is.Equal(blocker(o, 3, 0), -1)
	o.Fail(of(2, 0), true, "late")
	o.Fail(of(0, 0), true, "early")
	is.Equal(blocker(o, 3, 0), 0)
	is.Equal(blocker(o, 2, 0), 0)
	is.Equal(blocker(o, 0, 0), -1) // a record does not hold itself back
	is.Equal(blocker(o, 4, 0), -1)
}

func TestAFailureIsSettledByItsDescendants(t *testing.T) {
	is := is.New(t)
	o := in(1, 1)
	first := o.Fail(of(0, 0), true, "first")
	second := o.Fail(of(0, first), true, "second") // the next stage sees its Result
	is.True(second != first)
	o.Pass(of(0, first))
	is.Equal(blocker(o, 1, 0), 0)
	o.Pass(order.Failure{Index: 0, Number: 1, Version: second}) // another part
	is.Equal(blocker(o, 1, 0), 0)
	o.Pass(of(0, second))
	is.Equal(blocker(o, 1, 0), -1)
	is.True(!o.Open())
}

func TestEachCopyOfAFailedResultIsASeparateFailure(t *testing.T) {
	is := is.New(t)
	o := in(1, 1)
	version := o.Fail(of(0, 0), true, "boom")
	one := o.Fail(of(0, version), true, "boom")
	other := o.Fail(of(0, version), true, "boom") // the stage sent it twice
	is.True(one != other)
	o.Pass(of(0, one))
	is.Equal(blocker(o, 1, 0), 0)
	o.Pass(of(0, 0)) // a copy that never failed settles nothing
	is.Equal(blocker(o, 1, 0), 0)
	o.Pass(of(0, other))
	is.Equal(blocker(o, 1, 0), -1)
}

func TestARecordHoldsBackUntilTheLastOfItsPartsIsSettled(t *testing.T) {
	is := is.New(t)
	o := in(1, 1)
	var versions [3]uint16
	for number := range versions {
		versions[number] = o.Fail(order.Failure{Index: 0, Number: uint32(number)}, true, "boom")
	}
	for number, version := range versions {
		is.Equal(blocker(o, 1, 0), 0)
		o.Pass(order.Failure{Index: 0, Number: uint32(number), Version: version})
	}
	is.Equal(blocker(o, 1, 0), -1)
}

func TestAnUnseenFailureIsDroppedByTheNextResultOfItsPart(t *testing.T) {
	for name, next := range map[string]func(o *order.Order[string]){
		"that continues":   func(o *order.Order[string]) { o.Pass(of(0, 0)) },
		"that fails again": func(o *order.Order[string]) { o.Pass(of(0, o.Fail(of(0, 0), true, "again"))) },
		"that is retried":  func(o *order.Order[string]) { o.Try(of(0, 0), true, 0, "again"); o.Pass(of(0, 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			o := in(1, 1)
			o.Try(of(0, 0), true, 0, "first")
			is.True(o.Unseen())
			is.Equal(blocker(o, 1, 0), 0)
			next(o)
			is.True(!o.Unseen())
			is.True(!o.Open())
			is.Equal(blocker(o, 1, 0), -1)
		})
	}
}

func TestAnUnseenFailureOfAnotherPartStays(t *testing.T) {
	is := is.New(t)
	o := in(1, 1)
	o.Try(order.Failure{Index: 0, Number: 1}, true, 0, "first")
	o.Pass(of(0, 0))
	is.True(o.Unseen())
	is.Equal(blocker(o, 1, 0), 0)
}

func TestAFailureInLanesHoldsBackOnlyRecordsOutsideThem(t *testing.T) {
	is := is.New(t)
	o := in(1, 1)
	version := o.Fail(of(0, 0), true, "boom")
	o.Enter(of(0, version), 2)
	is.Equal(blocker(o, 1, 2), -1)
	is.Equal(blocker(o, 1, 1), 0) // other lanes
	is.Equal(blocker(o, 1, 0), 0)
	o.Enter(of(0, version), 0)
	is.Equal(blocker(o, 1, 2), 0) // it was discarded in them
	o.Enter(of(0, version), 2)
	o.Fail(of(0, version), true, "boom") // it has left them
	is.Equal(blocker(o, 1, 2), 0)
}

func TestAFailureThatMayBeTriedAgainAfterLanesHoldsBackNothingInThemOrBefore(t *testing.T) {
	is := is.New(t)
	o := in(1, 1)
	o.Try(of(0, 0), true, 2, "boom")
	is.Equal(blocker(o, 1, 1), -1)
	is.Equal(blocker(o, 1, 2), -1)
	is.Equal(blocker(o, 1, 3), 0)  // lanes after those
	is.Equal(blocker(o, 1, 0), -1) // before all lanes
	is.Equal(blockerAt(o, 1, order.Place{After: 1}), -1)
	is.Equal(blockerAt(o, 1, order.Place{After: 2}), 0)
	is.Equal(blockerAt(o, 1, order.Place{After: 3}), 0)
	is.Equal(blockerAt(o, 1, order.Place{After: 3, Before: true}), -1)
	o.Fail(of(0, 0), true, "boom")
	is.Equal(blocker(o, 1, 1), 0) // a stage has seen it
}

func TestSettlingAFailureLeavesAnUnseenOneOfItsPart(t *testing.T) {
	is := is.New(t)
	o := in(1, 1)
	version := o.Fail(of(0, 0), true, "boom")
	o.Try(of(0, 0), true, 0, "again")
	o.Settle(of(0, version))
	is.True(o.Unseen())
	is.Equal(blocker(o, 1, 0), 0)
	o.Pass(of(0, 0))
	is.True(!o.Open())
}

func TestARecordWithoutALineHoldsBackNoOtherAndIsNeverHeldBack(t *testing.T) {
	is := is.New(t)
	o := in(order.None, order.None, 1, order.Any)
	o.Fail(of(0, 0), true, "boom")
	for index := range 4 {
		is.Equal(blocker(o, index, 0), -1)
	}
	o = in(1, order.None)
	o.Fail(of(0, 0), true, "boom")
	is.Equal(blocker(o, 1, 0), -1)
}

func TestARecordThatMayBeInEveryLineHoldsBackAllAfterItAndIsHeldByAll(t *testing.T) {
	is := is.New(t)
	o := in(2, 1, order.Any, 3, order.Any, order.None)
	o.Fail(of(1, 0), true, "boom")
	version := o.Fail(of(0, 0), true, "boom")
	is.Equal(blocker(o, 2, 0), 0)
	o.Pass(of(0, version))
	is.Equal(blocker(o, 2, 0), 1)
	is.Equal(blocker(o, 3, 0), -1)
	o.Fail(of(2, 0), true, "boom")
	is.Equal(blocker(o, 1, 0), -1)
	is.Equal(blocker(o, 3, 0), 2)
	is.Equal(blocker(o, 4, 0), 1)
	is.Equal(blocker(o, 5, 0), 2)
	version = o.Fail(of(0, 0), true, "boom") // after Blocker was called for a record in Any
	is.Equal(blocker(o, 4, 0), 0)
	o.Enter(of(0, version), 1)
	is.Equal(blocker(o, 4, 1), 1)
	o.Pass(of(0, version))
	is.Equal(blocker(o, 4, 0), 1)
}

func TestTheFirstFailureHoldsBackWhetherItsLineIsKnownOrNot(t *testing.T) {
	is := is.New(t)
	o := in(1, order.Any, 1, order.Any, 1)
	version := o.Fail(of(0, 0), true, "boom")
	o.Fail(of(1, 0), true, "boom")
	o.Fail(of(2, 0), true, "boom")
	is.Equal(blocker(o, 4, 0), 0)
	o.Pass(of(0, version))
	is.Equal(blocker(o, 4, 0), 1)
}

func TestAFailureThatHoldsBackNoRecordIsKept(t *testing.T) {
	is := is.New(t)
	o := in(1, 1)
	version := o.Fail(of(0, 0), false, "boom")
	is.Equal(blocker(o, 1, 0), -1)
	is.Equal(o.Unsettled(), []order.Cause[string]{{Failure: of(0, version), Cause: "boom"}})
}

func TestTheZeroOrderKeepsFailuresAndHoldsBackNoRecord(t *testing.T) {
	is := is.New(t)
	var o order.Order[string]
	o.Pass(of(0, 1))
	o.Enter(of(0, 1), 1)
	is.Equal(len(o.Unsettled()), 0)
	version := o.Fail(of(0, 0), true, "boom")
	is.Equal(blocker(&o, 1, 0), -1)
	is.Equal(o.Unsettled(), []order.Cause[string]{{Failure: of(0, version), Cause: "boom"}})
	o.Pass(of(0, version))
	is.Equal(len(o.Unsettled()), 0)
}

func TestLeavingAStayReturnsOnlyItsOwnFailures(t *testing.T) {
	is := is.New(t)
	o := in(1, 1)
	fail := func(number uint32, stay uint32, cause string) order.Failure {
		f := order.Failure{Index: 0, Number: number, Stay: stay}
		f.Version = o.Fail(f, true, cause)
		return f
	}
	first, settled := fail(2, 7, "first"), fail(1, 7, "settled")
	fail(2, 8, "of a copy")
	fail(3, 0, "outside")
	third := fail(0, 7, "third")
	o.Pass(settled)
	is.True(o.Failed(7))
	is.True(o.Failed(8))
	is.True(!o.Failed(9))
	is.Equal(o.Leave(7), []order.Cause[string]{{Failure: third, Cause: "third"}, {Failure: first, Cause: "first"}})
	is.Equal(len(o.Leave(7)), 0)
	is.Equal(len(o.Unsettled()), 4)
}

func TestAFailureRepeatedTooOftenIsNeverSettled(t *testing.T) {
	const most = 1<<16 - 1
	is := is.New(t)
	o := in(1, 1)
	version := uint16(0)
	for range most - 1 {
		version = o.Fail(of(0, version), true, "boom")
	}
	last := o.Fail(of(0, version), true, "last")
	is.Equal(last, uint16(most))
	is.Equal(o.Fail(of(0, version), true, "copy"), uint16(most)) // they cannot be told apart
	o.Pass(of(0, last))
	is.Equal(blocker(o, 1, 0), 0)
	is.Equal(len(o.Unsettled()), 2)
}
