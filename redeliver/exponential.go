package redeliver

import (
	"math/rand/v2"
	"time"

	"github.com/lambdabatch/batch"
)

// Exponential returns a wait function for [After] that doubles the wait with each attempt, from first up to
// most. Each wait is drawn at random from the upper half of that time, so messages that failed together are
// redelivered apart. Below two seconds, rounding to whole seconds undoes this.
//
// Exponential panics unless 0 < first <= most <= 12 hours.
//
// The attempt is the message's receive count. A message without one waits as if it were the first attempt.
func Exponential(first, most time.Duration) func(batch.Failure) time.Duration {
	require(first > 0, "Exponential", "first is not positive")
	require(most >= first, "Exponential", "most is less than first")
	require(most <= maxInvisible, "Exponential", "most is longer than 12 hours, which SQS does not allow")
	return func(f batch.Failure) time.Duration {
		d := first
		for n := 1; n < f.Record.Attempt && d < most; n++ {
			d *= 2
		}
		d = min(d, most)
		return d/2 + rand.N(d-d/2+1)
	}
}
