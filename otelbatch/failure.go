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
	case errors.Is(err, batch.ErrBlocked):
		return errorTypeBlocked
	case errors.Is(err, batch.ErrNotStarted):
		return errorTypeNotStarted
	case errors.Is(err, batch.ErrRunning):
		return errorTypeRunning
	case errors.Is(err, batch.ErrUnreached):
		return errorTypeUnreached
	}
	return validUTF8(semconv.ErrorType(err).Value.AsString())
}

// textOf returns the error's text. If its Error method panics, fmt describes the panic.
func textOf(err error) string { return validUTF8(fmt.Sprint(err)) }

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
