package batch

// Result, the record behind it, and Then: the one way a user's function is
// called with a value.

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/lambdabatch/batch/internal/order"
	"github.com/lambdabatch/batch/internal/printable"
)

// A Result is one record on its way through the pipeline: a value for the next
// stage (Ready), an early acknowledgement (Done), or an error (Failed).
//
// Results are values. Methods that change the state return a new Result, and
// only the Result that goes on to the next stage counts.
//
// The zero Result is Failed and belongs to no record: stages pass it on and
// collectors skip it.
type Result[T any] struct {
	h     header
	value T
}

// header is the part of a Result that does not depend on the type of its value.
type header struct {
	entry  *entry
	err    error
	number uint32 // which of the record's Results this is
	state  state
}

type state uint8

const (
	failed state = iota
	ready
	done
	blocked // this and the following are unprocessed
	notStarted
	unreached
)

func (s state) unprocessed() bool { return s >= blocked }
func (s state) failure() bool     { return s == failed || s.unprocessed() }

// Value returns the value of a Ready Result, and false for any other.
func (r Result[T]) Value() (value T, ok bool) {
	if r.h.state != ready {
		return value, false
	}
	return r.value, true
}

// Err returns the error of a Failed Result, and nil for any other.
func (r Result[T]) Err() error {
	if !r.h.state.failure() {
		return nil
	}
	if r.h.err == nil {
		return errZero
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
	if r.h.state.unprocessed() {
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
	if r.h.state.unprocessed() {
		return r
	}
	return Result[T]{h: r.h.with(done, nil)}
}

func (h header) with(s state, err error) header {
	h.state, h.err = s, err
	return h
}

// Then applies f to the value of a Ready Result and passes any other through.
// An error that f returns makes the Result Failed, and so does a panic, as a
// [*PanicError].
//
// f is not called if the record's context has ended ([ErrNotStarted]) or if the
// policy of the source holds the record back behind a failure ([ErrBlocked]).
//
// A stage that the library does not have is a loop around Then.
func Then[A, B any](r Result[A], f func(context.Context, A) (B, error)) Result[B] {
	require(f != nil, "Then", "f is nil")
	return then(&r, f)
}

// then takes a pointer because a Result with the record of an event in it is large.
func then[A, B any](r *Result[A], f func(context.Context, A) (B, error)) (out Result[B]) {
	out.h = r.h
	if !r.h.free() && !out.h.admit() {
		return out
	}
	b, err := call(r.h.entry, r.value, f)
	if err != nil {
		out.h.fail(err)
		return out
	}
	out.value = b
	return out
}

// free is the short way through admit, for what most Results are.
func (h *header) free() bool {
	return h.state == ready && h.entry.scope.run.order == nil && h.entry.scope.ctx.Err() == nil
}

// admit reports whether a function may be called for the value of the Result.
// A Ready Result that is refused becomes unprocessed.
func (h *header) admit() bool {
	h.note()
	if h.state != ready {
		return false
	}
	s, by := h.entry.refusal()
	switch s {
	case notStarted:
		h.refuse(notStarted, &notStartedError{h.entry.run().batch, h.entry.index, context.Cause(h.entry)})
	case blocked:
		h.refuse(blocked, &blockedError{h.entry.run().batch, h.entry.index, by})
	}
	return s == ready
}

// refusal returns ready if a user's function may be called for the record now,
// or the state that says why not. Under blocked it names the failed record.
func (e *entry) refusal() (s state, by int32) {
	if e.scope.ctx.Err() != nil {
		return notStarted, 0
	}
	if e.run().order == nil {
		return ready, 0
	}
	for at := e; at != nil; at = at.outer() {
		if by, ok := at.order().Blocker(int(e.index)); ok {
			return blocked, int32(by)
		}
	}
	return ready, 0
}

func (h *header) refuse(s state, err error) {
	h.state, h.err = s, err
	h.note()
}

// lost is the Result as Failed because it did not get through a lane: with the
// crash of the lane, or, as nobody knows what became of it, as unprocessed. If no
// lane took it, it is only refused.
func (h header) lost(taken bool, crash *PanicError) header {
	switch {
	case h.entry == nil || h.state.unprocessed():
	case crash != nil:
		h.fail(crash)
	case h.state == failed:
		h.note()
	case taken || h.admit():
		h.refuse(unreached, unreachedAt(h.entry.run().batch, int(h.entry.index)).err)
	}
	return h
}

func (h *header) fail(err error) {
	h.state, h.err = failed, err
	h.note()
}

// note brings the order of the run up to date with the Result that goes on. Fail,
// Ack and Then are pure, so a failure counts, and is settled, when a stage sees it.
func (h *header) note() {
	if h.entry == nil || h.entry.run().order == nil {
		return
	}
	i := int(h.entry.index)
	if h.state.failure() {
		if !h.entry.run().batch.lastReceive(i) {
			h.entry.order().Fail(i, h.number)
		}
		return
	}
	for at := h.entry; at != nil; at = at.outer() {
		at.order().Settle(i, h.number)
	}
}

// leave takes the Result out of its lane. What it is counts outside from now on.
func (h *header) leave() {
	lane := h.entry.order()
	h.entry = h.entry.outer()
	if lane != nil {
		lane.Settle(int(h.entry.index), h.number)
		h.note()
	}
}

// call calls f and turns a panic into an error. The deferred function looks at a
// flag first, since recover costs more than the call. After runtime.Goexit
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

// A Record says which entry of the event a Result belongs to.
type Record struct {
	ID      string // what the response reports
	Group   string // ordering key, "" if none
	Index   int    // position in the batch, from 0
	Attempt int    // SQS ApproximateReceiveCount, 0 if the source does not say
	Source  any    // pointer to the original: *events.SQSMessage, *events.KinesisEventRecord, …
}

// RecordFrom returns the record that a user's function is called for. It
// reports false for a context that is not a record's.
func RecordFrom(ctx context.Context) (Record, bool) {
	if e, ok := ctx.Value(recordKey{}).(*entry); ok {
		return e.record(), true
	}
	return Record{}, false
}

// SourceFrom returns the original record that a user's function is called for,
// after any number of stages. It reports false if the context is not a record's
// or the original is no R. The original of a record that a handler could not
// decode is a [encoding/json.RawMessage].
func SourceFrom[R any](ctx context.Context) (*R, bool) {
	e, ok := ctx.Value(recordKey{}).(*entry)
	if !ok {
		return nil, false
	}
	source, ok := e.run().batch.source(int(e.index)).(*R)
	return source, ok
}

type recordKey struct{}

// An entry is one record in one iteration over a source, and the record's
// context. All entries of a batch are one allocation.
type entry struct {
	scope  *scope
	job    *job // its place in the innermost Parallel, nil outside
	index  int32
	extra  atomic.Uint32 // numbers given out beyond 0, on the source's entry
	parted atomic.Uint64 // the numbers below 64 that were split into others
}

// A job is the identity of a Result inside a lane. Its entry has the context that
// a break cancels; a Result that leaves the lane gets the outer one back.
type job struct {
	entry
	outer *entry       // nil: no lane has it, or it is no record's
	order *order.Order // failures that have not left the lane
	extra atomic.Int32 // numbers given out inside the lane beyond the first
	sent  numbers      // those that have left it
}

// empty reports whether nothing of the Result is inside the lane.
func (j *job) empty() bool { return j.outer == nil || j.sent.count > j.extra.Load() }

// numbers is a set of the numbers of one record's Results.
type numbers struct {
	count int32
	low   uint64
	high  map[uint32]struct{}
}

func (n *numbers) add(number uint32) {
	if number < 64 {
		n.count += int32(1 &^ (n.low >> number))
		n.low |= 1 << number
		return
	}
	if n.high == nil {
		n.high = make(map[uint32]struct{})
	}
	if _, ok := n.high[number]; !ok {
		n.count++
		n.high[number] = struct{}{}
	}
}

// A scope is what ends the contexts of the records within it: the run, or the
// lanes of one Parallel.
type scope struct {
	ctx context.Context
	run *run
}

func (e *entry) run() *run      { return e.scope.run }
func (e *entry) record() Record { return e.run().batch.describe(int(e.index)) }

func (e *entry) Deadline() (time.Time, bool) { return e.scope.ctx.Deadline() }
func (e *entry) Done() <-chan struct{}       { return e.scope.ctx.Done() }
func (e *entry) Err() error                  { return e.scope.ctx.Err() }

func (e *entry) Value(key any) any {
	if _, ok := key.(recordKey); ok {
		return e
	}
	return e.scope.ctx.Value(key)
}

// String keeps fmt from reading fields that other goroutines write.
func (e *entry) String() string { return fmt.Sprintf("batch.Record(%q)", e.record().ID) }

// outer returns the entry of the record outside the lane, nil if there is no lane.
func (e *entry) outer() *entry {
	if e.job == nil {
		return nil
	}
	return e.job.outer
}

// order returns what knows of failures where the record is. A lane keeps its own
// to itself until they leave it: one that is settled in the lane holds back
// nothing outside.
func (e *entry) order() *order.Order {
	if e.job != nil {
		return e.job.order
	}
	return e.run().order
}

// split gives out n new numbers in place of number and returns the first.
func (e *entry) split(number uint32, n int) uint32 {
	origin := &e.run().entries[e.index]
	// The new numbers come first: the record must not look complete in between.
	last := origin.extra.Add(uint32(n))
	e.run().part(origin, number)
	for j := e.job; j != nil; j = j.outer.job {
		j.extra.Add(int32(n - 1))
	}
	return last - uint32(n) + 1
}

// PanicError is the error of a record whose function panicked.
type PanicError struct {
	Value any    // what the function panicked with
	Stack []byte // where, as runtime/debug.Stack formats it
}

func newPanicError(value any) *PanicError {
	if p, ok := value.(*PanicError); ok && p != nil {
		return p // on its way from a lane or a reader, with the stack of its origin
	}
	return &PanicError{Value: value, Stack: debug.Stack()}
}

func (p *PanicError) Error() string { return printable.Text(fmt.Sprintf("panic: %v", p.Value)) }

// Unwrap returns the value of the panic if it is an error.
func (p *PanicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// The errors of unprocessed Results, for use with errors.Is.
var (
	// ErrBlocked: the policy of the source held the record back behind a failure.
	ErrBlocked = errors.New("blocked")
	// ErrNotStarted: the record's context ended before the next function was called.
	ErrNotStarted = errors.New("not started")
	// ErrUnreached: a Result of the record did not reach the collector.
	ErrUnreached = errors.New("unreached")
)

var (
	errZero    = errors.New("result without a record")
	errNilFail = errors.New("failed without an error")
)

// The following keep positions, not texts: most are never printed.

type blockedError struct {
	batch     *batch
	index, by int32
}

func (e *blockedError) Error() string {
	id, by := e.batch.id(int(e.index)), e.batch.id(int(e.by))
	if id == by {
		return fmt.Sprintf("record %q: blocked behind record %q: they share an identifier", id, by)
	}
	return fmt.Sprintf("record %q: blocked behind record %q", id, by)
}
func (e *blockedError) Unwrap() error { return ErrBlocked }

type notStartedError struct {
	batch *batch
	index int32
	cause error
}

func (e *notStartedError) Error() string {
	return fmt.Sprintf("record %q: not started: %v", e.batch.id(int(e.index)), e.cause)
}
func (e *notStartedError) Unwrap() []error { return []error{ErrNotStarted, e.cause} }

type unreachedError struct {
	batch *batch
	index int32
}

func (e *unreachedError) Error() string {
	return fmt.Sprintf("record %q: unreached: dropped by a stage, or not done when the answer was due", e.batch.id(int(e.index)))
}
func (e *unreachedError) Unwrap() error { return ErrUnreached }

// require panics unless ok. Bad arguments are found where a stage is built.
func require(ok bool, function, complaint string) {
	if !ok {
		panic("batch: " + function + ": " + complaint)
	}
}
