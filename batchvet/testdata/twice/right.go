package twice

import (
	"context"
	"slices"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// No function here certainly ranges over a stream twice.

func chain(s numbers) numbers {
	s = batch.Filter(s, even)
	s = double(s)
	return batch.TryEach(s, store)
}

func branches(s numbers, even func(int) bool) numbers {
	if even == nil {
		return double(s)
	} else if even(1) {
		for range s {
		}
		return batch.Of(1)
	}
	return batch.Filter(s, even)
}

func cases(s numbers, n int) numbers {
	switch n {
	case 0:
		return double(s)
	case 1:
		return func(yield func(batch.Result[int]) bool) {
			for r := range s {
				yield(r)
			}
		}
	default:
		return batch.Filter(s, even)
	}
}

// Only one of two lazy stages runs.
func chosen(s numbers, doubled bool) numbers {
	plain := batch.TryEach(s, store)
	twice := double(batch.TryEach(s, store))
	if doubled {
		return twice
	}
	return plain
}

func overwritten(s numbers, doubled bool) numbers {
	out := batch.TryEach(s, store)
	if doubled {
		out = double(s)
	}
	return out
}

func captured(s numbers, doubled bool) numbers {
	out := batch.TryEach(s, store)
	if doubled {
		out = double(s)
	}
	return func(yield func(batch.Result[int]) bool) { out(yield) }
}

func optional(s numbers, doubled bool) numbers {
	if doubled {
		s = double(s)
	}
	return batch.TryEach(s, store)
}

// The two conditions never hold together. The analyzer does not find that out.
func correlated(s numbers, doubled bool) numbers {
	var kept []batch.Result[int]
	if doubled {
		kept = slices.Collect(s)
	}
	if !doubled {
		for r := range s {
			kept = append(kept, r)
		}
	}
	return slices.Values(kept)
}

func kept(s numbers) numbers {
	all := slices.Collect(s)
	n := len(all)
	for range all {
	}
	for range slices.Values(all) {
	}
	return batch.Filter(slices.Values(all), func(v int) bool { return v < n })
}

// It is unknown which of two streams a function ranges over.
func fallback(s numbers) numbers { return first(double(s), s) }

func first(a, _ numbers) numbers { return a }

func looked(s numbers) numbers {
	if known(s) || s == nil {
		return batch.Of[int]()
	}
	return s
}

func known(numbers) bool { return false }

func stored(s numbers) numbers {
	all := []numbers{s}
	all = append(all, s)
	return all[0]
}

func repeated(s numbers, stages []func(numbers) numbers) numbers {
	for _, stage := range stages {
		s = stage(s)
	}
	return s
}

func each(s numbers) numbers {
	return func(yield func(batch.Result[int]) bool) {
		for r := range s {
			for range batch.Of(1, 2) {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// The panic ends the first path.
func checked(s numbers, ok bool) numbers {
	if !ok {
		batch.Partition(s)
		panic("refused")
	}
	return double(s)
}

// It repeats no effect.
func logged(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
	source := batch.SQS(ctx, event)
	for r := range source {
		println(r.Record().ID)
	}
	wanted := batch.Filter(source, func(m events.SQSMessage) bool { return m.Body != "" })
	for range wanted {
	}
	return batch.Run(wanted, pass)
}

// It is not a stage, because it returns no stream.
func compare(ctx context.Context, s numbers) (int, error) {
	values, _ := batch.Partition(s)
	again, _ := batch.Partition(s)
	return len(values) + len(again), store(ctx, 0)
}

func made() numbers {
	s := batch.Of(1, 2)
	for range s {
	}
	return s
}

// A function that ranges over its stream at once makes a stream that keeps the results.
func keptElsewhere(s numbers) numbers {
	kept := remembered(batch.TryEach(s, store))
	n := 0
	for range kept {
		n++
	}
	return batch.Filter(kept, func(i int) bool { return i < n })
}

func remembered[T any](s batch.Stream[T]) batch.Stream[T] { return slices.Values(slices.Collect(s)) }

func keptInALoop(s numbers) numbers {
	kept := gathered(batch.TryEach(s, store))
	for range kept {
	}
	return kept
}

func gathered(s numbers) numbers {
	var all []batch.Result[int]
	for r := range double(s) {
		all = append(all, r)
	}
	return slices.Values(all)
}

func keptByALiteral(s numbers) numbers {
	kept := gatheredByALiteral(batch.TryEach(s, store))
	for range kept {
	}
	return kept
}

func gatheredByALiteral(s numbers) numbers {
	var all []batch.Result[int]
	func() {
		all = slices.Collect(s)
	}()
	return slices.Values(all)
}

// It is unknown when a function value ranges.
func keptByAValue(s numbers, remember func(numbers) numbers) numbers {
	kept := remember(batch.TryEach(s, store))
	for range kept {
	}
	return kept
}
