package batchtest

import (
	"context"
	"fmt"
	"reflect"

	"github.com/lambdabatch/batch"
)

// A crossing is a Result that enters a stage or leaves it.
type crossing struct {
	index int
	ctx   context.Context
	state state
	value any
	err   error
	ended bool // its context had
	part  any  // tells the parts of a record apart
}

type state int

const (
	isReady state = iota
	isDone
	isFailed
	isUnprocessed
)

func crossingOf[T any](r batch.Result[T]) crossing {
	c := crossing{index: r.Record().Index, ctx: r.Context(), err: r.Err(), part: r.Ack()}
	c.ended = c.ctx.Err() != nil
	value, ok := r.Value()
	switch {
	case ok:
		c.state, c.value = isReady, value
	case c.err == nil:
		c.state = isDone
	case r.Ack().Err() != nil: // nothing settles it
		c.state = isUnprocessed
	default:
		c.state = isFailed
	}
	return c
}

func (c crossing) name() string { return fmt.Sprintf("r%d", c.index) }

func (c crossing) String() string {
	switch c.state {
	case isReady:
		return shown(c.value)
	case isDone:
		return "Done"
	case isUnprocessed:
		return "unprocessed"
	}
	return fmt.Sprintf("the failure %s", shown(c.err))
}

// same reports whether c is what d is, in another range.
func (c crossing) same(d crossing) bool {
	if c.state != d.state || c.err != nil && c.err.Error() != d.err.Error() {
		return false
	}
	return reflect.DeepEqual(c.value, d.value)
}

// untouched reports whether c may be d, that no function was called for.
func (c crossing) untouched(d crossing) bool {
	return c.state == d.state && c.err == d.err && reflect.DeepEqual(c.value, d.value)
}

// twin reports whether c is the same part of the same record as d, in one range.
func (c crossing) twin(d crossing) bool {
	return c.index == d.index && reflect.DeepEqual(c.part, d.part)
}

// take removes the first crossing that fits and reports whether there is one.
func take(all []crossing, fits func(crossing) bool) (rest []crossing, found bool) {
	for i, c := range all {
		if fits(c) {
			return append(append(rest, all[:i]...), all[i+1:]...), true
		}
	}
	return all, false
}

// of returns the crossings of one record.
func of(index int, all []crossing) (own []crossing) {
	for _, c := range all {
		if c.index == index {
			own = append(own, c)
		}
	}
	return own
}
