// Package twice ranges over streams twice, or nearly does.
package twice

import (
	"context"
	"iter"
	"slices"

	"github.com/aws/aws-lambda-go/events"
	"github.com/samber/lo/it"

	"github.com/lambdabatch/batch"
)

type numbers = batch.Stream[int]

func even(n int) bool                  { return n%2 == 0 }
func odd(n int) bool                   { return n%2 == 1 }
func store(context.Context, int) error { return nil }
func double(s numbers) numbers         { return batch.Map(s, func(n int) int { return 2 * n }) }

func counted(s numbers) numbers {
	n := 0
	for range s {
		n++
	}
	return batch.Filter(s, func(v int) bool { return v < n }) // want `^s is ranged over here and on line 24, so every stage before it runs twice: range over it once, or keep its Results with slices.Collect$`
}

func returned(s numbers) numbers {
	for range s {
	}
	return s // want `s is ranged over`
}

func inside(s numbers) numbers {
	return func(yield func(batch.Result[int]) bool) {
		for range s {
			break
		}
		s(yield) // want `s is ranged over`
	}
}

func nested(s numbers) numbers {
	return func(yield func(batch.Result[int]) bool) {
		for a := range s {
			for b := range s { // want `s is ranged over`
				if a.Record().Index < b.Record().Index && !yield(b) {
					return
				}
			}
		}
	}
}

func before(s numbers) numbers {
	all := slices.Collect(s)
	return func(yield func(batch.Result[int]) bool) {
		if len(all) > 0 {
			s(yield) // want `s is ranged over`
		}
	}
}

func sometimes(s numbers, logging bool) numbers {
	if logging {
		batch.Partition(s)
	}
	return double(s) // want `s is ranged over`
}

func merged(s numbers) numbers {
	evens := batch.Filter(s, even)
	odds := double(batch.Filter(s, odd)) // want `s is ranged over`
	return func(yield func(batch.Result[int]) bool) {
		for r := range evens {
			if !yield(r) {
				return
			}
		}
		for r := range odds {
			if !yield(r) {
				return
			}
		}
	}
}

func concatenated(s numbers) numbers {
	stored := batch.TryEach(s, store)
	return it.Concat(batch.Filter(stored, even), batch.Filter(stored, odd)) // want `the stream returned by TryEach is ranged over`
}

func pulled(s numbers) numbers {
	next, stop := iter.Pull(s)
	defer stop()
	next()
	return s // want `s is ranged over`
}

var literal = func(s numbers) numbers {
	_, failures := batch.Partition(s)
	return batch.Filter(s, func(int) bool { return len(failures) == 0 }) // want `s is ranged over`
}

type named numbers

func renamed(s numbers) numbers {
	for range named(s) {
	}
	return s // want `s is ranged over`
}

func reassigned(s numbers) numbers {
	s = double(s)
	for range s {
	}
	s = double(s) // want `the stream returned by double is ranged over`
	return s
}

// Such a handler charges twice.
func handler(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
	stored := batch.Each(send)(batch.SQS(ctx, event))
	if _, failures := batch.Partition(stored); len(failures) > 0 {
		println(len(failures))
	}
	return batch.Run(stored, pass) // want `this stream is ranged over`
}

func send(context.Context, events.SQSMessage) error { return nil }

func pass(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] { return s }

// Stages of this package are followed if they are lazy.
func lazyStages(s numbers) numbers {
	for range numbered(s) {
	}
	return recursive(traced(s, 2), 2) // want `s is ranged over`
}

func numbered(s numbers) numbers {
	return func(yield func(batch.Result[int]) bool) {
		n := 0
		for r := range s {
			n++
			if !yield(r) {
				return
			}
		}
		println(n)
	}
}

func traced[T any](s batch.Stream[T], limit int) batch.Stream[T] {
	if limit == 0 {
		return s
	}
	s = batch.Tap(s, func(batch.Result[T]) {})
	return batch.Parallel(s, limit, sent[T])
}

func sent[T any](s batch.Stream[T]) batch.Stream[T] { return s }

func recursive(s numbers, n int) numbers {
	if n == 0 {
		return s
	}
	return recursive(double(s), n-1)
}
