// Package unused does not use streams, stages and Results that it must use.
package unused

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

// named is a stream, although it has its own name.
type named iter.Seq[batch.Result[order]]

type pipeline struct{ stage func(orders) orders }

func (p pipeline) process(s orders) orders { return p.stage(s) }

func rename(s orders) named { return named(s) }

func statements(s orders, p pipeline) {
	batch.TryEach(s, store)                            // want `^the stream returned by batch.TryEach is unused, so nothing runs: return it or pass it to the next stage$`
	batch.TryEachChunk(s, 25, storeAll)                // want `the stream returned by batch.TryEachChunk is unused`
	batch.Map(s, order.payable)                        // want `the stream returned by batch.Map is unused`
	batch.FlatMap[order, []int](s, nil)                // want `the stream returned by batch.FlatMap is unused,`
	(batch.Parallel(s, 8, p.process))                  // want `the stream returned by batch.Parallel is unused`
	batch.Of(order{})                                  // want `the stream returned by batch.Of is unused`
	p.process(s)                                       // want `the stream returned by p.process is unused`
	p.stage(s)                                         // want `the stream returned by p.stage is unused`
	rename(s)                                          // want `the stream returned by rename is unused`
	batch.Each(store)(s)                               // want `the stream returned by this call is unused`
	func() orders { return s }()                       // want `the stream returned by this function is unused`
	batch.Each(store)                                  // want `^batch.Each only makes a stage, which is unused here, so nothing runs: call the stage with a stream or pass it to a handler$`
	go p.process(s)                                    // want `the stream returned by p.process is unused`
	defer batch.TryEach(s, store)                      // want `the stream returned by batch.TryEach is unused`
	_ = batch.TryEach(s, store)                        // want `the stream returned by batch.TryEach is unused`
	var _ = batch.TryEach(s, store)                    // want `the stream returned by batch.TryEach is unused`
	_, kept := batch.TryEach(s, store), batch.Of(1, 2) // want `the stream returned by batch.TryEach is unused`
	for range kept {
	}
}

func build(s orders) (orders, error)    { return s, nil }
func split(s orders) (even, odd orders) { return s, s }
func count(s orders) (n int, err error) { return 0, nil }

func severalResults(s orders) (orders, error) {
	build(s)                  // want `^the stream returned by build is unused, so nothing runs: return it or pass it to the next stage$`
	defer build(s)            // want `the stream returned by build is unused`
	_, _ = build(s)           // want `the stream returned by build is unused`
	_, err := build(s)        // want `the stream returned by build is unused`
	var _, other = (build(s)) // want `the stream returned by build is unused`
	_, _ = split(s)           // want `the stream returned by split is unused`
	even, _ := split(s)
	_, odd := split(s)
	_, _ = count(s)
	count(s)
	var built, _ = build(even)
	for range odd {
	}
	return built, errors.Join(err, other)
}

func results(s orders) orders {
	return func(yield func(batch.Result[order]) bool) {
		for r := range s {
			r.Ack()                     // want `^r.Ack returns a new Result and leaves the old one unchanged: yield the new one$`
			r.Fail(errors.New("no"))    // want `^r.Fail returns a new Result and leaves the old one unchanged`
			batch.Then(r, charge)       // want `^the Result returned by batch.Then is unused, so the outcome of its record is lost: yield the Result$`
			_ = r.Ack()                 // want `r.Ack returns a new Result and leaves the old one unchanged`
			_ = batch.Then(r, charge)   // want `the Result returned by batch.Then is unused`
			defer r.Ack()               // want `r.Ack returns a new Result and leaves the old one unchanged`
			batch.Then(r, charge).Ack() // want `this call returns a new Result and leaves the old one unchanged`
			if !yield(r) {
				return
			}
		}
	}
}

func same(context.Context, order) (order, error) { return order{}, nil }

func fixable(s orders) orders {
	batch.Filter(s, order.payable) // want `the stream returned by batch.Filter is unused`
	return func(yield func(batch.Result[order]) bool) {
		for r := range s {
			if r.Err() != nil {
				r.Ack() // want `r.Ack returns a new Result and leaves the old one unchanged`
			}
			batch.Then(r, same) // want `the Result returned by batch.Then is unused`
			if !yield(r) {
				return
			}
			r.Ack() // want `r.Ack returns a new Result and leaves the old one unchanged`
		}
	}
}

func notFixable(s orders) orders {
	return func(yield func(batch.Result[order]) bool) {
		for r := range s {
			if r.Err() != nil {
				r.Ack() // want `r.Ack returns a new Result and leaves the old one unchanged`
			} else if !yield(r) {
				return
			}
		}
	}
}
