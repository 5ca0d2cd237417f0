// Package around shows functions around functions, and the order in which to nest them.
//
// A function that takes a function and returns one of the same shape fits into [batch.TryMap] and
// [batch.TryEach]. There are two shapes, with a value and without one, so each of these packages has a
// Map and an Each. Each is built on Map:
//
//	valued := Map(func(ctx context.Context, a A) (struct{}, error) { return struct{}{}, f(ctx, a) })
//
// Nest them in this order, from the outside to the inside:
//
//   - once: one claim covers all tries. A record whose work is done already is acknowledged even while the
//     service is down. The claim ends with the record's context, not with that of one try.
//   - breaker: while it is open, nothing is tried. It counts the calls that failed after all their tries.
//   - retry: each try has its own timeout.
//   - timeout: the innermost, around the call itself.
package around

import (
	"context"
	"time"

	"github.com/lambdabatch/batch/examples/around/breaker"
	"github.com/lambdabatch/batch/examples/around/retry"
	"github.com/lambdabatch/batch/examples/around/timeout"
	"github.com/lambdabatch/batch/once"
)

type (
	Order   struct{ ID string }
	Receipt struct{ Order string }
)

func (o Order) Key() string { return o.ID }

// Careful returns charge with all four around it.
func Careful(keys once.Store, payments *breaker.Breaker, charge func(context.Context, Order) (Receipt, error)) func(context.Context, Order) (Receipt, error) {
	return once.Map(keys, Order.Key, breaker.Map(payments, retry.Map(timeout.Map(2*time.Second, charge))), once.WithName("charge"))
}

// CarefulEach is [Careful] for a function that only returns an error.
func CarefulEach(keys once.Store, mails *breaker.Breaker, mail func(context.Context, Order) error) func(context.Context, Order) error {
	return once.Each(keys, Order.Key, breaker.Each(mails, retry.Each(timeout.Each(2*time.Second, mail))), once.WithName("mail"))
}
