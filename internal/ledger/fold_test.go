package ledger_test

import (
	"fmt"
	"testing"

	"github.com/lambdabatch/batch/internal/ledger"
	"github.com/matryer/is"
)

func TestALookAheadWithoutArrivalsDoesNotCount(t *testing.T) {
	for name, test := range map[string]struct {
		left, ended, cut bool
		counts           bool
	}{
		"it came to its end":                          {ended: true},
		"the stage broke out of it":                   {left: true},
		"broke out, and then the pipeline was cut":    {left: true, cut: true},
		"the pipeline was cut while it was under way": {cut: true, counts: true},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			_, whole := one(1)
			whole.Arrive(0, 0, ready)
			whole.Ended = true
			_, other := one(1)
			other.Left, other.Ended = test.left, test.ended
			want := ledger.Done
			if test.counts {
				want = ledger.Unreached
			}
			is.True(whole.Counts(test.cut, false))
			is.Equal(other.Counts(test.cut, true), test.counts)
			f := ledger.NewFold(1, []*ledger.Tally{whole, other}, test.cut)
			is.Equal(f.Of(0).State, want)
			f = ledger.NewFold(1, []*ledger.Tally{other, whole}, test.cut)
			is.Equal(f.Of(0).State, want)
		})
	}
}

func TestTheLastIterationOfACutPipelineCountsEvenIfItsSourceEnded(t *testing.T) {
	is := is.New(t)
	_, first := one(1)
	first.Arrive(0, 0, ready)
	_, last := one(1)
	last.Ended = true // a stage may hold everything back
	f := ledger.NewFold(1, []*ledger.Tally{first, last}, true)
	is.Equal(f.Of(0).State, ledger.Unreached)
	f = ledger.NewFold(1, []*ledger.Tally{last, first}, true)
	is.Equal(f.Of(0).State, ledger.Done)
}

// Both ranges gave the stage all records but the last one of the first range. Everything of the second has arrived.
func TestOfAnIterationInWhichFunctionsWereCalledTheStageMayHaveKeptResults(t *testing.T) {
	for name, test := range map[string]struct {
		acted, held, exited, cut bool
		want                     []ledger.Verdict
	}{
		"nothing was done":                     {cut: true, want: []ledger.Verdict{done, done, done}},
		"functions were called":                {acted: true, cut: true, want: []ledger.Verdict{unreached, unreached, done}},
		"functions were called, and it ended":  {acted: true, want: []ledger.Verdict{done, done, done}},
		"a result is held":                     {held: true, cut: true, want: []ledger.Verdict{unreached, unreached, done}},
		"a result is left in a chunk":          {held: true, want: []ledger.Verdict{done, done, done}},
		"a goroutine ended":                    {exited: true, want: []ledger.Verdict{unreached, unreached, unreached}},
		"a goroutine ended, and then time did": {exited: true, cut: true, want: []ledger.Verdict{unreached, unreached, unreached}},
	} {
		for _, left := range []bool{false, true} {
			t.Run(fmt.Sprint(name, left), func(t *testing.T) {
				is := is.New(t)
				numbers, first := one(3)
				first.Left, first.Ended, first.Begun, first.Acted, first.Interrupted = left, !left, 2, test.acted, test.exited
				if test.held {
					numbers.Hold(1)
				}
				_, second := one(3)
				for record := range 3 {
					second.Arrive(record, 0, ready)
				}
				f := ledger.NewFold(3, []*ledger.Tally{first, second}, test.cut)
				is.Equal(verdicts(&f, 3), test.want)
			})
		}
	}
}

func TestOnlyAWorseVerdictChangesOne(t *testing.T) {
	is := is.New(t)
	f := folded(done)
	is.True(!f.Worsen(0, done))
	is.True(f.Worsen(0, blocked))
	is.True(!f.Worsen(0, notStarted))
	is.True(f.Worsen(0, failed))
	is.True(!f.Worsen(0, failed))
	is.Equal(f.Of(0), failed)
}

func TestAnIterationThatWasLeftCountsIfAnythingHasArrived(t *testing.T) {
	is := is.New(t)
	_, tally := one(2)
	tally.Arrive(0, 0, ready)
	tally.Left = true
	is.Equal(state(tally, 2, 0), ledger.Done)
	is.Equal(state(tally, 2, 1), ledger.Unreached)
}

func TestRecordsAreUnreachedIfNoIterationCounts(t *testing.T) {
	is := is.New(t)
	_, tally := one(1)
	tally.Left = true
	is.Equal(state(tally, 1, 0), ledger.Unreached)
	f := ledger.NewFold(2, nil, false)
	is.Equal(verdicts(&f, 2), []ledger.Verdict{unreached, unreached})
	f = ledger.NewFold(0, nil, false)
	is.True(f.Clean())
}

func TestAFailureOfALookAheadCounts(t *testing.T) {
	is := is.New(t)
	_, ahead := one(2)
	ahead.Left = true
	ahead.Fail(1, failed)
	_, whole := one(2)
	whole.Arrive(0, 0, ready)
	whole.Arrive(1, 0, ready)
	f := ledger.NewFold(2, []*ledger.Tally{ahead, whole}, false)
	is.Equal(verdicts(&f, 2), []ledger.Verdict{done, failed})
}

func TestARecordMustBeAcknowledgedInEachIteration(t *testing.T) {
	is := is.New(t)
	_, first := one(3)
	_, second := one(3)
	for record := range 3 {
		first.Arrive(record, 0, ready)
	}
	second.Arrive(0, 0, ready)
	second.Arrive(1, 0, failed)
	f := ledger.NewFold(3, []*ledger.Tally{first, second}, false)
	is.Equal(verdicts(&f, 3), []ledger.Verdict{done, failed, unreached})
}

func TestAFoldIsCleanIfEveryRecordIsAcknowledged(t *testing.T) {
	is := is.New(t)
	f := folded(ready, done)
	is.True(f.Clean())
	is.Equal(f.Reported(), 0)
	f.Worsen(1, done)
	f.HoldBack(func(int) int32 { return 1 }, func(int) bool { return true })
	is.True(!f.ReportShared(func(int) string { return "same" }))
	is.True(f.Clean())
	is.Equal(verdicts(f, 2), []ledger.Verdict{done, done})
	f.Worsen(1, failed)
	is.True(!f.Clean())
	is.Equal(f.Reported(), 1)
	is.Equal(verdicts(f, 2), []ledger.Verdict{done, failed})
	f.Worsen(0, blocked)
	is.Equal(f.Reported(), 2)
}

func TestAVerdictOnlyGetsWorse(t *testing.T) {
	is := is.New(t)
	f := folded(ready)
	for _, step := range []struct{ with, want ledger.Verdict }{
		{done, done}, {ready, done}, {blocked, blocked}, {done, blocked}, {ready, blocked}, {notStarted, blocked}, {failed, failed}, {blocked, failed},
		{ledger.Verdict{State: ledger.Failed, Err: errSecond}, failed},
	} {
		f.Worsen(0, step.with)
		is.Equal(f.Of(0), step.want)
	}
}

func TestUnreachReportsRecordsThatWouldBeAcknowledged(t *testing.T) {
	is := is.New(t)
	f := folded(ready, failed, blocked)
	f.Unreach()
	is.Equal(verdicts(f, 3), []ledger.Verdict{unreached, failed, blocked})
}

func TestARecordMarkedAsRunningIsReportedEvenIfACopyArrived(t *testing.T) {
	is := is.New(t)
	running := ledger.Verdict{State: ledger.Running}
	f := folded(ready, failed, notStarted, unreached)
	for record := range 4 {
		f.MarkRunning(record)
	}
	is.Equal(verdicts(f, 4), []ledger.Verdict{running, failed, notStarted, running})
	f = folded(ready, ready)
	f.MarkRunning(1)
	is.Equal(verdicts(f, 2), []ledger.Verdict{done, running})
}

func TestARecordIsNotAcknowledgedWhileACopyOfItIsHeld(t *testing.T) {
	is := is.New(t)
	n, tally := one(2)
	for record := range 2 {
		tally.Arrive(record, 0, ready)
	}
	n.Hold(1)
	n.Hold(1)
	n.Release(1)
	fold := func() []ledger.Verdict {
		f := ledger.NewFold(2, []*ledger.Tally{tally}, false)
		return verdicts(&f, 2)
	}
	is.Equal(fold(), []ledger.Verdict{done, unreached})
	n.Release(1)
	is.Equal(fold(), []ledger.Verdict{done, done})
}

func TestALookAheadCountsItsFailuresButNotInterruptedRecords(t *testing.T) {
	is := is.New(t)
	n, ahead := one(3)
	ahead.Left = true
	n.Hold(0)
	ahead.Fail(1, notStarted)
	ahead.Fail(2, failed)
	_, tally := one(3)
	for record := range 3 {
		tally.Arrive(record, 0, ready)
	}
	f := ledger.NewFold(3, []*ledger.Tally{ahead, tally}, false)
	is.Equal(verdicts(&f, 3), []ledger.Verdict{done, done, failed})
	f = ledger.NewFold(3, []*ledger.Tally{ahead}, false)
	is.Equal(verdicts(&f, 3), []ledger.Verdict{unreached, notStarted, failed})
}

func TestAFailedRecordHoldsBackTheOnesAfterItInItsLine(t *testing.T) {
	all := func(int) bool { return true }
	for name, test := range map[string]struct {
		line []int32
		want []ledger.Verdict
	}{
		"no line":                       {[]int32{0, 0, 0, 0}, []ledger.Verdict{done, failed, done, done}},
		"groups":                        {[]int32{1, 1, 2, 1}, []ledger.Verdict{done, failed, done, blockedBy(1)}},
		"whole batch":                   {[]int32{1, 1, 1, 1}, []ledger.Verdict{done, failed, blockedBy(1), blockedBy(1)}},
		"maybe in every line, after":    {[]int32{1, 1, ledger.Any, 2}, []ledger.Verdict{done, failed, blockedBy(1), blockedBy(2)}},
		"maybe in every line, failed":   {[]int32{1, ledger.Any, 2, 0}, []ledger.Verdict{done, failed, blockedBy(1), blockedBy(1)}},
		"maybe in every line, and none": {[]int32{1, 0, ledger.Any, 1}, []ledger.Verdict{done, failed, done, done}},
	} {
		t.Run(name, func(t *testing.T) {
			f := folded(ready, failed, ready, ready)
			f.HoldBack(func(record int) int32 { return test.line[record] }, all)
			is.New(t).Equal(verdicts(f, 4), test.want)
		})
	}
}

func TestARecordThatDoesNotBlockHoldsBackNoOther(t *testing.T) {
	is := is.New(t)
	f := folded(failed, failed, ready)
	f.HoldBack(func(int) int32 { return 1 }, func(record int) bool { return record != 0 })
	is.Equal(verdicts(f, 3), []ledger.Verdict{failed, failed, blockedBy(1)})
	f = folded(failed, ready, ready)
	f.HoldBack(func(int) int32 { return 1 }, func(record int) bool { return record != 0 })
	is.Equal(verdicts(f, 3), []ledger.Verdict{failed, done, done})
}

func TestARecordIsHeldBackByTheFirstFailureOfItsLine(t *testing.T) {
	is := is.New(t)
	f := folded(failed, ready, failed, ready, unreached)
	f.HoldBack(func(int) int32 { return 1 }, func(int) bool { return true })
	is.Equal(verdicts(f, 5), []ledger.Verdict{failed, blockedBy(0), failed, blockedBy(0), unreached})
}

func TestARecordThatMayBeInEveryLineIsHeldBackByTheFirstFailureOfAll(t *testing.T) {
	is := is.New(t)
	line := []int32{3, 1, 2, 4, ledger.Any}
	for range 20 { // the lines are in a map
		f := folded(ready, failed, failed, failed, ready)
		f.HoldBack(func(record int) int32 { return line[record] }, func(int) bool { return true })
		is.Equal(verdicts(f, 5), []ledger.Verdict{done, failed, failed, failed, blockedBy(1)})
	}
}

func TestTheFirstRecordOfABatchHoldsBackAsAnyOtherDoes(t *testing.T) {
	for name, test := range map[string]struct {
		line []int32
		want []ledger.Verdict
	}{
		"a record that may be in every line":               {[]int32{1, 2, ledger.Any}, []ledger.Verdict{failed, failed, blockedBy(0)}},
		"if it may itself be in every line":                {[]int32{ledger.Any, 1, 2}, []ledger.Verdict{failed, failed, blockedBy(0)}},
		"if it and the next may themselves be in any line": {[]int32{ledger.Any, ledger.Any, 2}, []ledger.Verdict{failed, failed, blockedBy(0)}},
	} {
		t.Run(name, func(t *testing.T) {
			f := folded(failed, failed, ready)
			f.HoldBack(func(record int) int32 { return test.line[record] }, func(int) bool { return true })
			is.New(t).Equal(verdicts(f, 3), test.want)
		})
	}
}

func TestAnIterationWithoutArrivalsMayOnlyCountAsTheLastOfACutPipeline(t *testing.T) {
	is := is.New(t)
	_, arrived := one(1)
	arrived.Arrive(0, 0, ready)
	_, ended := one(1)
	ended.Ended = true
	_, left := one(1)
	left.Left = true
	for _, last := range []bool{false, true} {
		for _, cut := range []bool{false, true} {
			is.True(arrived.Counts(cut, last))
			is.True(!left.Counts(cut, last))
			is.Equal(ended.Counts(cut, last), cut && last) // it may have been under way
		}
	}
}

func TestReportedCountsTheRecordsThatAreNotAcknowledged(t *testing.T) {
	is := is.New(t)
	is.Equal(folded(ready, done).Reported(), 0)
	is.Equal(folded(ready, failed, blocked, unreached).Reported(), 3)
}

func TestTheRestIsBlockedByTheFirstReportedRecord(t *testing.T) {
	is := is.New(t)
	f := folded(ready, failed, unreached, done, blocked)
	f.BlockRest()
	is.Equal(verdicts(f, 5), []ledger.Verdict{blockedBy(1), failed, unreached, blockedBy(1), blocked})
}

func TestRecordsThatShareAnIdentifierAreReportedTogether(t *testing.T) {
	is := is.New(t)
	ids := []string{"a", "b", "a", "", ""}
	f := folded(ready, ready, failed, unreached, ready)
	id := func(record int) string { return ids[record] }
	is.True(f.ReportShared(id))
	is.Equal(verdicts(f, 5), []ledger.Verdict{blockedBy(2), done, failed, unreached, done})
	is.True(!f.ReportShared(id))
}
