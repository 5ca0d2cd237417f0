package batch

// Route: lanes with a stage of their own, chosen by key.

import (
	"context"
	"fmt"
)

// Route sends each Ready Result through the stage that key chooses for its value: one
// queue, several kinds of messages, and a pipeline for each, with its own decoding,
// filters, bulk writes and lanes. A value whose key has no stage is Failed with
// [ErrNoRoute]. Results that are not Ready have no value to choose by: no stage sees
// them, and they go on with the others.
//
//	kind := func(m events.SQSMessage) string { return *m.MessageAttributes["kind"].StringValue }
//	done := batch.Route(messages, kind, map[string]batch.Stage[events.SQSMessage, Receipt]{
//		"order":     orders,
//		"refund":    refunds,
//		"heartbeat": batch.Discard[Receipt, events.SQSMessage],
//	})
//
// A default route is a matter of key: let it return the key of that route for what it does
// not know.
//
// Routes run side by side, each as one lane does: a goroutine of its own, one Result after
// the other, on a stream that is built once for each range, when the first Result is for
// it. What [Parallel] promises and warns of holds here, too: which Results may overtake
// others, that the records of one group run one after the other whichever routes they
// take, and what becomes of breaks, panics, stuck functions and the deadline.
//
// Records of one group that take several routes must not wait for each other for ever.
// Once the input has ended, a chunk is written, whatever its size, if another route waits
// for a record in it. If a stage of yours keeps such a record until its own input ends, and
// nothing moves in any route, its input ends, and it is built anew for the next record.
//
// A stage that returns before its input ends gets no more of its route: those records are
// reported, and hold their groups back. One that panics outside a user's function fails
// what it had not finished, and all later Results of its route.
//
// Stages before Route run ahead by up to 10,000 Results, so that a slow route keeps no
// other one waiting. Inside the lanes of Parallel, routes get one Result at a time. It costs
// about a microsecond for each record, as Parallel does.
//
// key is called on the goroutine of the stages before, once for each Ready Result, and must
// be pure. If it panics, the Result is Failed with a [*PanicError]. The map is read when
// the stage is built.
func Route[K comparable, A, B any](s Stream[A], key func(A) K, routes map[K]Stage[A, B]) Stream[B] {
	requireStage("Route", "key", s, key != nil)
	require(routes != nil, "Route", "routes is nil")
	stages := []Stage[A, B]{noRouteStage[A, B]}
	numbers := make(map[K]int, len(routes))
	for k, stage := range routes {
		if stage == nil {
			require(false, "Route", "routes["+keyText(k)+"] is nil")
		}
		numbers[k] = len(stages)
		stages = append(stages, stage)
	}
	return func(yield func(Result[B]) bool) {
		p := &parallel[A, B]{stages: stages, chooseLane: func(h header, value *A) (int, header) {
			return chooseRoute(h, value, key, numbers)
		}}
		p.pool.InitRouted(len(stages), p.callbacks())
		p.run(s, yield)
	}
}

// routed returns the number of the stage for a Result: 0 if there is none. If a Ready Result
// has none, its header has the error until its turn has come: an earlier record of its group
// may still fail, and hold it back.
func chooseRoute[K comparable, A any](h header, value *A, key func(A) K, numbers map[K]int) (number int, out header) {
	out = h
	if !out.admit(pure) {
		return 0, out
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover()
		if v == nil {
			out.fail(errExited, pure)
			return
		}
		out.err = newPanicError(v)
	}()
	if out.scopePending() {
		out.mark &^= scopePending
		out.err = out.entry.openScope()
		if out.err != nil || !out.admit(pure) { // hooks may take as long as they like
			returned = true
			return 0, out
		}
	}
	k := key(*value)
	number, ok := numbers[k] // it panics, too, if what is in the key cannot be compared
	if !ok {
		out.err = &noRouteError[K]{k}
	}
	returned = true
	return number, out
}

// astray is the stage of what no other stage is for.
func noRouteStage[A, B any](s Stream[A]) Stream[B] {
	return func(yield func(Result[B]) bool) {
		s(func(r Result[A]) bool {
			return yield(then(&r, func(context.Context, A) (b B, err error) { return b, r.h.err }, pure))
		})
	}
}

// noRouteError keeps the key, not a text: most are never printed.
type noRouteError[K comparable] struct{ key K }

func (e *noRouteError[K]) Error() string { return "no route for " + keyText(e.key) }
func (e *noRouteError[K]) Unwrap() error { return ErrNoRoute }

func keyText(key any) string {
	if s, ok := key.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(key)
}
