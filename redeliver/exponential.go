package redeliver

import (
	"math/rand/v2"
	"time"

	"github.com/lambdabatch/batch"
)

// Exponential doubles the wait with each attempt: the first waits about first, the second about twice as long, and
// none longer than most. Each wait is a random time between half of that and all of it, so that messages that
// failed together are redelivered apart. Below two seconds the rounding to whole seconds leaves nothing of that.
//
// The attempt is the receive count of the message. A message that does not tell it waits as after its first attempt.
func Exponential(first, most time.Duration) func(batch.Failure) time.Duration {
	require(first > 0, "Exponential", "first is not positive")
	require(most >= first, "Exponential", "most is less than first")
	require(most <= longest, "Exponential", "most is longer than 12 hours, which SQS does not allow")
	return func(f batch.Failure) time.Duration {
		d := first
		for n := 1; n < f.Record.Attempt && d < most; n++ {
			d *= 2
		}
		d = min(d, most)
		return d/2 + rand.N(d-d/2+1)
	}
}
