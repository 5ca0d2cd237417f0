package batch

// Result, its states, and Then: the one way a user's function is called with a value.

import (
	"context"

	"github.com/lambdabatch/batch/internal/ledger"
	"github.com/lambdabatch/batch/internal/order"
)

// A Result is one record on its way through the pipeline: a value for the next
// stage (Ready), an early acknowledgement (Done), or an error (Failed).
//
// Results are values. Methods that change the state return a new Result, and
// only the Result that goes on to the next stage counts. Of several copies of one
// Result the Failed one counts: what settles a failure must descend from it.
//
// The zero Result is Failed and belongs to no record: stages pass it on and
// collectors skip it.
type Result[T any] struct {
	h     header
	value T
}

// header is the part of a Result that does not depend on the type of its value.
type header struct {
	entry *entry
	err   error
	mark
}

// A mark is, from the lowest bit on: the state (7 bits), whether the scope of the record is
// still to be opened, who gave the Result out among those of its level, the version of the
// open failure that it is or descends from (0: none), and the number of the record's part
// that it is. One word is passed on in one register.
type mark uint64

// unscoped is set by sources whose records have scopes. It keeps a Result from the short way through admit.
const scopePending mark = 1 << 7

func marked(s state, number uint32) mark { return mark(s) | mark(number)<<32 }

func (m mark) state() state           { return state(m &^ scopePending & 0xff) }
func (m mark) scopePending() bool     { return m&scopePending != 0 }
func (m mark) feeder() uint8          { return uint8(m >> 8) }
func (m mark) failureVersion() uint16 { return uint16(m >> 16) }
func (m mark) partNumber() uint32     { return uint32(m >> 32) }

func (m *mark) setState(s state)           { *m = *m&^0x7f | mark(s) }
func (m *mark) setFeeder(p uint8)          { *m = *m&^0xff00 | mark(p)<<8 }
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

// Value returns the value of a Ready Result, and false for any other.
func (r Result[T]) Value() (value T, ok bool) {
	if r.h.state() != ready {
		return value, false
	}
	return r.value, true
}

// Err returns the error of a Failed Result, and nil for any other.
func (r Result[T]) Err() error {
	if !r.h.state().Failure() {
		return nil
	}
	if r.h.err == nil {
		return errNoRecord
	}
	return r.h.err
}

// Record returns the record that r belongs to. For the zero Result it is the
// zero Record.
func (r Result[T]) Record() Record {
	if r.h.entry == nil {
		return Record{}
	}
	return r.h.entry.record()
}

// Context returns the context of the record: the one that user functions get.
func (r Result[T]) Context() context.Context {
	if r.h.entry == nil {
		return context.Background()
	}
	return r.h.entry
}

// Fail returns r as Failed with err, or with a stated error if err is nil. It
// counts from the next stage or collector on. An unprocessed Result stays as it
// is, whatever err says.
func (r Result[T]) Fail(err error) Result[T] {
	if r.h.state().Unprocessed() {
		return r
	}
	if err == nil {
		err = errNilFail
	}
	return Result[T]{h: r.h.with(failed, err)}
}

// Ack returns r as Done: its record is acknowledged unless another of its
// Results fails, and later stages pass it on. It settles a Failed Result, too.
// An unprocessed Result stays as it is.
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

// Then applies f to the value of a Ready Result and passes any other through.
// An error that f returns makes the Result Failed, and so does a panic, as a
// [*PanicError].
//
// f is not called if the record's context has ended ([ErrNotStarted]) or if the
// policy of the source holds the record back because of a failure ([ErrBlocked]).
//
// A stage that the library does not have is a loop around Then. Only the Result
// that goes on counts: a stage may call Then again for r and send what came of it
// then.
func Then[A, B any](r Result[A], f func(context.Context, A) (B, error)) Result[B] {
	requireGiven[A]("Then", "f", f != nil)
	return then(&r, f, tentative)
}

// then takes a pointer because a Result with the record of an event in it is large.
func then[A, B any](r *Result[A], f func(context.Context, A) (B, error), how callKind) (out Result[B]) {
	out.h = r.h
	if !(out.h.pristine() && out.h.entry.level.quiet(uint32(how&pure))) && !out.h.admitWithScope(how) {
		return out
	}
	returned := false
	defer out.h.failUnlessReturned(&returned, how)
	b, err := f(out.h.entry, r.value)
	returned = true
	if err != nil {
		out.h.fail(err, how)
		return out
	}
	out.value = b
	return out
}

// mapped and touched save a function around the user's, and a copy of the value: an eighth of five stages over ten
// messages (BenchmarkStages).

// mapped is then for a function that only makes another value.
func thenMap[A, B any](r *Result[A], f func(A) B) (out Result[B]) {
	out.h = r.h
	if !(out.h.pristine() && out.h.entry.level.quiet(uint32(pure))) && !out.h.admitWithScope(pure) {
		return out
	}
	returned := false
	defer out.h.failUnlessReturned(&returned, pure)
	out.value = f(r.value)
	returned = true
	return out
}

// touched is then for a function that makes no other value.
func thenEach[T any](r *Result[T], f func(context.Context, T) error) (out Result[T]) {
	out.h = r.h
	if !(out.h.pristine() && out.h.entry.level.quiet(uint32(goesOn))) && !out.h.admitWithScope(goesOn) {
		return out
	}
	returned := false
	defer out.h.failUnlessReturned(&returned, goesOn)
	err := f(out.h.entry, r.value)
	returned = true
	if err != nil {
		out.h.fail(err, goesOn)
		return out
	}
	out.value = r.value
	return out
}

// caught is deferred around a user's function. It looks at a flag first, since recover costs more than the call.
func (h *header) failUnlessReturned(returned *bool, how callKind) {
	if !*returned {
		h.fail(panicOrExit(recover()), how)
	}
}

// A note says what becomes of the Result that a function is called for.
type callKind uint8

const (
	goesOn    callKind = 0 // it goes on
	pure      callKind = 1 // the same, and the function has no effect that matters twice
	tentative callKind = 2 // the stage has it, and may send it or not
)

// sound reports whether the Result is Ready and never was Failed. If its level is quiet,
// too, that is the short way through admit, for what most Results are.
func (h *header) pristine() bool { return h.mark&0xffff00ff == mark(ready) }

// quiet reports whether nothing has happened, but for what is expected, that a Ready Result
// must be held against. It is just small enough to be inlined.
func (l *level) quiet(expected uint32) bool {
	return l.run.flags.Load()|expected == acted && l.ctx.Err() == nil
}

// admit reports whether a function may be called for the value of the Result.
// A Ready Result that is refused becomes unprocessed.
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

// refusal returns ready if a user's function may be called for the record now,
// or the state that says why not. Under blocked it names the failed record.
func (h *header) refusal() (s state, by int32) {
	if h.entry.level.ctx.Err() != nil {
		return notStarted, 0
	}
	index, at := int(h.entry.index), order.Place{After: h.feeder()}
	for {
		if by, ok := h.entry.level.order.Blocker(index, at); ok {
			return blocked, int32(by)
		}
		v := h.entry.visit
		if v == nil {
			return ready, 0
		}
		h = &v.outside
		at = order.Place{After: h.feeder(), Inside: v.crossing.lanes}
	}
}

func (h *header) refuse(s state, err error, how callKind) {
	h.become(s, err)
	h.openFailure(how)
}

func (h *header) fail(err error, how callKind) {
	h.become(failed, err)
	h.openFailure(how)
}

// see brings the order up to date with a Result that goes on. Fail and Ack are
// pure, so a failure counts, and is settled, when a stage sees it.
func (h *header) see() {
	switch {
	case h.entry == nil:
	case h.state().Failure():
		h.openFailure(goesOn)
	case h.failureVersion() != 0 || h.entry.level.order.Loose():
		h.entry.level.order.Pass(h.failureKey())
		h.setFailureVersion(0)
	}
}

// open opens the failure of the Result, in place of the one that it was.
func (h *header) openFailure(how callKind) {
	level, holds := h.entry.level, h.entry.holdsOthersBack()
	verdict := ledger.Verdict{State: h.state(), Err: h.err}
	if how == tentative {
		h.setFailureVersion(level.order.Try(h.failureKey(), holds, h.feeder(), verdict))
	} else {
		h.setFailureVersion(level.order.Fail(h.failureKey(), holds, verdict))
	}
	if holds || how == tentative {
		level.run.setFlag(troubled)
	}
}

func (h *header) failureKey() order.Failure {
	f := order.Failure{Index: int(h.entry.index), Number: h.partNumber(), Version: h.failureVersion()}
	if v := h.entry.visit; v != nil {
		f.Stay = v.stay
	}
	return f
}

// call calls f and turns a panic into an error. The deferred function looks at a
// flag first, since recover costs more than the call. After [runtime.Goexit]
// nothing is recovered and nobody sees what call returns.
func call[A, B any](ctx context.Context, a A, f func(context.Context, A) (B, error)) (b B, err error) {
	returned := false
	defer func() {
		if !returned {
			err = newPanicError(recover())
		}
	}()
	b, err = f(ctx, a)
	returned = true
	return b, err
}
