// Package breaker stops calling a service that fails every time.
//
// While the breaker is open, records fail at once with gobreaker.ErrOpenState. They are
// redelivered, by when the service may work again, and the service has time to recover.
package breaker

import (
	"context"
	"errors"

	"github.com/sony/gobreaker/v2"
)

// A Breaker belongs to one service. It lives as long as the process does, and all functions that
// call the service share it.
type Breaker = gobreaker.TwoStepCircuitBreaker[any]

// errPanicked stands for a call that did not return.
var errPanicked = errors.New("the call did not return")

// Map returns f guarded by b: f is called only while b is closed, and b counts the calls that failed.
func Map[A, B any](b *Breaker, f func(context.Context, A) (B, error)) func(context.Context, A) (B, error) {
	return func(ctx context.Context, a A) (result B, err error) {
		done, err := b.Allow()
		if err != nil {
			return result, err
		}
		err = errPanicked
		defer func() { done(err) }()
		return f(ctx, a)
	}
}

// Each is [Map] for functions that only return an error.
func Each[A any](b *Breaker, f func(context.Context, A) error) func(context.Context, A) error {
	valued := Map(b, func(ctx context.Context, a A) (struct{}, error) { return struct{}{}, f(ctx, a) })
	return func(ctx context.Context, a A) error {
		_, err := valued(ctx, a)
		return err
	}
}
