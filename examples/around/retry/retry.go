// Package retry calls a function again at once if it fails.
//
// A record that fails is redelivered when its visibility timeout has ended, on a
// stream with everything after it. A call that was throttled for a moment is
// cheaper to repeat at once. Calls of the AWS SDK need none of this: they repeat by
// themselves.
package retry

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v7"
)

// Map returns f with a policy around it: at most four calls, with waits of
// about 50, 100 and 200 ms between them. An error that repeating cannot mend,
// f wraps in backoff.Permanent.
//
// The record's context bounds it all. Its end stops a wait, and a wait that
// would outlast it is not begun: the record fails then, with the error of the
// last call, instead of holding up its lane for nothing.
func Map[A, B any](f func(context.Context, A) (B, error)) func(context.Context, A) (B, error) {
	return func(ctx context.Context, a A) (B, error) {
		return backoff.Retry(ctx, func() (B, error) { return f(ctx, a) },
			backoff.WithMaxTries(4),
			backoff.WithMaxElapsedTime(remaining(ctx)),
			backoff.WithBackOff(&backoff.ExponentialBackOff{ // has state: one for each call
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

// remaining is 0, for no limit, where ctx has no deadline.
func remaining(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return time.Until(deadline)
}
