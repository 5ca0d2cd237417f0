// Package timeout limits the time of one call.
//
// A record's context ends only shortly before the function's deadline. A call that hangs until then
// blocks its lane and, without lanes, every later record.
package timeout

import (
	"context"
	"errors"
	"time"
)

// ErrExceeded is the error of a call that took too long, and the cause of its context.
var ErrExceeded = errors.New("timeout exceeded")

// Map returns f with a timeout around it: the context of each call ends after d, or when the record's
// context ends if that is earlier. f must heed its context, because nothing else stops a call. If a call
// took too long, its error is joined with [ErrExceeded].
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
