package batch

// The stages, one verb family after the other: mapping, filtering, one to many,
// effects, looking, recovering.

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// A Stream is a batch on its way through the pipeline: one Result for each
// record, in the order of the batch until [Parallel] changes it. It is lazy, and
// nothing runs until somebody ranges over it; ranging twice runs everything twice.
//
// It is an alias, so that [slices.Collect], package lo/it and a plain range work
// on it.
type Stream[T any] = iter.Seq[Result[T]]

// A Stage makes one Stream of another. Any function of this type is one, and what is made
// of stages is a stage.
type Stage[A, B any] = func(Stream[A]) Stream[B]

// Map applies f to the value of every Ready Result. Others pass by.
func Map[A, B any](s Stream[A], f func(A) B) Stream[B] {
	requireStage("Map", "f", s, f != nil)
	return func(yield func(Result[B]) bool) {
		s(func(r Result[A]) bool { return yield(thenMap(&r, f)) })
	}
}

// TryMap applies f to the value of every Ready Result; its error makes the
// Result Failed. Others pass by. The context is the record's own.
func TryMap[A, B any](s Stream[A], f func(context.Context, A) (B, error)) Stream[B] {
	requireStage("TryMap", "f", s, f != nil)
	return mapping(s, f, goesOn)
}

// The stages call the upstream function instead of ranging over it: that saves
// the bookkeeping of a range loop for each record and stage.

func mapping[A, B any](s Stream[A], f func(context.Context, A) (B, error), how callKind) Stream[B] {
	return func(yield func(Result[B]) bool) {
		s(func(r Result[A]) bool { return yield(then(&r, f, how)) })
	}
}

// Filter settles every Ready Result whose value keep rejects: it becomes Done,
// and its record is acknowledged. Others pass by.
func Filter[T any](s Stream[T], keep func(T) bool) Stream[T] {
	requireStage("Filter", "keep", s, keep != nil)
	return filtering(s, func(_ context.Context, v T) (bool, error) { return keep(v), nil }, pure)
}

// TryFilter is [Filter] with a function that may fail, which makes the Result
// Failed.
func TryFilter[T any](s Stream[T], keep func(context.Context, T) (bool, error)) Stream[T] {
	requireStage("TryFilter", "keep", s, keep != nil)
	return filtering(s, keep, goesOn)
}

func filtering[T any](s Stream[T], keep func(context.Context, T) (bool, error), how callKind) Stream[T] {
	return func(yield func(Result[T]) bool) {
		s(func(r Result[T]) bool {
			kept := then(&r, keep, how)
			r.h = kept.h
			if r.h.state() != ready {
				return yield(Result[T]{h: r.h})
			}
			if !kept.value {
				return yield(Result[T]{h: r.h.with(done, nil)})
			}
			return yield(r)
		})
	}
}

// FlatMap sends one Result for each value that f returns, all of them with the
// identity of the record: it is acknowledged if every one of them is. For no
// value at all the record is Done. Results that are not Ready pass by.
func FlatMap[A any, S ~[]B, B any](s Stream[A], f func(A) S) Stream[B] {
	requireStage("FlatMap", "f", s, f != nil)
	return splitting(s, func(_ context.Context, a A) (S, error) { return f(a), nil }, pure)
}

// TryFlatMap is [FlatMap] with a function that may fail, which makes the Result
// Failed.
func TryFlatMap[A any, S ~[]B, B any](s Stream[A], f func(context.Context, A) (S, error)) Stream[B] {
	requireStage("TryFlatMap", "f", s, f != nil)
	return splitting(s, f, goesOn)
}

func splitting[A any, S ~[]B, B any](s Stream[A], f func(context.Context, A) (S, error), how callKind) Stream[B] {
	return func(yield func(Result[B]) bool) {
		s(func(r Result[A]) bool {
			parts := then(&r, f, how)
			if parts.h.state() != ready {
				return yield(Result[B]{h: parts.h})
			}
			if len(parts.value) == 0 {
				return yield(Result[B]{h: parts.h.with(done, nil)})
			}
			h := parts.h
			h.setPartNumber(h.entry.split(h.partNumber(), len(parts.value)))
			for _, value := range parts.value {
				if !yield(Result[B]{h, value}) {
					return false
				}
				h.setPartNumber(h.partNumber() + 1)
			}
			return true
		})
	}
}

// TryEach calls f for its effect on the value of every Ready Result; its error
// makes the Result Failed. Others pass by.
//
// Like every stage it is lazy: as a bare statement it does nothing.
func TryEach[T any](s Stream[T], f func(context.Context, T) error) Stream[T] {
	requireStage("TryEach", "f", s, f != nil)
	return func(yield func(Result[T]) bool) {
		s(func(r Result[T]) bool { return yield(thenEach(&r, f)) })
	}
}

// Each is the stage of one function: SQSHandler(Each(handle)) is a whole
// handler.
func Each[T any](f func(context.Context, T) error) func(Stream[T]) Stream[T] {
	requireGiven[T]("Each", "f", f != nil)
	return func(s Stream[T]) Stream[T] { return TryEach(s, f) }
}

// Tap calls look for every Result, whatever its state, and changes none. It is
// for logs and counts: look is called even for what ended, was blocked or failed.
// If look panics, the Result fails with a [*PanicError], joined to the error it had.
func Tap[T any](s Stream[T], look func(Result[T])) Stream[T] {
	requireStage("Tap", "look", s, look != nil)
	return func(yield func(Result[T]) bool) {
		s(func(r Result[T]) bool {
			r.h.see()
			return yield(callTap(r, look))
		})
	}
}

func callTap[T any](r Result[T], look func(Result[T])) (out Result[T]) {
	var crash error // of a hook
	returned := false
	defer func() {
		if !returned {
			out = failTapped(r, panicOrExit(recover()))
		}
	}()
	if r.h.scopePending() {
		r.h.mark &^= scopePending
		crash = r.h.entry.openScope()
	}
	if crash == nil && !r.h.answered() { // hooks may take as long as they like
		look(r)
	}
	returned = true
	if crash != nil {
		return failTapped(r, crash)
	}
	return r
}

// answered reports whether the answer is given, so that no function may be called any more.
func (h *header) answered() bool { return h.entry != nil && h.entry.level.run.answered.Load() }

func failTapped[T any](r Result[T], err error) Result[T] {
	if r.h.entry == nil || r.h.state().Unprocessed() {
		return r
	}
	if r.h.state() == failed {
		err = errors.Join(r.Err(), err)
	}
	r.h.fail(err, goesOn)
	return Result[T]{h: r.h}
}

// Discard acknowledges every Ready Result: its value is not needed any more. Others pass by.
// It gives stages that make different types one type to end with, as the routes of [Route] must
// have. It treats a Result as [Filter] does that keeps nothing.
func Discard[B, A any](s Stream[A]) Stream[B] {
	requireStage("Discard", "", s, true)
	return func(yield func(Result[B]) bool) {
		s(func(r Result[A]) bool {
			if r.h.admit(pure) {
				r.h = r.h.with(done, nil)
			}
			return yield(Result[B]{h: r.h})
		})
	}
}

// Catch calls f for the error of every Failed Result: nil acknowledges the
// record, an error takes the place of the one before. Ready and Done pass by.
//
// Unprocessed Results pass by, too: nothing has been tried for them, so there is
// nothing to settle.
func Catch[T any](s Stream[T], f func(context.Context, error) error) Stream[T] {
	requireStage("Catch", "f", s, f != nil)
	return recovering(s, done, func(ctx context.Context, err error) (v T, _ error) { return v, f(ctx, err) })
}

// OrElse calls f for the error of every Failed Result and goes on with the value
// that it returns, or with its error in the place of the one before. Ready, Done
// and unprocessed Results pass by.
func OrElse[T any](s Stream[T], f func(context.Context, error) (T, error)) Stream[T] {
	requireStage("OrElse", "f", s, f != nil)
	return recovering(s, ready, f)
}

// recovering gives Failed Results to f; what it settles goes on as settled.
func recovering[T any](s Stream[T], settled state, f func(context.Context, error) (T, error)) Stream[T] {
	return func(yield func(Result[T]) bool) {
		s(func(r Result[T]) bool {
			r.h.see()
			if r.h.state() != failed || r.h.entry == nil {
				return yield(r)
			}
			if !r.h.recoverable() {
				return yield(Result[T]{h: r.h})
			}
			r.h.entry.level.run.setFlag(acted)
			value, err := call(r.h.entry, r.Err(), f)
			if err != nil {
				r.h.fail(err, goesOn)
				return yield(Result[T]{h: r.h})
			}
			r.h = r.h.with(settled, nil)
			r.h.see()
			return yield(Result[T]{r.h, value})
		})
	}
}

// recoverable reports whether a function may be called for the error of the Result now.
func (h *header) recoverable() bool {
	if s, _ := h.refusal(); s != ready {
		return false
	}
	if !h.scopePending() {
		return true
	}
	if !h.openScope(goesOn) {
		return false
	}
	s, _ := h.refusal()
	return s == ready
}

// built is what a user's stage returned.
func requireStream[T any](s Stream[T]) Stream[T] {
	require(s != nil, "stage", "it returned a nil Stream")
	return s
}

func requireStage[T any](stage, argument string, s Stream[T], given bool) {
	requireGiven[T](stage, "s", s != nil)
	requireGiven[T](stage, argument, given)
}

// requireGiven names the type of the values, so that stages of one kind are told apart.
func requireGiven[T any](stage, argument string, given bool) {
	if !given { // or the text would be made each time
		values := strings.TrimPrefix(fmt.Sprintf("%T", (*T)(nil)), "*")
		require(false, stage, fmt.Sprintf("%s is nil, in the stage that takes %s", argument, values))
	}
}
