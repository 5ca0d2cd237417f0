// Package breaker stops calling a service that keeps failing.
//
// While the breaker is open, records fail at once with gobreaker.ErrOpenState. The service has time to
// recover, and may work again when the records are redelivered.
package breaker

import (
	"context"
	"errors"
	"sync"

	"github.com/sony/gobreaker/v2"
)

// A Breaker belongs to one service. Create it once per process; all functions that call the service
// share it.
type Breaker = gobreaker.TwoStepCircuitBreaker[any]

// errPanicked is what the breaker counts for a call that panicked.
var errPanicked = errors.New("the call did not return")

// Map returns f with b around it. While b is open, f is not called. b counts calls that fail, calls that
// panic, and calls that have not returned when their context ends. One that returns just then may count
// as a failure.
func Map[A, B any](b *Breaker, f func(context.Context, A) (B, error)) func(context.Context, A) (B, error) {
	return func(ctx context.Context, a A) (result B, err error) {
		done, err := b.Allow()
		if err != nil {
			return result, err
		}
		var once sync.Once
		settle := func(err error) { once.Do(func() { done(err) }) }
		defer context.AfterFunc(ctx, func() { settle(context.Cause(ctx)) })() // a half-open breaker waits for its one call
		err = errPanicked
		defer func() { settle(err) }()
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
