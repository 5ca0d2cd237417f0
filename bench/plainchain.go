package main

// The plain chain: the five stages as iterators over iterators, written by hand.
// It recovers around each call and reports the failed messages. It does nothing
// else that the library does.

import (
	"context"
	"fmt"
	"iter"

	"github.com/aws/aws-lambda-go/events"
)

// An element is one message on its way through the chain.
type element[T any] struct {
	value T
	ctx   context.Context
	err   error
	index int
	done  bool // filtered out
}

func plainChain(ctx context.Context, event events.SQSEvent) events.SQSEventResponse {
	return failedOf(event, plainFive(elements(ctx, event)))
}

// plainFive is five without the library.
func plainFive(s iter.Seq[element[events.SQSMessage]]) iter.Seq[element[int]] {
	lengths := each(s, func(_ context.Context, m events.SQSMessage) (int, error) { return length(m), nil })
	kept := only(lengths, positive)
	halves := each(kept, func(_ context.Context, n int) (int, error) { return half(n), nil })
	incremented := each(halves, increment)
	return each(incremented, func(ctx context.Context, n int) (int, error) { return n, checkPositive(ctx, n) })
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

// each replaces the value of each element with what f returns for it. Elements
// that failed or were filtered out pass by.
func each[A, B any](s iter.Seq[element[A]], f func(context.Context, A) (B, error)) iter.Seq[element[B]] {
	return func(yield func(element[B]) bool) {
		for e := range s {
			next := element[B]{ctx: e.ctx, err: e.err, index: e.index, done: e.done}
			if e.err == nil && !e.done {
				next.value, next.err = recovered(e.ctx, e.value, f)
			}
			if !yield(next) {
				return
			}
		}
	}
}

// only filters out the elements for whose value keep reports false.
func only[T any](s iter.Seq[element[T]], keep func(T) bool) iter.Seq[element[T]] {
	guarded := func(_ context.Context, v T) (bool, error) { return keep(v), nil }
	return func(yield func(element[T]) bool) {
		for e := range s {
			if e.err == nil && !e.done {
				kept, err := recovered(e.ctx, e.value, guarded)
				e.done, e.err = !kept, err
			}
			if !yield(e) {
				return
			}
		}
	}
}

func recovered[A, B any](ctx context.Context, a A, f func(context.Context, A) (B, error)) (b B, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return f(ctx, a)
}

func failedOf[T any](event events.SQSEvent, s iter.Seq[element[T]]) events.SQSEventResponse {
	response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for e := range s {
		if e.err != nil {
			response.BatchItemFailures = append(response.BatchItemFailures,
				events.SQSBatchItemFailure{ItemIdentifier: event.Records[e.index].MessageId})
		}
	}
	return response
}
