package redeliver_test

import (
	"math"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/redeliver"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

func failureAt(attempt int) batch.Failure {
	return batch.Failure{Record: batch.Record{Attempt: attempt}}
}

func TestAnExponentialWaitIsBetweenHalfOfItsTimeAndAllOfIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := time.Duration(rapid.Int64Range(1, int64(12*time.Hour)).Draw(t, "first"))
		most := time.Duration(rapid.Int64Range(int64(first), int64(12*time.Hour)).Draw(t, "most"))
		n := rapid.OneOf(rapid.IntRange(-1, 70), rapid.SampledFrom([]int{1_000_000, math.MaxInt})).Draw(t, "attempt")
		want := min(float64(first)*math.Pow(2, float64(max(n, 1)-1)), float64(most))
		got := float64(redeliver.Exponential(first, most)(failureAt(n)))
		if got > want || got < math.Floor(want/2) {
			t.Fatalf("attempt %d waits %v of %v", n, time.Duration(got), time.Duration(want))
		}
	})
}

func TestExponentialWaitsAreSpreadOverThatRange(t *testing.T) {
	is := is.New(t)
	wait := redeliver.Exponential(time.Second, time.Hour)
	var quarters [4]int
	for range 4000 {
		quarters[min(3, (wait(failureAt(3))-2*time.Second)/(500*time.Millisecond))]++
	}
	for _, n := range quarters {
		is.True(n > 800 && n < 1200) // a thousand each on average; outside these bounds once in a billion runs
	}
}
