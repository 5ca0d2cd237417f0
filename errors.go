package batch

// The errors of results: the panic of a function, and the reasons why a record was not processed.

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/lambdabatch/batch/internal/printable"
)

// PanicError is the error of a result whose function panicked. [Run] and handlers also
// return it if a stage panics outside of the functions that it calls.
type PanicError struct {
	Value any    // the value of the panic
	Stack []byte // the stack of the panic, as runtime/debug.Stack formats it
}

func (p *PanicError) Error() string {
	if p == nil {
		return "panic"
	}
	return printable.Text(fmt.Sprintf("panic: %v", p.Value))
}

// Unwrap returns the value of the panic if that is an error.
func (p *PanicError) Unwrap() error {
	if p == nil {
		return nil
	}
	err, _ := p.Value.(error)
	return err
}

func newPanicError(value any) *PanicError {
	if p, _ := value.(*PanicError); p != nil {
		return p // it was recovered on another goroutine, and has that one's stack
	}
	return &PanicError{Value: value, Stack: debug.Stack()}
}

// panicOrExit is the error of a function that did not return. If recovered is nil, the
// function has ended its goroutine.
func panicOrExit(recovered any) error {
	if recovered == nil {
		return errExited
	}
	return newPanicError(recovered)
}

// The errors of unprocessed results. Test for them with [errors.Is].
var (
	// ErrBlocked means that the policy of the source held the record back because
	// another record failed.
	ErrBlocked = errors.New("blocked")
	// ErrNotStarted means that the record's context ended before the next function
	// was called for it. The error also wraps the cause of the end.
	ErrNotStarted = errors.New("not started")
	// ErrUnreached means that a result of the record did not reach the collector: a
	// stage dropped it, or it was not finished in time. If the records' contexts had
	// ended by then, the error also wraps the cause of the end.
	ErrUnreached = errors.New("unreached")
	// ErrRunning means that a function called for the record had not returned when the
	// response was due. The error is also ErrUnreached, and wraps the same cause.
	ErrRunning = errors.New("running")
)

// ErrNoRoute is the error of a result whose key has no route in [Route]. The text of the
// error contains the key.
var ErrNoRoute = errors.New("no route")

var (
	errNoRecord = errors.New("result without a record")
	errNilFail  = errors.New("failed without an error")
	errExited   = errors.New("the function ended its goroutine")
)

// The following types keep positions and make their text late: most are never printed.

type blockedError struct {
	batch     *batch
	index, by int32
}

func (e *blockedError) Error() string {
	by := e.batch.id(int(e.by))
	if by == e.batch.id(int(e.index)) {
		return fmt.Sprintf("blocked by another record %q: they share an identifier", by)
	}
	return fmt.Sprintf("blocked by record %q", by)
}
func (e *blockedError) Unwrap() error { return ErrBlocked }

type notStartedError struct{ cause error }

func (e *notStartedError) Error() string   { return fmt.Sprintf("not started: %v", e.cause) }
func (e *notStartedError) Unwrap() []error { return []error{ErrNotStarted, e.cause} }

type unreachedError struct {
	running bool
	ended   error // why the records' contexts had ended; nil if they had not
}

func (e *unreachedError) Error() string {
	if e.running {
		return "running: its function had not returned when the response was due"
	}
	return "unreached: dropped by a stage, or waiting when the response was due"
}

func (e *unreachedError) Is(target error) bool {
	return target == ErrUnreached || e.running && target == ErrRunning
}

func (e *unreachedError) Unwrap() error { return e.ended }

// PayloadError is the error of a [Handler] whose payload is not an event of its source.
// Trying again cannot help: an event source mapping invokes the wrong function, or the
// function was invoked by hand.
type PayloadError struct {
	Err error // says what was expected and what the payload is
}

func (e *PayloadError) Error() string { return printable.Text(errorText(e.Err)) }
func (e *PayloadError) Unwrap() error { return e.Err }

// require panics unless ok. It makes bad arguments fail when a stage is built, not when it runs.
func require(ok bool, function, complaint string) {
	if !ok {
		panic("batch: " + function + ": " + complaint)
	}
}
