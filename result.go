package batch

// Result, its states, and Then, through which every stage calls a user's function with a value.

import (
	"context"

	"github.com/lambdabatch/batch/internal/ledger"
	"github.com/lambdabatch/batch/internal/order"
)

// A Result is one record, or one part of a record (see [FlatMap]), on its way through a
// pipeline. It is in one of three states:
//
//   - Ready: it has a value for the next stage.
//   - Done: it needs no more work, and later stages pass it on.
//   - Failed: it has an error. A Failed result is called unprocessed if the record was
//     not tried or not finished; its error then is [ErrBlocked], [ErrNotStarted] or
//     [ErrUnreached], and nothing settles it.
//
// Results are immutable. [Result.Fail] and [Result.Ack] return a new Result, which has
// an effect only if it is sent on to the next stage. A stage may send several copies of
// a Result. If one of them is Failed, the record counts as failed: a failure is settled
// only by a Result made from the Failed one. Results that a stage has made of one Result with
// [Then] are copies even if their values differ: collectors keep the value that arrives first.
// Only [FlatMap] and [TryFlatMap] make several values of one.
//
// The zero Result is Failed and belongs to no record. Stages pass it on, and collectors
// skip it.
type Result[T any] struct {
	h     header
	value T
}

// header is everything in a Result that does not depend on the type of its value.
type header struct {
	entry *entry
	err   error
	mark
}

// A mark packs six things into one word, which every stage passes on in one register:
//
//	bits 0-5    the state
//	bit 6       whether another Result follows at once
//	bit 7       whether the scope of the record has yet to be opened
//	bits 8-15   the number of the feeder, on its level, that the Result came from
//	bits 16-31  the version of the open failure that the Result is or descends from, or 0
//	bits 32-63  the number of the part
type mark uint64

// scopePending is set by sources whose records have scopes. A Result with it is not
// pristine, so it takes the long way through admitWithScope.
const scopePending mark = 1 << 7

// followed is set by stages that send several Results in a row, for all but the last of them. A chunk may then wait for the next
// one though time is short. It holds on one goroutine, so it ends where a Result enters or leaves lanes.
const followed mark = 1 << 6

func (m mark) state() state           { return state(m & 0x3f) }
func (m mark) followed() bool         { return m&followed != 0 }
func (m mark) scopePending() bool     { return m&scopePending != 0 }
func (m mark) feederNumber() uint8    { return uint8(m >> 8) }
func (m mark) failureVersion() uint16 { return uint16(m >> 16) }
func (m mark) partNumber() uint32     { return uint32(m >> 32) }

func (m *mark) setState(s state)           { *m = *m&^0x3f | mark(s) }
func (m *mark) setFeederNumber(n uint8)    { *m = *m&^(0xff00|followed) | mark(n)<<8 }
func (m *mark) setFailureVersion(v uint16) { *m = *m&^0xffff0000 | mark(v)<<16 }
func (m *mark) setPartNumber(n uint32)     { *m = *m&0xffffffff | mark(n)<<32 }

type state = ledger.State

const (
	failed     = ledger.Failed
	ready      = ledger.Ready
	done       = ledger.Done
	blocked    = ledger.Blocked
	notStarted = ledger.NotStarted
	unreached  = ledger.Unreached
	running    = ledger.Running
)

// Value returns the value of a ready result. For any other result it returns the zero
// value and false.
func (r Result[T]) Value() (value T, ok bool) {
	if r.h.state() != ready {
		return value, false
	}
	return r.value, true
}

// Err returns the error of a Failed result, and nil for any other.
func (r Result[T]) Err() error {
	if !r.h.state().Failure() {
		return nil
	}
	if r.h.err == nil {
		return errNoRecord
	}
	return r.h.err
}

// Record returns the record that r belongs to. The zero Result has the zero [Record].
func (r Result[T]) Record() Record {
	if r.h.entry == nil {
		return Record{}
	}
	return r.h.entry.record()
}

// Context returns the context of the record, which is the one that functions called for
// r get. The zero Result has [context.Background].
func (r Result[T]) Context() context.Context {
	if r.h.entry == nil {
		return context.Background()
	}
	return r.h.entry
}

// Fail returns a copy of r that is Failed with err. If err is nil, the copy has an error
// that says so. If r is unprocessed, Fail returns r unchanged.
//
// Fail has no side effect. The failure counts as soon as the next stage or a collector
// sees the returned Result. If that is not sent on, the failure does not count at all.
func (r Result[T]) Fail(err error) Result[T] {
	if r.h.state().Unprocessed() {
		return r
	}
	if err == nil {
		err = errNilFail
	}
	return Result[T]{h: r.h.with(failed, err)}
}

// Ack returns a copy of r that is Done. Its record is acknowledged unless another result of
// the record fails or does not reach the collector. If r is Failed, Ack settles the
// failure; if r is one of several parts, only the failure of that part. If r is
// unprocessed, Ack returns r unchanged.
//
// Like [Result.Fail], Ack has no side effect: the returned Result must be sent on.
func (r Result[T]) Ack() Result[T] {
	if r.h.state().Unprocessed() {
		return r
	}
	return Result[T]{h: r.h.with(done, nil)}
}

func (h header) with(s state, err error) header {
	h.become(s, err)
	return h
}

func (h *header) become(s state, err error) {
	h.setState(s)
	h.err = err
}

// Then calls f with the value of a ready result and returns a result with the new value.
// Results that are not ready are returned unchanged, without a call of f.
//
// If f returns an error, the result becomes Failed with it. If f panics, the result
// becomes Failed with a [*PanicError], and other records are not affected. f gets the
// record's own context.
//
// Then does not call f, and the ready result becomes unprocessed, in two cases:
//
//   - The record's context has ended. The error is [ErrNotStarted].
//   - The policy of the source holds the record back because an earlier record has
//     failed. The error is [ErrBlocked].
//
// Nor does Then call f if a scope function panics when it opens the scope of the record. The
// result then becomes Failed (see [WithScope]).
//
// To write a stage that this package does not have, call Then in a loop over a Stream:
//
//	func chargeAll(s batch.Stream[Order]) batch.Stream[Receipt] {
//		return func(yield func(batch.Result[Receipt]) bool) {
//			for r := range s {
//				if !yield(batch.Then(r, charge)) {
//					return
//				}
//			}
//		}
//	}
//
// Only the result that is sent on counts, so a stage may try again: it may call Then
// several times with the same r, and send the last outcome. All calls must have returned by
// then: a failure that comes later counts.
//
// A stage that uses [iter.Pull] must call stop before it returns. Otherwise the record that
// it pulled last counts as still running ([ErrRunning]) and is reported, if the invocation has a
// deadline.
func Then[A, B any](r Result[A], f func(context.Context, A) (B, error)) (out Result[B]) {
	requireGiven[A]("Then", "f", f != nil)
	then(&r, &out, f, tentative)
	return out
}

// then sets out to what [Then] returns for r. It takes pointers because Results are large, and because a Result that a
// function returns is copied once more: its words come in registers, are saved one by one and then copied two at a time, and the
// processor cannot load two words at once until both stores have reached the cache. Without these copies, five stages over 1,000
// messages take three quarters of the time (BenchmarkStages).
func then[A, B any](r *Result[A], out *Result[B], f func(context.Context, A) (B, error), how callKind) {
	out.h = r.h
	if !(out.h.pristine() && out.h.entry.level.quiet(uint32(how&pure))) && !out.h.admitWithScope(how) {
		return
	}
	if !out.h.watched() {
		out.h.entry.hold()
		defer out.h.entry.release()
	}
	returned := false
	defer out.h.failUnlessReturned(&returned, how)
	b, err := f(out.h.entry, r.value)
	returned = true
	if err != nil {
		out.h.fail(err, how)
		return
	}
	out.value = b
}

// thenMap and thenEach repeat then to avoid wrapping the user's function and copying the
// value. That saves a twelfth of the time of five stages over 1,000 messages (BenchmarkStages).

// thenMap is then for the functions of Map.
func thenMap[A, B any](r *Result[A], out *Result[B], f func(A) B) {
	out.h = r.h
	if !(out.h.pristine() && out.h.entry.level.quiet(uint32(pure))) && !out.h.admitWithScope(pure) {
		return
	}
	if !out.h.watched() {
		out.h.entry.hold()
		defer out.h.entry.release()
	}
	returned := false
	defer out.h.failUnlessReturned(&returned, pure)
	out.value = f(r.value)
	returned = true
}

// thenEach is then for the functions of TryEach, which keep the value. It changes r itself.
func thenEach[T any](r *Result[T], f func(context.Context, T) error) {
	if !(r.h.pristine() && r.h.entry.level.quiet(uint32(goesOn))) && !r.h.admitWithScope(goesOn) {
		return
	}
	if !r.h.watched() {
		r.h.entry.hold()
		defer r.h.entry.release()
	}
	returned := false
	defer r.h.failUnlessReturned(&returned, goesOn)
	err := f(r.h.entry, r.value)
	returned = true
	if err != nil {
		r.h.fail(err, goesOn)
	}
}

// failUnlessReturned is deferred around a user's function. It checks a flag first because
// recover costs more than the call.
func (h *header) failUnlessReturned(returned *bool, how callKind) {
	if !*returned {
		h.fail(panicOrExit(recover()), how)
	}
}

// A callKind says what happens to the Result that a function is called for.
type callKind uint8

const (
	goesOn    callKind = 0 // the stage sends it on
	pure      callKind = 1 // the stage sends it on, and calling the function twice does no harm
	tentative callKind = 2 // the stage is a user's, and may send it on or not
)

// pristine reports whether the Result is Ready, descends from no open failure and has no
// pending scope. Most Results are pristine. If the level is quiet as well, admit would
// return true.
func (h *header) pristine() bool { return h.mark&0xffff00bf == mark(ready) }

// quiet reports whether admit has nothing to check and nothing to note for a pristine
// Result. That is so if no context has ended, no failure may hold it back, and the flag
// acted is set already or, because the function is pure, need not be. The method is just
// small enough to be inlined.
func (l *level) quiet(expected uint32) bool {
	return l.run.flags.Load()|expected == acted && l.ctx.Err() == nil
}

// admit reports whether a function may be called with the value of the Result.
// A ready result that is refused becomes unprocessed.
func (h *header) admit(how callKind) bool {
	h.see()
	if h.state() != ready {
		return false
	}
	s, by := h.refusal()
	switch s {
	case notStarted:
		h.refuse(notStarted, &notStartedError{context.Cause(h.entry)}, how)
	case blocked:
		h.refuse(blocked, &blockedError{h.entry.batch(), h.entry.index, by}, how)
	default:
		if how != pure {
			h.entry.level.run.setFlag(acted)
		}
	}
	return s == ready
}

// refusal returns ready if a function may be called for the record now, and otherwise
// the state that says why not. For blocked, by is the failed record.
func (h *header) refusal() (s state, by int32) {
	if h.entry.level.ctx.Err() != nil {
		return notStarted, 0
	}
	index, at := int(h.entry.index), order.Place{After: h.feederNumber()}
	for {
		if by, ok := h.entry.level.blocker(index, at); ok {
			return blocked, int32(by)
		}
		v := h.entry.visit
		if v == nil {
			return ready, 0
		}
		h = &v.outside
		at = order.Place{After: h.feederNumber(), Inside: v.crossing.number}
	}
}

func (h *header) refuse(s state, err error, how callKind) {
	h.become(s, err)
	h.openFailure(how)
}

func (h *header) fail(err error, how callKind) {
	if err == errExited {
		h.entry.level.run.setFlag(exited)
	}
	h.become(failed, err)
	h.openFailure(how)
}

// see brings the order up to date with a Result that goes on. Fail and Ack have no side
// effect, so a failure begins to count, or is settled, when the next stage sees the Result.
func (h *header) see() {
	switch {
	case h.entry == nil:
	case h.state().Failure():
		h.openFailure(goesOn)
	case h.failureVersion() != 0 || h.entry.level.order.Unseen():
		h.entry.level.order.Pass(h.failureKey())
		h.setFailureVersion(0)
	}
}

// openFailure opens the failure of the Result. It replaces the version that the Result had.
func (h *header) openFailure(how callKind) {
	level, holds := h.entry.level, h.entry.holdsOthersBack()
	verdict := ledger.Verdict{State: h.state(), Err: h.err}
	if how == tentative {
		h.setFailureVersion(level.order.Try(h.failureKey(), holds, h.feederNumber(), verdict))
	} else {
		h.setFailureVersion(level.order.Fail(h.failureKey(), holds, verdict))
	}
	if holds || how == tentative {
		level.run.setFlag(troubled)
	}
	level.noteLate()
}

func (h *header) failureKey() order.Failure {
	return order.Failure{Index: int(h.entry.index), Number: h.partNumber(), Version: h.failureVersion(), Stay: h.entry.stay()}
}

// guard calls f and turns a panic into an error. Like failUnlessReturned it checks a flag before it
// recovers. After [runtime.Goexit] there is nothing to recover, and no caller that would see what
// guard returns.
func guard[T any](f func() (T, error)) (value T, err error) {
	returned := false
	defer func() {
		if !returned {
			err = newPanicError(recover())
		}
	}()
	value, err = f()
	returned = true
	return value, err
}
