package otelbatch

// How the error of a reported record is described. Its methods are the user's code and may panic.

import (
	"errors"
	"fmt"

	"github.com/lambdabatch/batch"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// The values of error.type for errors of package batch.
const (
	errorTypePanic       = "panic"
	errorTypeDecodeError = "decode_error"
	errorTypeBlocked     = "blocked"
	errorTypeNotStarted  = "not_started"
	errorTypeRunning     = "running"
	errorTypeUnreached   = "unreached"
)

var errorTypeOther = semconv.ErrorTypeOther.Value.AsString()

func isUnprocessed(errorType string) bool {
	switch errorType {
	case errorTypeBlocked, errorTypeNotStarted, errorTypeRunning, errorTypeUnreached:
		return true
	}
	return false
}

// errorTypeOf returns the value of error.type: a constant above, the result of the error's
// ErrorType method, or the error's Go type.
func errorTypeOf(err error) (errorType string) {
	defer func() {
		if recover() != nil {
			errorType = errorTypeOther
		}
	}()
	if _, ok := errors.AsType[*batch.PanicError](err); ok {
		return errorTypePanic
	}
	if _, ok := errors.AsType[*batch.DecodeError](err); ok {
		return errorTypeDecodeError
	}
	switch {
	case isDirectly(err, batch.ErrBlocked):
		return errorTypeBlocked
	case isDirectly(err, batch.ErrNotStarted):
		return errorTypeNotStarted
	case isDirectly(err, batch.ErrRunning):
		return errorTypeRunning
	case isDirectly(err, batch.ErrUnreached):
		return errorTypeUnreached
	}
	return validUTF8(semconv.ErrorType(err).Value.AsString())
}

// isDirectly checks the top of the error's tree only, where package batch has the error of an unprocessed record. errors.Is would
// also find it in the error of a function that runs a batch inside its record, so that the record itself has failed.
func isDirectly(err, state error) bool {
	switch err := err.(type) {
	case interface{ Is(error) bool }:
		return err.Is(state)
	case interface{ Unwrap() error }:
		return err.Unwrap() == state
	case interface{ Unwrap() []error }:
		causes := err.Unwrap()
		return len(causes) > 0 && causes[0] == state
	}
	return false
}

// textOf returns the error's text. If its Error method panics, fmt describes the panic, unless the text of that panics, too.
func textOf(err error) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("a %T whose text cannot be made", err)
		}
	}()
	return validUTF8(fmt.Sprint(err))
}

// exceptionAttributes describes the error of a record that itself failed.
func exceptionAttributes(err error, errorType, text string) []attribute.KeyValue {
	message := semconv.ExceptionMessage(text)
	switch errorType {
	case errorTypePanic:
		p, _ := errors.AsType[*batch.PanicError](err) // errorTypeOf found it, so no method on the way panics
		if p == nil {
			break
		}
		return []attribute.KeyValue{
			semconv.ExceptionType(fmt.Sprintf("%T", p.Value)), message, semconv.ExceptionStacktrace(validUTF8(string(p.Stack))),
		}
	case errorTypeDecodeError, errorTypeOther:
		errorType = fmt.Sprintf("%T", err)
	}
	return []attribute.KeyValue{semconv.ExceptionType(errorType), message}
}
