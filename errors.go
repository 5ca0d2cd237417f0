package batch

// What a failed Result carries: the panic of a function, or why the record was not processed.

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/lambdabatch/batch/internal/printable"
)

// PanicError is the error of a record whose function panicked.
type PanicError struct {
	Value any    // what the function panicked with
	Stack []byte // where, as runtime/debug.Stack formats it
}

func newPanicError(value any) *PanicError {
	if p, ok := value.(*PanicError); ok && p != nil {
		return p // on its way from a lane or a reader, with the stack of its origin
	}
	return &PanicError{Value: value, Stack: debug.Stack()}
}

// unreturned is the error of a function that did not return: it panicked, or ended its goroutine.
func panicOrExit(recovered any) error {
	if recovered == nil {
		return errExited
	}
	return newPanicError(recovered)
}

func (p *PanicError) Error() string {
	if p == nil {
		return "panic"
	}
	return printable.Text(fmt.Sprintf("panic: %v", p.Value))
}

// Unwrap returns the value of the panic if it is an error.
func (p *PanicError) Unwrap() error {
	if p == nil {
		return nil
	}
	err, _ := p.Value.(error)
	return err
}

// The errors of unprocessed Results, for use with errors.Is.
var (
	// ErrBlocked: the policy of the source held the record back because of a failure.
	ErrBlocked = errors.New("blocked")
	// ErrNotStarted: the record's context ended before the next function was called.
	ErrNotStarted = errors.New("not started")
	// ErrUnreached: a Result of the record did not reach the collector.
	ErrUnreached = errors.New("unreached")
	// ErrRunning: a function that was called for the record had not returned when the
	// answer was due. The error is ErrUnreached, too.
	ErrRunning = errors.New("running")
)

// ErrNoRoute is the error of a value for which [Route] has no stage. The text names its key.
var ErrNoRoute = errors.New("no route")

var (
	errNoRecord = errors.New("result without a record")
	errNilFail  = errors.New("failed without an error")
	errExited   = errors.New("the function ended its goroutine")
)

// The following keep positions, not texts: most are never printed.

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
	batch   *batch // nil: not known
}

func (e *unreachedError) Error() string {
	if e.running {
		return "running: its function had not returned when the answer was due"
	}
	return "unreached: dropped by a stage, or waiting when the answer was due"
}

func (e *unreachedError) Is(target error) bool {
	return target == ErrUnreached || e.running && target == ErrRunning
}

// PayloadError is the error of a handler whose payload is not an event of its source. Trying again
// cannot help: the event source mapping invokes the wrong function, or somebody has invoked it by hand.
type PayloadError struct {
	Err error // what was expected, and what came
}

func (e *PayloadError) Error() string { return printable.Text(errorText(e.Err)) }
func (e *PayloadError) Unwrap() error { return e.Err }

// require panics unless ok. Bad arguments are found where a stage is built.
func require(ok bool, function, complaint string) {
	if !ok {
		panic("batch: " + function + ": " + complaint)
	}
}
