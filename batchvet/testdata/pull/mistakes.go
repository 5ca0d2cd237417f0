// Package pull reads streams with iter.Pull.
package pull

import (
	"iter"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

type messages = batch.Stream[events.SQSMessage]

func first(s messages) messages {
	return func(yield func(batch.Result[events.SQSMessage]) bool) {
		next, _ := iter.Pull(s) // want `^the stop function of iter.Pull is not used, so the record that was pulled last is reported as still running unless the stream ends first: name it and defer its call$`
		if r, ok := next(); ok {
			yield(r)
		}
	}
}

func pairs(s messages, seconds batch.Stream[int]) {
	var next, _ = iter.Pull(s)                          // want `the stop function of iter.Pull is not used`
	other, _ := (iter.Pull[batch.Result[int]])(seconds) // want `the stop function of iter.Pull is not used`
	for r, ok := next(); ok; r, ok = next() {
		_, _ = other()
		_ = r
	}
}

func silenced(s messages) {
	next, stop := iter.Pull(s) // want `the stop function of iter.Pull is not used`
	_ = stop
	_, _ = next()
}
