package main

// The plain chain: the five stages as iterators over iterators, written by hand. It
// recovers around each call and reports failed messages. It does none of the library's
// other work.

import (
	"context"
	"fmt"
	"iter"

	"github.com/aws/aws-lambda-go/events"
)

// An element is one message on its way through the chain.
type element[T any] struct {
	value       T
	ctx         context.Context
	err         error
	index       int
	filteredOut bool
}

func plainChain(ctx context.Context, event events.SQSEvent) events.SQSEventResponse {
	return responseOf(event, plainStages(elements(ctx, event)))
}

// plainStages is libraryStages without the library.
func plainStages(s iter.Seq[element[events.SQSMessage]]) iter.Seq[element[int]] {
	lengths := chainMap(s, func(_ context.Context, m events.SQSMessage) (int, error) { return length(m), nil })
	kept := chainFilter(lengths, positive)
	halves := chainMap(kept, func(_ context.Context, n int) (int, error) { return half(n), nil })
	incremented := chainMap(halves, increment)
	return chainMap(incremented, func(ctx context.Context, n int) (int, error) { return n, checkPositive(ctx, n) })
}

func elements(ctx context.Context, event events.SQSEvent) iter.Seq[element[events.SQSMessage]] {
	return func(yield func(element[events.SQSMessage]) bool) {
		for i, m := range event.Records {
			if !yield(element[events.SQSMessage]{value: m, ctx: ctx, index: i}) {
				return
			}
		}
	}
}

// chainMap replaces each value by the result of f. Elements that failed or were
// filtered out pass unchanged.
func chainMap[A, B any](s iter.Seq[element[A]], f func(context.Context, A) (B, error)) iter.Seq[element[B]] {
	return func(yield func(element[B]) bool) {
		for e := range s {
			next := element[B]{ctx: e.ctx, err: e.err, index: e.index, filteredOut: e.filteredOut}
			if e.err == nil && !e.filteredOut {
				next.value, next.err = callRecovering(e.ctx, e.value, f)
			}
			if !yield(next) {
				return
			}
		}
	}
}

// chainFilter filters out the elements whose value keep rejects.
func chainFilter[T any](s iter.Seq[element[T]], keep func(T) bool) iter.Seq[element[T]] {
	test := func(_ context.Context, v T) (bool, error) { return keep(v), nil }
	return func(yield func(element[T]) bool) {
		for e := range s {
			if e.err == nil && !e.filteredOut {
				kept, err := callRecovering(e.ctx, e.value, test)
				e.filteredOut, e.err = !kept, err
			}
			if !yield(e) {
				return
			}
		}
	}
}

func callRecovering[A, B any](ctx context.Context, a A, f func(context.Context, A) (B, error)) (b B, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return f(ctx, a)
}

func responseOf[T any](event events.SQSEvent, s iter.Seq[element[T]]) events.SQSEventResponse {
	response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for e := range s {
		if e.err != nil {
			response.BatchItemFailures = append(response.BatchItemFailures,
				events.SQSBatchItemFailure{ItemIdentifier: event.Records[e.index].MessageId})
		}
	}
	return response
}
