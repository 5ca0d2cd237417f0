// Package retry calls a function again if it fails.
//
// A failed record is redelivered when its visibility timeout ends, and on a stream together with
// everything after it. If a call was throttled for a moment, repeating it at once is cheaper. Calls of
// the AWS SDK need no retry: the SDK repeats them.
package retry

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v7"
)

// Map returns f with retries around it: at most four calls, with waits of about 50, 100 and 200 ms
// between them. If repeating cannot help, f returns its error wrapped in backoff.Permanent.
//
// The end of the record's context ends a wait. A wait that would outlast the context does not begin: the
// record fails at once with the error of the last call, so its lane is free for the next record.
func Map[A, B any](f func(context.Context, A) (B, error)) func(context.Context, A) (B, error) {
	return func(ctx context.Context, a A) (B, error) {
		return backoff.Retry(ctx, func() (B, error) { return f(ctx, a) },
			backoff.WithMaxTries(4),
			backoff.WithMaxElapsedTime(remaining(ctx)),
			backoff.WithBackOff(&backoff.ExponentialBackOff{ // has a state, so each call needs its own
				InitialInterval:     50 * time.Millisecond,
				Multiplier:          2,
				RandomizationFactor: 0.2,
				MaxInterval:         time.Second,
			}))
	}
}

// Each is [Map] for functions that only return an error.
func Each[A any](f func(context.Context, A) error) func(context.Context, A) error {
	valued := Map(func(ctx context.Context, a A) (struct{}, error) { return struct{}{}, f(ctx, a) })
	return func(ctx context.Context, a A) error {
		_, err := valued(ctx, a)
		return err
	}
}

// remaining is the time until the deadline of ctx. It is 0, which means no limit, if there is none.
func remaining(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return time.Until(deadline)
}
