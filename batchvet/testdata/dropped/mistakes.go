// Package dropped throws away what it must not.
package dropped

import (
	"context"
	"errors"
	"iter"

	"github.com/lambdabatch/batch"
)

type order struct{ Total int }

func (o order) payable() bool { return o.Total > 0 }

func store(context.Context, order) error         { return nil }
func charge(context.Context, order) (int, error) { return 0, nil }
func storeAll(context.Context, []order) error    { return nil }

type orders = batch.Stream[order]

// named has a name of its own and is a stream all the same.
type named iter.Seq[batch.Result[order]]

type pipeline struct{ stage func(orders) orders }

func (p pipeline) process(s orders) orders { return p.stage(s) }

func rename(s orders) named { return named(s) }

func statements(s orders, p pipeline) {
	batch.TryEach(s, store)                            // want `^nothing ranges over the stream of batch.TryEach, so nothing is done: return it or give it to the next stage$`
	batch.TryEachChunk(s, 25, storeAll)                // want `of batch.TryEachChunk`
	batch.Map(s, order.payable)                        // want `of batch.Map`
	batch.FlatMap[order, []int](s, nil)                // want `of batch.FlatMap,`
	(batch.Parallel(s, 8, p.process))                  // want `of batch.Parallel`
	batch.Of(order{})                                  // want `of batch.Of`
	p.process(s)                                       // want `of p.process`
	p.stage(s)                                         // want `of p.stage`
	rename(s)                                          // want `of rename`
	batch.Each(store)(s)                               // want `of this call`
	func() orders { return s }()                       // want `of this function`
	batch.Each(store)                                  // want `^batch.Each only makes a stage, and nothing is done: call the stage`
	go p.process(s)                                    // want `of p.process`
	defer batch.TryEach(s, store)                      // want `of batch.TryEach`
	_ = batch.TryEach(s, store)                        // want `of batch.TryEach`
	var _ = batch.TryEach(s, store)                    // want `of batch.TryEach`
	_, kept := batch.TryEach(s, store), batch.Of(1, 2) // want `of batch.TryEach`
	for range kept {
	}
}

func results(s orders) orders {
	return func(yield func(batch.Result[order]) bool) {
		for r := range s {
			r.Ack()                     // want `^r.Ack changes nothing, it returns a new Result: send that one on$`
			r.Fail(errors.New("no"))    // want `^r.Fail changes nothing`
			batch.Then(r, charge)       // want `^the Result of batch.Then is lost, and what became of the record with it: yield it$`
			_ = r.Ack()                 // want `r.Ack changes nothing`
			_ = batch.Then(r, charge)   // want `batch.Then is lost`
			defer r.Ack()               // want `r.Ack changes nothing`
			batch.Then(r, charge).Ack() // want `this call changes nothing`
			if !yield(r) {
				return
			}
		}
	}
}

func same(context.Context, order) (order, error) { return order{}, nil }

func fixable(s orders) orders {
	batch.Filter(s, order.payable) // want `of batch.Filter`
	return func(yield func(batch.Result[order]) bool) {
		for r := range s {
			if r.Err() != nil {
				r.Ack() // want `r.Ack changes nothing`
			}
			batch.Then(r, same) // want `batch.Then is lost`
			if !yield(r) {
				return
			}
			r.Ack() // want `r.Ack changes nothing`
		}
	}
}

func notFixable(s orders) orders {
	return func(yield func(batch.Result[order]) bool) {
		for r := range s {
			if r.Err() != nil {
				r.Ack() // want `r.Ack changes nothing`
			} else if !yield(r) {
				return
			}
		}
	}
}
