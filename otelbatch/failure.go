package otelbatch

// What is told of the error that a record is reported with. Its methods are the user's code.

import (
	"errors"
	"fmt"

	"github.com/lambdabatch/batch"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// The values of error.type for what the library itself finds.
const (
	typePanic       = "panic"
	typeDecodeError = "decode_error"
	typeBlocked     = "blocked"
	typeNotStarted  = "not_started"
	typeRunning     = "running"
	typeUnreached   = "unreached"
)

// isUnprocessed reports whether such a record did not fail itself.
func isUnprocessed(errorType string) bool {
	switch errorType {
	case typeBlocked, typeNotStarted, typeRunning, typeUnreached:
		return true
	}
	return false
}

// errorTypeOf is the error.type of an error: one of those above, what a method ErrorType of it
// returns, or its Go type.
func errorTypeOf(err error) (errorType string) {
	defer func() {
		if recover() != nil {
			errorType = semconv.ErrorTypeOther.Value.AsString()
		}
	}()
	if _, ok := errors.AsType[*batch.PanicError](err); ok {
		return typePanic
	}
	if _, ok := errors.AsType[*batch.DecodeError](err); ok {
		return typeDecodeError
	}
	switch {
	case errors.Is(err, batch.ErrBlocked):
		return typeBlocked
	case errors.Is(err, batch.ErrNotStarted):
		return typeNotStarted
	case errors.Is(err, batch.ErrRunning):
		return typeRunning
	case errors.Is(err, batch.ErrUnreached):
		return typeUnreached
	}
	return goTypeOf(err)
}

func goTypeOf(err error) string { return valid(semconv.ErrorType(err).Value.AsString()) }

// textOf survives an Error method that panics, as package fmt does.
func textOf(err error) string { return valid(fmt.Sprint(err)) }

// exceptionOf describes the error of a record that itself failed.
func exceptionOf(err error, errorType, text string) []attribute.KeyValue {
	message := semconv.ExceptionMessage(text)
	switch errorType {
	case typePanic:
		p, _ := errors.AsType[*batch.PanicError](err) // it was found before, so nothing on the way panics
		if p == nil {
			break
		}
		return []attribute.KeyValue{
			semconv.ExceptionType(fmt.Sprintf("%T", p.Value)), message, semconv.ExceptionStacktrace(valid(string(p.Stack))),
		}
	case typeDecodeError, semconv.ErrorTypeOther.Value.AsString():
		errorType = fmt.Sprintf("%T", err)
	}
	return []attribute.KeyValue{semconv.ExceptionType(errorType), message}
}
