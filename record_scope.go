package batch

// Scopes: what hooks open around the work on one record, from the first function to the answer.

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// An Outcome says what became of one record; see [WithScope]. It agrees with the [Report].
// If the invocation fails as a whole, because of [ErrNoID] or [ErrTooLarge], or because the functions
// or the state of a tumbling window failed, the service redelivers records with a nil Err, too.
type Outcome struct {
	Err      error     // why the record is reported, nil if it is acknowledged
	Finished time.Time // when its last result reached the collector, zero if one did not
}

// scopes holds the scopes of the records of one batch.
type scopes struct {
	hooks    []func(context.Context, Record) (context.Context, func(Outcome))
	byRecord []scope
	closers  []func(Outcome) // per record, one of each hook

	waiting atomic.Int32 // goroutines in wait
	mu      sync.Mutex
	opened  sync.Cond
}

// A scope is what hooks have opened for one record. It is also the context that they
// get: the record's context outside of lanes, without the values that hooks add.
type scope struct {
	*entry
	inside         context.Context // what the hooks returned
	crash          error           // a panic of a hook
	state          atomic.Uint32
	pendingOutcome atomic.Pointer[Outcome] // set if the answer was given while the scope was opening
}

// The states of a scope. What the hooks returned may be read from inUse on.
const (
	unopened = iota
	opening
	overtaken // the answer was given while the scope was opening
	inUse
	closed
)

func newScopes(s settings, records int) *scopes {
	if len(s.scopes) == 0 || records == 0 {
		return nil
	}
	all := &scopes{hooks: s.scopes, byRecord: make([]scope, records), closers: make([]func(Outcome), records*len(s.scopes))}
	all.opened.L = &all.mu
	return all
}

func (s *scope) String() string { return s.entry.String() }

func (s *scope) Value(key any) any {
	if _, ok := key.(recordKey); ok {
		return s.entry
	}
	return s.entry.level.ctx.Value(key)
}

// scope returns the scope of the record, or nil if it has not been opened.
func (e *entry) scope() *scope {
	all := e.batch().scopes
	if all == nil {
		return nil
	}
	if s := &all.byRecord[e.index]; s.state.Load() >= inUse {
		return s
	}
	return nil
}

// canceller returns the cancellable context that ends with the record's, if the key is the
// one with which package context looks for it. That key is a private *int. If the lookup
// fails, package context starts a goroutine for every context derived from this one. The
// scope's context cannot answer it, because a hook may have returned a context that ends
// at another time.
func (e *entry) canceller(key any) any {
	if _, ok := key.(*int); !ok {
		return nil
	}
	if c, ok := e.level.ctx.Value(key).(context.Context); ok && c.Done() == e.Done() {
		return c
	}
	return nil
}

// withScopeValues returns ctx with the values of the record's scope, if that is open.
func (b *batch) withScopeValues(ctx context.Context, record int) context.Context {
	if b.scopes == nil {
		return ctx
	}
	if s := &b.scopes.byRecord[record]; s.state.Load() >= inUse {
		return &hookContext{ctx, s.inside}
	}
	return ctx
}

type hookContext struct {
	context.Context
	values context.Context
}

func (c *hookContext) Value(key any) any { return c.values.Value(key) }

// admitWithScope is admit for a function that is called next: it also opens the record's scope.
func (h *header) admitWithScope(how callKind) bool {
	if !h.scopePending() {
		return h.admit(how)
	}
	return h.admitFast(how) && h.openScope(how) && h.admitFast(how) // again, since hooks may take any time
}

// admitFast is admit, by the short way of a pristine Result on a quiet level if possible.
func (h *header) admitFast(how callKind) bool {
	opened := header{h.entry, h.err, h.mark &^ scopePending} // as if the scope were open
	return opened.pristine() && h.entry.level.quiet(uint32(how&pure)) || h.admit(how)
}

// openScope opens the record's scope unless it is too late. If a hook panics, the Result
// becomes Failed, and openScope returns false.
func (h *header) openScope(how callKind) (survived bool) {
	returned := false
	defer h.failUnlessReturned(&returned, how)
	h.mark &^= scopePending
	err := h.entry.openScope()
	returned = true
	if err == nil {
		return true
	}
	if h.state() == failed {
		err = errors.Join(h.err, err)
	}
	h.fail(err, how)
	return false
}

// openScope opens the record's scope, or waits until another goroutine has opened it. After
// the answer it opens nothing, because the scope would never be closed; the record's context
// has ended then, too. The error is the panic of a hook, and is the same for all parts of
// the record.
func (e *entry) openScope() error {
	scopes := e.batch().scopes
	s := &scopes.byRecord[e.index]
	for !s.state.CompareAndSwap(unopened, opening) {
		if s.state.Load() >= inUse {
			return s.crash
		}
		scopes.wait(s)
	}
	if e.level.run.answered.Load() {
		scopes.setState(s, unopened)
		<-e.Done() // run.close ends it just after setting answered
		return nil
	}
	defer scopes.finishOpening(s) // also if a hook ends the goroutine
	s.open(e, scopes)
	return s.crash
}

// open calls the hooks in order. It stops if one of them is still running when the
// record's context ends or the answer is given.
func (s *scope) open(e *entry, all *scopes) {
	returned := false
	defer func() {
		if !returned {
			s.crash = panicOrExit(recover())
		}
	}()
	late := e.Err() != nil // true only for a Tap, which is called after the end, too
	s.entry = &e.level.run.entries[e.index]
	s.inside = s
	ends := all.closersOf(int(e.index))
	for i, open := range all.hooks {
		ctx, end := open(s.inside, s.entry.record())
		if ctx != nil {
			s.inside = ctx
		}
		ends[i] = end
		if s.state.Load() == overtaken || !late && e.Err() != nil {
			break
		}
	}
	returned = true
}

func (s *scopes) closersOf(record int) []func(Outcome) {
	n := len(s.hooks)
	return s.closers[record*n : (record+1)*n]
}

// finishOpening says that the hooks have returned. If the answer was given meanwhile, it
// closes the scope at once.
func (s *scopes) finishOpening(sc *scope) {
	if sc.state.CompareAndSwap(opening, inUse) {
		s.wake()
		return
	}
	s.setState(sc, closed)
	callClosers(s.closersOf(int(sc.entry.index)), *sc.pendingOutcome.Load())
}

func (s *scopes) setState(sc *scope, state uint32) {
	sc.state.Store(state)
	s.wake()
}

// wait returns when another goroutine has opened the scope.
func (s *scopes) wait(sc *scope) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	for state := sc.state.Load(); state == opening || state == overtaken; state = sc.state.Load() {
		s.opened.Wait()
	}
}

func (s *scopes) wake() {
	if s.waiting.Load() > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.opened.Broadcast()
	}
}

// close closes the scope of a record if it is open. If it is being opened, close leaves
// the outcome for finishOpening.
func (s *scopes) close(record int, answered *closerBatch) {
	for {
		switch sc := &s.byRecord[record]; sc.state.Load() {
		case opening:
			o := answered.outcome(record)
			sc.pendingOutcome.CompareAndSwap(nil, &o)
			if sc.state.CompareAndSwap(opening, overtaken) {
				return
			}
		case inUse:
			if sc.state.CompareAndSwap(inUse, closed) {
				callClosers(s.closersOf(record), answered.outcome(record))
				return
			}
		default:
			return
		}
	}
}

// callClosers calls the closing functions of one record, the last one first. A panic of
// one does not keep the others from being called.
func callClosers(ends []func(Outcome), o Outcome) {
	last := len(ends) - 1
	if last > 0 {
		defer callClosers(ends[:last], o)
	}
	defer func() { _ = recover() }()
	if ends[last] != nil {
		ends[last](o)
	}
}
