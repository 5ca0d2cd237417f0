// Package timeout bounds one call of a function.
//
// A record's context ends only shortly before the function's own deadline. A call that
// hangs until then takes its lane with it, and without lanes every record after it.
package timeout

import (
	"context"
	"errors"
	"time"
)

// ErrExceeded is the cause of a context that ended because the call took too long.
var ErrExceeded = errors.New("timeout exceeded")

// Map returns f with a context that ends after d, or with the record's, whichever is first. f must
// heed it: nothing else stops a call. The error of a call that took too long is [ErrExceeded], too.
func Map[A, B any](d time.Duration, f func(context.Context, A) (B, error)) func(context.Context, A) (B, error) {
	return func(ctx context.Context, a A) (B, error) {
		ctx, cancel := context.WithTimeoutCause(ctx, d, ErrExceeded)
		defer cancel()
		b, err := f(ctx, a)
		if err != nil && context.Cause(ctx) == ErrExceeded {
			err = errors.Join(ErrExceeded, err)
		}
		return b, err
	}
}

// Each is [Map] for functions that only return an error.
func Each[A any](d time.Duration, f func(context.Context, A) error) func(context.Context, A) error {
	valued := Map(d, func(ctx context.Context, a A) (struct{}, error) { return struct{}{}, f(ctx, a) })
	return func(ctx context.Context, a A) error {
		_, err := valued(ctx, a)
		return err
	}
}
