package unused

import (
	"context"
	"iter"

	"github.com/lambdabatch/batch"
)

// Everything here is used, or need not be.

var _ orders = batch.Of(order{}) // checks a type

type list struct{ items []string }

func (l *list) Ack() *list            { return l }
func (l *list) Each(func()) *list     { return l }
func (l *list) all() iter.Seq[string] { return func(func(string) bool) {} }

// Functions of the program may have other effects.
func register(stage func(orders) orders) func(orders) orders { return stage }
func log(r batch.Result[order]) batch.Result[order]          { return r }

func used(s orders, p pipeline, l *list) (orders, error) {
	l.Ack()
	l.Each(nil)
	l.all()
	register(batch.Each(store))
	for r := range s {
		log(r)
	}
	for range batch.TryEach(s, store) {
	}
	batch.TryEach(s, store)(func(batch.Result[order]) bool { return true })
	batch.Partition(s)
	_, _ = batch.Collect(s)
	_, err := batch.Collect(p.process(s))
	_ = s
	return batch.TryEach(s, store), err
}

func sent(s orders) orders {
	return func(yield func(batch.Result[order]) bool) {
		for r := range s {
			if r = r.Ack(); !yield(r) {
				return
			}
			yield(batch.Then(r, func(context.Context, order) (order, error) { return order{}, nil }))
			if r.Fail(nil).Err() != nil {
				return
			}
		}
	}
}

func usedInOneBranch(s orders, all bool) orders {
	payable := batch.Filter(s, order.payable)
	if all {
		return s
	}
	return payable
}

func usedInTheNextTurn(s orders) orders {
	for range 3 {
		s = batch.TryEach(s, store)
	}
	return s
}

func usedByALiteral(s orders) func() orders {
	stored := batch.TryEach(s, store)
	stored = batch.Filter(stored, order.payable)
	return func() orders { return stored }
}

func usedByDefer(s orders) (stored orders) {
	defer func() { stored = batch.Filter(stored, order.payable) }()
	stored = batch.TryEach(s, store)
	return stored
}

func oneOfTwo(s orders) orders {
	even, odd := split(s)
	_ = odd
	return even
}

func keptInAField(s orders, to *struct{ stored orders }) orders {
	to.stored = batch.TryEach(s, store)
	return s
}
