package ledger_test

import (
	"testing"

	"github.com/lambdabatch/batch/internal/ledger"
	"github.com/matryer/is"
)

func TestOnlyTheFirstSplitAndTheFirstHeldResultOfABatchNeedATable(t *testing.T) {
	is := is.New(t)
	numbers, _ := one(10)
	is.Equal(testing.AllocsPerRun(10, func() {
		for record := range 10 {
			numbers.Hold(record)
			numbers.Release(record)
			numbers.Split(record, 0, 1)
		}
	}), 0.0) // AllocsPerRun calls the function once before it counts
}

func TestAStayThatIsSplitAgainAndAgainTakesNoRoom(t *testing.T) {
	is := is.New(t)
	const runs = 10
	stays := make([]ledger.Stay, runs+1) // AllocsPerRun calls the function once more
	at := 0
	is.Equal(testing.AllocsPerRun(runs, func() {
		stay := &stays[at]
		at++
		stay.Enter(0)
		for number := range uint32(1000) {
			stay.Split(number, number+1, 1)
		}
	}), 2.0) // the list of parts, with one part in it
}

func TestPartsThatArriveWithoutAFailureNeedOneTable(t *testing.T) {
	is := is.New(t)
	none := testing.AllocsPerRun(100, func() { one(10) })
	is.Equal(testing.AllocsPerRun(100, func() {
		_, tally := one(10)
		tally.Arrive(0, 0, ready)
		tally.Arrive(1, 0, done)
	})-none, 1.0)
}
