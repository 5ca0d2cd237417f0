package batch

// The stages, one family after the other: mapping, filtering, one to many, effects,
// looking, recovering. They call the upstream function instead of ranging over it, which
// saves the bookkeeping of a range loop per record and stage.

import (
	"context"
	"errors"
	"iter"
)

// A Stream is a batch on its way through a pipeline: an iterator over [Result] values.
// A source makes one result per record, in the order of the batch. [FlatMap] may make
// several of one, and [Parallel] and [Route] may change their order.
//
// A Stream is lazy: nothing runs until a collector or a loop ranges over it. Ranging
// twice runs every function twice, effects included.
//
// It is an alias of [iter.Seq], so [slices.Collect], a plain range loop and iterator
// libraries such as lo/it accept it.
type Stream[T any] = iter.Seq[Result[T]]

// A Stage turns one [Stream] into another. Every function of this type is a Stage, so a
// pipeline made of stages is one, too. To write a stage that this package does not
// have, see [Then].
type Stage[A, B any] = func(Stream[A]) Stream[B]

// Map replaces the value of every ready result by what f returns for it. Results that
// are not ready pass through unchanged.
//
// Map is for functions that cannot fail; use [TryMap] for the others. See
// [Then] for when f is not called, and for what a panic does.
func Map[A, B any](s Stream[A], f func(A) B) Stream[B] {
	requireStage("Map", "f", s, f != nil)
	return func(yield func(Result[B]) bool) {
		s(func(r Result[A]) bool {
			var out Result[B]
			thenMap(&r, &out, f)
			return yield(out)
		})
	}
}

// TryMap is [Map] for functions that may fail. An error of f makes the
// result Failed. Results that are not ready pass through unchanged.
//
// f gets the record's own context. It ends before the function's deadline (see
// [WithReserve]), and it identifies the record (see [RecordFrom] and [SourceFrom]).
func TryMap[A, B any](s Stream[A], f func(context.Context, A) (B, error)) Stream[B] {
	requireStage("TryMap", "f", s, f != nil)
	return func(yield func(Result[B]) bool) {
		s(func(r Result[A]) bool {
			var out Result[B]
			then(&r, &out, f, goesOn)
			return yield(out)
		})
	}
}

// Filter ends the work on records that need no more of it: a ready result becomes
// Done if keep returns false for its value. Other results pass through unchanged.
//
// Filter is for functions that cannot fail; use [TryFilter] for the others. See [Then]
// for when keep is not called, and for what a panic does.
func Filter[T any](s Stream[T], keep func(T) bool) Stream[T] {
	requireStage("Filter", "keep", s, keep != nil)
	return filtering(s, func(_ context.Context, v T) (bool, error) { return keep(v), nil }, pure)
}

// TryFilter is [Filter] for functions that may fail. An error of keep
// makes the result Failed. keep gets the record's own context.
func TryFilter[T any](s Stream[T], keep func(context.Context, T) (bool, error)) Stream[T] {
	requireStage("TryFilter", "keep", s, keep != nil)
	return filtering(s, keep, goesOn)
}

func filtering[T any](s Stream[T], keep func(context.Context, T) (bool, error), how callKind) Stream[T] {
	return func(yield func(Result[T]) bool) {
		s(func(r Result[T]) bool {
			var kept Result[bool]
			then(&r, &kept, keep, how)
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

// FlatMap makes several results, called parts, from every ready result: one per value
// that f returns. If f returns no values, the result becomes Done. Results that are not
// ready pass through unchanged.
//
// All parts belong to the same record. The record is acknowledged only if every part
// is. If one fails, the record is reported once, and all of its parts are processed
// again when it is redelivered. A failed part does not hold back the other parts of its
// record, whatever the policy: the later ones are still processed.
//
// FlatMap is for functions that cannot fail; use [TryFlatMap] for the others. See
// [Then] for when f is not called, and for what a panic does.
func FlatMap[A any, S ~[]B, B any](s Stream[A], f func(A) S) Stream[B] {
	requireStage("FlatMap", "f", s, f != nil)
	return splitting(s, func(_ context.Context, a A) (S, error) { return f(a), nil }, pure)
}

// TryFlatMap is [FlatMap] for functions that may fail. An error of f
// makes the result Failed, and its values are dropped. f gets the record's own context.
func TryFlatMap[A any, S ~[]B, B any](s Stream[A], f func(context.Context, A) (S, error)) Stream[B] {
	requireStage("TryFlatMap", "f", s, f != nil)
	return splitting(s, f, goesOn)
}

func splitting[A any, S ~[]B, B any](s Stream[A], f func(context.Context, A) (S, error), how callKind) Stream[B] {
	return func(yield func(Result[B]) bool) {
		s(func(r Result[A]) bool {
			var parts Result[S]
			then(&r, &parts, f, how)
			if parts.h.state() != ready {
				return yield(Result[B]{h: parts.h})
			}
			if len(parts.value) == 0 {
				return yield(Result[B]{h: parts.h.with(done, nil)})
			}
			h := parts.h
			h.setPartNumber(h.entry.split(h.partNumber(), len(parts.value)))
			h.mark |= followed
			for i, value := range parts.value {
				if i == len(parts.value)-1 && !r.h.followed() {
					h.mark &^= followed
				}
				if !yield(Result[B]{h, value}) {
					return false
				}
				h.setPartNumber(h.partNumber() + 1)
			}
			return true
		})
	}
}

// TryEach calls f with the value of every ready result, for an effect such as a write.
// An error of f makes the result Failed; otherwise the value goes on to the next stage.
// Results that are not ready pass through unchanged. f gets the record's own context.
//
// Like every stage, TryEach is lazy: a call whose Stream is not used does nothing.
// See [Then] for when f is not called, and for what a panic does.
func TryEach[T any](s Stream[T], f func(context.Context, T) error) Stream[T] {
	requireStage("TryEach", "f", s, f != nil)
	return func(yield func(Result[T]) bool) {
		s(func(r Result[T]) bool {
			thenEach(&r, f)
			return yield(r)
		})
	}
}

// Each returns a stage that is [TryEach] with f. It makes a handler of a function for
// one record:
//
//	lambda.Start(batch.SQSHandler(batch.Each(handle)))
func Each[T any](f func(context.Context, T) error) func(Stream[T]) Stream[T] {
	requireGiven[T]("Each", "f", f != nil)
	return func(s Stream[T]) Stream[T] { return TryEach(s, f) }
}

// Tap calls look with every result, whatever its state, and passes the result on. It is
// for logs and counters: look also sees results that are Done, Failed or unprocessed,
// and is called even after the record's context has ended. It is no longer called once
// the collector has responded.
//
// If look panics, the result becomes Failed with a [*PanicError], joined with the error
// that it had. A panic does not change an unprocessed result.
func Tap[T any](s Stream[T], look func(Result[T])) Stream[T] {
	requireStage("Tap", "look", s, look != nil)
	return func(yield func(Result[T]) bool) {
		s(func(r Result[T]) bool {
			r.h.see()
			callTap(&r, look)
			return yield(r)
		})
	}
}

// callTap calls look with r, and fails r if it panics.
func callTap[T any](r *Result[T], look func(Result[T])) {
	var crash error // of a scope hook
	returned := false
	defer func() {
		if !returned {
			failTapped(r, panicOrExit(recover()))
		}
	}()
	if r.h.scopePending() {
		r.h.mark &^= scopePending
		crash = r.h.entry.openScope()
	}
	if crash == nil && !r.h.answered() { // checked after the scope hooks, which may take any time
		if r.h.entry != nil && !r.h.watched() {
			r.h.entry.hold()
			defer r.h.entry.release()
		}
		look(*r)
	}
	returned = true
	if crash != nil {
		failTapped(r, crash)
	}
}

// answered reports whether the collector has responded: then no function may be called.
func (h *header) answered() bool { return h.entry != nil && h.entry.level.run.answered.Load() }

// failTapped makes r Failed after look or a scope hook has panicked.
func failTapped[T any](r *Result[T], err error) {
	if r.h.entry == nil {
		return
	}
	if err == errExited {
		r.h.entry.level.run.setFlag(exited)
	}
	if r.h.state().Unprocessed() {
		return
	}
	if r.h.state() == failed {
		err = errors.Join(r.Err(), err)
	}
	r.h.fail(err, goesOn)
}

// Discard makes every ready result Done and drops its value. Other results pass through
// unchanged. It is [Filter] with a function that always returns false, except that the type
// of the Stream may change.
//
// It lets routes with different result types end in the same type B; see [Route].
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

// Catch calls f with the error of every Failed result. If f returns nil, the failure is
// settled and the result becomes Done. If f returns an error, that error replaces the
// previous one. If f panics, a [*PanicError] replaces it.
//
// Results that are Ready or Done pass through unchanged, and so do unprocessed ones: their
// records were not tried or not finished, so there is nothing to settle. A Failed result
// keeps its error, and f is not called, if the record's context has ended or an earlier
// failure holds the record back.
func Catch[T any](s Stream[T], f func(context.Context, error) error) Stream[T] {
	requireStage("Catch", "f", s, f != nil)
	return recovering(s, done, func(ctx context.Context, err error) (T, error) { return *new(T), f(ctx, err) })
}

// OrElse is [Catch] with a substitute value: if f returns a value and no error, the
// failure is settled, and the result becomes Ready with that value. If f returns an
// error, that error replaces the previous one.
//
// Results that are Ready, Done or unprocessed pass through unchanged. The conditions
// under which f is called are those of [Catch].
func OrElse[T any](s Stream[T], f func(context.Context, error) (T, error)) Stream[T] {
	requireStage("OrElse", "f", s, f != nil)
	return recovering(s, ready, f)
}

// recovering calls f with the error of every Failed result. A failure for which f
// returns no error becomes a result in the state settled.
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
			value, err := recoverWith(&r, f)
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

// recoverWith calls f with the error of the result.
func recoverWith[T any](r *Result[T], f func(context.Context, error) (T, error)) (value T, err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if err = panicOrExit(recover()); err == errExited { // no caller will see it
			r.h.entry.level.run.setFlag(exited)
		}
	}()
	value, err = f(r.h.entry, r.Err())
	returned = true
	return value, err
}

// recoverable reports whether a function may now be called for the error of the result.
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
