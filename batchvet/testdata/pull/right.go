package pull

import (
	"iter"
	"slices"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// No function here leaves a stream without its stop function.

func stops(s messages) messages {
	return func(yield func(batch.Result[events.SQSMessage]) bool) {
		next, stop := iter.Pull(s)
		defer stop()
		if r, ok := next(); ok {
			yield(r)
		}
	}
}

func returns(s messages) (func() (batch.Result[events.SQSMessage], bool), func()) {
	return iter.Pull(s)
}

// Other sequences have no records.
func numbers() int {
	next, _ := iter.Pull(slices.Values([]int{1, 2}))
	n, _ := next()
	return n
}

func stopsLater(s messages) func() {
	next, stop := iter.Pull(s)
	_ = stop
	_, _ = next()
	return stop
}

func stopsBefore(s messages, stop func()) {
	stop()
	_, stop = iter.Pull(s)
	stop()
}
