package batch

import (
	"math"
	"testing"

	"github.com/lambdabatch/batch/internal/ledger"
	"github.com/lambdabatch/batch/internal/order"
	"github.com/matryer/is"
)

// nestedLevels are levels of which each is in a lane of the one before. The Results that leave such a lane get number 1.
func nestedLevels(n int) []*level {
	all := []*level{{}}
	for range n - 1 {
		all = append(all, &level{outer: all[len(all)-1], left: 1})
	}
	for _, l := range all {
		l.order.Init(func(int) int32 { return 1 })
	}
	return all
}

// The lanes around a lane may end first if the consumer no longer waits for them.
func TestFailuresInALaneThatHasEndedReachTheLevelsOutsideThoughOneOfThemHasEndedToo(t *testing.T) {
	is := is.New(t)
	l := nestedLevels(4)
	l[1].close()
	l[3].close()
	l[3].noteLate() // a failure has begun there

	v := &visit{crossing: &crossing{outer: l[1]}, entry: entry{level: l[2]}}
	v.end()

	is.Equal(l[2].lateLevels(), []*level{l[3]})
	is.Equal(l[1].lateLevels(), []*level{l[3]})
	is.Equal(l[0].lateLevels(), []*level{l[1]})
}

func TestALaneThatEndsHandsOnThatThereWereFailuresInLanesThatHadEnded(t *testing.T) {
	is := is.New(t)
	l := nestedLevels(3)
	l[2].close()
	l[2].noteLate()
	is.Equal(l[0].lateLevels(), nil)
	l[1].close()
	is.Equal(l[0].lateLevels(), []*level{l[1]})
}

// The lanes are within lanes. A record that has not left the outer ones has not come as far as a Result that was carried out of all.
func TestAFailedAttemptInLanesThatHaveEndedHoldsBackNothingBeforeThem(t *testing.T) {
	is := is.New(t)
	l := nestedLevels(3)
	for _, ended := range l[1:] {
		ended.close()
	}
	l[2].order.Try(order.Failure{Index: 0}, true, 0, ledger.Verdict{})
	l[2].noteLate()
	for after, held := range map[uint8]bool{0: false, 1: true, 2: true, math.MaxUint8: true} {
		_, ok := l[0].blocker(3, order.Place{After: after})
		is.Equal(ok, held)
	}
}
