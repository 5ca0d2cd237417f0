package batch

// Route: lanes that each run their own stage, and are chosen by key.

import (
	"context"
	"errors"
	"fmt"

	"github.com/lambdabatch/batch/internal/printable"
)

// Route sends each ready result through the stage, called a route, that key chooses for its
// value. Use it for a queue with several kinds of messages: each kind gets its own pipeline,
// with its own decoding, filters, bulk writes and lanes.
//
//	kind := func(m events.SQSMessage) string {
//		if a := m.MessageAttributes["kind"]; a.StringValue != nil {
//			return *a.StringValue
//		}
//		return "" // no route
//	}
//	done := batch.Route(messages, kind, map[string]batch.Stage[events.SQSMessage, Receipt]{
//		"order":     orders,
//		"refund":    refunds,
//		"heartbeat": batch.Discard[Receipt, events.SQSMessage],
//	})
//
// A result whose key is not in the map becomes Failed with [ErrNoRoute]. For a default
// route, let key map every unknown kind to the key of that route. Results that are not
// ready have no value for key, so they bypass the routes.
//
// key is called once per ready result, on the goroutine of the stages before. It must
// have no side effects. If it panics, the result becomes Failed with a [*PanicError].
// The map is read when Route is called.
//
// Routes run concurrently. Each is a lane, as in [Parallel]: one goroutine, which runs
// the route's stage on one result after the other. Unless the policy is [Continue],
// records of one group run one at a time, whichever routes they take. All that Parallel
// says about order, loops that end early, the deadline and stuck functions holds for
// routes, too. A stage is called when the first result for it arrives.
//
// If a stage returns before its input has ended, the later records of its route are
// reported and hold their groups back. If a stage panics outside of the functions that it
// calls, the records that it had not finished and the later ones of its route fail.
//
// A group whose records take several routes cannot deadlock. When the input of Route has
// ended, a chunk of [TryEachChunk] is written early if another route waits for a record in
// it. If a stage of yours keeps such a record until its input ends, and no route can make
// progress, the input of that stage ends. When the stage has returned, it is called again
// for the next record of the route. No input ends while a function runs in a route, even if
// it is stuck, unless a stage around it asks for the next result meanwhile, on a goroutine of
// its own.
//
// Stages before Route run ahead by up to 10,000 results, so a slow route does not delay the
// others. Inside the lanes of Parallel, Route takes one result at a time. The cost is about
// a microsecond per record, as in Parallel.
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

// chooseRoute returns the number of the stage for a Result, or 0 if it has none. For a ready
// Result without a route, it puts the error into the header but leaves the state Ready. The
// Result fails in noRouteStage, because until its turn an earlier record of its group may
// fail and hold it back.
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
		if out.err != nil || !out.admit(pure) { // again, since hooks may take any time
			returned = true
			return 0, out
		}
	}
	if !out.watched() {
		out.entry.hold()
		defer out.entry.release()
	}
	k := key(*value)
	number, ok := numbers[k] // panics if K is an interface whose dynamic type is not comparable
	if !ok {
		out.err = &noRouteError[K]{k}
	}
	returned = true
	return number, out
}

// noRouteStage fails ready Results with the error that chooseRoute has put into their headers,
// and passes on the others.
func noRouteStage[A, B any](s Stream[A]) Stream[B] {
	return func(yield func(Result[B]) bool) {
		s(func(r Result[A]) bool {
			var out Result[B]
			then(&r, &out, func(context.Context, A) (b B, err error) { return b, r.h.err }, pure)
			return yield(out)
		})
	}
}

// ErrNoRoute is the error of a result whose key has no route in [Route]. The text of the
// error contains the key.
var ErrNoRoute = errors.New("no route")

// noRouteError makes its text late: most are never printed.
type noRouteError[K comparable] struct{ key K }

func (e *noRouteError[K]) Error() string { return "no route for " + keyText(e.key) }
func (e *noRouteError[K]) Unwrap() error { return ErrNoRoute }

func keyText(key any) string {
	if s, ok := key.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return printable.Sprintf("%v", key)
}
