package batch

// How bad configuration fails.

import (
	"fmt"
	"strings"
)

// require panics unless ok. It makes bad arguments fail when a stage is built, not when it runs.
func require(ok bool, function, complaint string) {
	if !ok {
		panic("batch: " + function + ": " + complaint)
	}
}

// requireStream returns the Stream that a user's stage has made. It panics if the Stream is nil.
func requireStream[T any](s Stream[T]) Stream[T] {
	require(s != nil, "stage", "it returned a nil Stream")
	return s
}

func requireStage[T any](stage, argument string, s Stream[T], given bool) {
	requireGiven[T](stage, "s", s != nil)
	requireGiven[T](stage, argument, given)
}

// requireGiven names the type of the values in its panic, to tell stages of one kind apart.
func requireGiven[T any](stage, argument string, given bool) {
	if !given { // the text costs, so it is made only for the panic
		values := strings.TrimPrefix(fmt.Sprintf("%T", (*T)(nil)), "*")
		require(false, stage, fmt.Sprintf("%s is nil, in the stage that takes %s", argument, values))
	}
}
