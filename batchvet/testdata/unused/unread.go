package unused

import (
	"context"
	"errors"

	"github.com/lambdabatch/batch"
)

func assignedAndReturnsTheEarlierOne(s orders) orders {
	stored := batch.TryEach(s, store)
	stored = batch.TryEach(stored, store) // want `^the stream returned by batch.TryEach is unused, so nothing runs: return it or pass it to the next stage$`
	return s
}

func overwritten(s orders) orders {
	stored := batch.TryEach(s, store) // want `the stream returned by batch.TryEach is unused`
	stored = batch.Filter(s, order.payable)
	return stored
}

func blankLater(s orders) orders {
	stored := batch.TryEach(s, store) // want `the stream returned by batch.TryEach is unused`
	_ = stored
	return s
}

func ofTwo(s orders) (orders, error) {
	built, err := build(s) // want `the stream returned by build is unused`
	_ = built
	return s, err
}

func stage(s orders) orders {
	each := batch.Each(store) // want `batch.Each only makes a stage`
	each = batch.Each(store)
	return each(s)
}

func inALiteral() func(orders) orders {
	return func(s orders) orders {
		stored := batch.TryEach(s, store) // want `the stream returned by batch.TryEach is unused`
		_ = stored
		return s
	}
}

func ofAnyType[T any](s batch.Stream[T], f func(context.Context, T) error) batch.Stream[T] {
	done := batch.TryEach(s, f) // want `the stream returned by batch.TryEach is unused`
	_ = done
	return s
}

func yieldsTheOldResult(s orders) orders {
	return func(yield func(batch.Result[order]) bool) {
		for r := range s {
			charged := batch.Then(r, charge)
			if charged.Err() == nil {
				charged = charged.Fail(errors.New("refused")) // want `^charged.Fail returns a new Result and leaves the old one unchanged: yield the new one$`
			}
			if !yield(r) {
				return
			}
		}
	}
}
