package batch

// Scopes: what a hook opens around the work on one record, from the first function to the answer.

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// An Outcome is what became of a record, as the report says. Where no answer comes of it, as with [ErrNoID]
// or the error of a window's close, records are redelivered all the same.
type Outcome struct {
	Err      error     // nil: acknowledged. Otherwise what the record is reported with
	Finished time.Time // when its last Result reached the collector; zero if it did not
}

// scopes are those of the records of one batch.
type scopes struct {
	hooks   []func(context.Context, Record) (context.Context, func(Outcome))
	all     []scope
	closers []func(Outcome) // as many for each record as there are opens

	beginOnce sync.Once
	began     time.Time // of the first iteration

	waiting atomic.Int32 // parts of a record whose scope another part opens
	mu      sync.Mutex
	opened  sync.Cond
}

// A scope is the context that the hook of one record gets: the record's outside of lanes, without what hooks add.
type scope struct {
	*entry
	inside         context.Context // what the hooks returned
	crash          error           // of a hook
	state          atomic.Uint32
	arrived        atomic.Int64            // when the last Result of the record reached a collector, 1 for the begin of the batch, or never
	pendingOutcome atomic.Pointer[Outcome] // for who opens it, if the answer was given meanwhile
}

// The states of a scope. What the hooks returned is there from inUse on.
const (
	unopened = iota
	opening
	overtaken // by the answer, while it was opening
	inUse
	closed
)

func newScopes(s settings, records int) *scopes {
	if len(s.scopes) == 0 || records == 0 {
		return nil
	}
	all := &scopes{hooks: s.scopes, all: make([]scope, records), closers: make([]func(Outcome), records*len(s.scopes))}
	all.opened.L = &all.mu
	return all
}

// begin takes note of an iteration over the batch.
func (s *scopes) noteBegin(at time.Time) {
	s.beginOnce.Do(func() { s.began = at })
}

func (s *scope) String() string { return s.entry.String() }

func (s *scope) Value(key any) any {
	if _, ok := key.(recordKey); ok {
		return s.entry
	}
	return s.entry.level.ctx.Value(key)
}

// scope returns the scope of the record, if hooks have opened it.
func (e *entry) scope() *scope {
	all := e.batch().scopes
	if all == nil {
		return nil
	}
	if s := &all.all[e.index]; s.state.Load() >= inUse {
		return s
	}
	return nil
}

// canceller returns the context that ends with the record's, if that is what the key asks for. Package context has a key
// of its own type for it, and starts a goroutine for every context made of this one if it does not find it: a hook may
// have returned one that ends otherwise.
func (e *entry) canceller(key any) any {
	if _, ok := key.(*int); !ok {
		return nil
	}
	if c, ok := e.level.ctx.Value(key).(context.Context); ok && c.Done() == e.Done() {
		return c
	}
	return nil
}

// within is a hook's context with the values of a record's, where hooks have opened its scope.
func (b *batch) withScopeValues(ctx context.Context, record int) context.Context {
	if b == nil || b.scopes == nil {
		return ctx
	}
	if s := &b.scopes.all[record]; s.state.Load() >= inUse {
		return &hookContext{ctx, s.inside}
	}
	return ctx
}

type hookContext struct {
	context.Context
	values context.Context
}

func (c *hookContext) Value(key any) any { return c.values.Value(key) }

// enter is admit for a function that is about to be called: the record's scope is open then.
func (h *header) admitWithScope(how callKind) bool {
	if !h.scopePending() {
		return h.admit(how)
	}
	return h.admitFast(how) && h.openScope(how) && h.admitFast(how) // hooks may take as long as they like
}

// may is admit, by the short way if that will do.
func (h *header) admitFast(how callKind) bool {
	first := header{h.entry, h.err, h.mark &^ scopePending}
	return first.pristine() && h.entry.level.quiet(uint32(how&pure)) || h.admit(how)
}

// openScope has the record's scope opened, if it is not too late. If a hook panics the Result fails, and it reports false.
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

// openScope has the record's scope opened, unless it is, or waits for who opens it. Once the answer is given it is too
// late, since nobody would close it; then the record's context has ended, too. The error is a hook's panic, for all parts
// of the record.
func (e *entry) openScope() error {
	all := e.batch().scopes
	s := &all.all[e.index]
	for !s.state.CompareAndSwap(unopened, opening) {
		if s.state.Load() >= inUse {
			return s.crash
		}
		all.wait(s)
	}
	if e.level.run.answered.Load() {
		all.setState(s, unopened)
		<-e.Done() // it ends in a moment
		return nil
	}
	defer all.finishOpening(s) // also where a hook ends the goroutine: as far as it came
	s.open(e, all)
	return s.crash
}

// open calls the hooks, as long as one of them does not take beyond the end.
func (s *scope) open(e *entry, all *scopes) {
	returned := false
	defer func() {
		if !returned {
			s.crash = panicOrExit(recover())
		}
	}()
	late := e.Err() != nil // and for a Tap
	s.entry = &e.level.run.entries[e.index]
	s.inside = s
	ends := all.closersOf(int(e.index))
	for i, open := range all.hooks {
		if i > 0 && (s.state.Load() == overtaken || !late && e.Err() != nil) {
			break
		}
		ctx, end := open(s.inside, s.entry.record())
		if ctx != nil {
			s.inside = ctx
		}
		ends[i] = end
	}
	returned = true
}

func (s *scopes) closersOf(record int) []func(Outcome) {
	n := len(s.hooks)
	return s.closers[record*n : (record+1)*n]
}

// isOpen takes note that the hooks have returned. If the answer was given meanwhile, the scope is closed at once.
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

// wait waits while another goroutine opens the scope.
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

// arrive takes note that a Result of the record has reached a collector. Lanes hand on what they have lost, too: it
// stands for one that never arrives.
func (s *scopes) noteArrival(record int, as state) {
	switch sc := &s.all[record]; {
	case as == unreached || as == running:
		sc.arrived.Store(neverArrived)
	case sc.state.Load() != unopened && sc.arrived.Load() != neverArrived:
		sc.arrived.Store(int64(time.Since(s.began)) + 1)
	}
}

const neverArrived = -1

// arrivalOf is the time of that, zero if it was not.
func (s *scopes) arrivalTime(record int) (at time.Time) {
	if since := s.all[record].arrived.Load(); since > 0 {
		at = s.began.Add(time.Duration(since - 1))
	}
	return at
}

// close closes the scope of a record if it is open, and has it closed by who opens it just now.
func (s *scopes) close(record int, answered *closerBatch) {
	for {
		switch sc := &s.all[record]; sc.state.Load() {
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

// end closes what hooks have opened for a record, the last one first. None of them keeps the others from it.
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
