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
	return printable.Text("panic: " + printable.Sprintf("%v", p.Value))
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
// function has called runtime.Goexit.
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
	// was called for it. In lanes and routes, the context also ends when a later stage
	// leaves its loop. The error also wraps the cause of the end.
	ErrNotStarted = errors.New("not started")
	// ErrUnreached means that a result of the record did not reach the collector: a
	// stage dropped it, or it was not finished in time. If the records' contexts had
	// ended by then, the error also wraps the cause of the end.
	ErrUnreached = errors.New("unreached")
	// ErrRunning means that a function called for the record, or a stage that goes on after its
	// yield, had not returned when the response was due. The error is also ErrUnreached, and
	// wraps the same cause.
	ErrRunning = errors.New("running")
)

var (
	errNoRecord = errors.New("result without a record")
	errNilFail  = errors.New("failed without an error")
	errExited   = errors.New("the function called runtime.Goexit")
)

// The following types make their text late: most are never printed.

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

// newUnreachedError returns the error of a record in the state unreached or running. ended is why the records' contexts had
// ended; nil means that they had not.
func newUnreachedError(s state, ended error) error {
	return &unreachedError{running: s == running, ended: ended}
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

// describedError says what failed. Its text is safe whatever the methods of the error do.
type describedError struct {
	what string
	err  error
}

func (e *describedError) Error() string { return e.what + ": " + printable.ErrorText(e.err) }
func (e *describedError) Unwrap() error { return e.err }

// noIDError is the error of an answer that must report a record without an identifier.
type noIDError struct {
	record int
	err    error
}

func (e *noIDError) Error() string {
	return fmt.Sprintf("record %d of the batch: %v, but it must be reported: %s", e.record, ErrNoID, printable.ErrorText(e.err))
}
func (e *noIDError) Unwrap() []error { return []error{ErrNoID, e.err} }
