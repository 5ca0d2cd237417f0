// Package around shows functions around functions, and in which order they go.
//
// Whatever takes a function and gives back one of the same shape fits into [batch.TryMap] and
// [batch.TryEach]. Functions have two shapes, with a value and without, so each of these packages has a
// Map and an Each. Each is three lines around Map:
//
//	valued := Map(func(ctx context.Context, a A) (struct{}, error) { return struct{}{}, f(ctx, a) })
//
// From the outside to the inside:
//
//   - once is outermost: one claim covers all tries, what is done already is acknowledged though the service is
//     down, and the claim lasts as long as the record has, not as long as one call.
//   - breaker: while it is open nothing is tried, and it counts calls that failed after all their tries.
//   - retry: each try has its own timeout.
//   - timeout is innermost, next to the call.
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

// Careful returns charge with everything around it.
func Careful(store once.Store, payments *breaker.Breaker, charge func(context.Context, Order) (Receipt, error)) func(context.Context, Order) (Receipt, error) {
	return once.Map(store, Order.Key, breaker.Map(payments, retry.Map(timeout.Map(2*time.Second, charge))), once.WithName("charge"))
}

// CarefulEach is the same for a function without a value.
func CarefulEach(store once.Store, mails *breaker.Breaker, mail func(context.Context, Order) error) func(context.Context, Order) error {
	return once.Each(store, Order.Key, breaker.Each(mails, retry.Each(timeout.Each(2*time.Second, mail))), once.WithName("mail"))
}
