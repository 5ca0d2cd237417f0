package batch

// Parallel: a reader, up to n lanes and the consumer, around a queue.

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/samber/lo"

	"github.com/lambdabatch/batch/internal/dispatch"
	"github.com/lambdabatch/batch/internal/order"
)

// Parallel sends s through up to n lanes, each of which runs stage on a stream of
// its own, strictly one Result after the other. Results leave in the order in
// which they came, each as soon as its turn has come.
//
// Records of one group run in batch order and one at a time, whichever lane takes
// them, unless the policy is [Continue]; groups do not wait for each other. After
// [FlatMap] the unit is the Result: siblings may run side by side under Continue.
//
// Any stage is correct here that treats each record on its own; it is built once
// for each lane, and its stream can be ranged over once. Under [StopGroup] a
// failure that is settled behind Parallel blocks its group all the same, for the
// next record of the group starts before that; settle it inside. A stage that
// panics outside a user's function fails what its lane had not finished.
//
// Stages before and behind Parallel run on other goroutines than the lanes. After
// the records' context has ended, or a break out of the range, Parallel waits for
// functions for a quarter of the reserve and goes on without them. Without a
// deadline it waits. It costs a few hundred nanoseconds for each record: use it
// for functions that wait, not for ones that compute for less.
func Parallel[A, B any](s Stream[A], n int, stage func(Stream[A]) Stream[B]) Stream[B] {
	requireStage("Parallel", "stage", s, stage != nil)
	require(n >= 1, "Parallel", "n is less than 1")
	return func(yield func(Result[B]) bool) {
		p := &parallel[A, B]{stage: stage}
		p.crew.Init(func(delta int32) { p.watched.Load().outer.run.adrift.Add(delta) })
		p.queue.Init(n, func() {
			l := &lane[A, B]{p: p}
			p.crew.Join(&l.Member, func() { l.close(nil, true) })
			go l.work()
		})
		p.crew.Join(&p.reader, func() {})
		go p.read(s)
		defer p.stop() // also where yield panics
		p.consume(yield)
	}
}

type parallel[A, B any] struct {
	stage   func(Stream[A]) Stream[B]
	queue   dispatch.Queue[lineOf, slot[A, B]] // in the order of the input
	crew    dispatch.Crew
	reader  dispatch.Member
	scope   *laneScope                // the reader's latest
	watched atomic.Pointer[laneScope] // whose end is the end; nil before the first record

	crash   atomic.Pointer[PanicError] // of the stream before
	exited  atomic.Bool                // the stream before ended its goroutine
	fatal   atomic.Pointer[PanicError] // of a lane, the last one
	late    int                        // how often the consumer's patience has ended
	_       [64]byte
	awaited atomic.Int64 // the slot that the consumer waits for
	_       [64]byte

	mu     sync.Mutex
	scopes []*laneScope
	strays []Result[B] // what lanes sent beyond their slots
}

// A slot is the place of one Result in the order.
type slot[A, B any] struct {
	in    Result[A]
	scope *scope
	done  atomic.Bool // out is the consumer's
	job
	seq      int32
	sent     int32  // how many numbers have left the lane
	next     uint32 // higher than all of them
	returned bool   // the stage asked for the next one
	out      []Result[B]
	one      [1]Result[B] // room for out: most stages send one for one
}

type lane[A, B any] struct {
	dispatch.Lane
	p *parallel[A, B]

	mu      sync.Mutex
	current *slot[A, B]   // the last one that the stage was given
	held    []*slot[A, B] // those that are not done
	closed  bool
	run     *run // that order belongs to
	order   *order.Order
}

// lineOf is the key of a group.
type lineOf struct {
	run   *run
	group int32
}

// A laneScope is what ends contexts inside the lanes.
type laneScope struct {
	outer, inner *scope
	cancel       context.CancelFunc
	patience     time.Duration // for functions, after the end
}

// read is the reader: it runs the stages before.
func (p *parallel[A, B]) read(s Stream[A]) {
	returned := false
	defer func() {
		if v := recover(); v != nil {
			p.crash.Store(newPanicError(v))
		} else {
			p.exited.Store(!returned)
		}
		p.queue.Exhaust()
		p.crew.Leave(&p.reader)
	}()
	s(p.push)
	returned = true
}

// push adds one Result and reports whether more are wanted.
func (p *parallel[A, B]) push(r Result[A]) bool {
	s := p.queue.Back()
	s.in = r
	var key lineOf
	if e := r.h.entry; e != nil {
		if p.scope == nil || p.scope.outer != e.scope {
			p.scope = p.scopeOf(e)
		}
		s.scope = p.scope.inner
		if run := e.run(); run.order != nil && run.batch.groupOf(int(e.index)) != 0 {
			key = lineOf{run, run.batch.groupOf(int(e.index))}
		}
	}
	return p.queue.Push(key)
}

func (p *parallel[A, B]) scopeOf(e *entry) *laneScope {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, ok := lo.Find(p.scopes, func(s *laneScope) bool { return s.outer == e.scope }); ok {
		return s
	}
	ctx, cancel := context.WithCancel(e.scope.ctx)
	s := &laneScope{e.scope, &scope{ctx, e.run()}, cancel, e.run().reserve / 4}
	for j := e.job; j != nil; j = j.outer.job {
		p.queue.Narrow()             // the other lanes around this one may have more use for a record
		s.patience -= s.patience / 8 // what is handed on is to reach the Parallel around this one in time
	}
	p.scopes = append(p.scopes, s)
	if w := p.watched.Load(); w == nil || !w.outer.run.timed {
		p.watched.Store(s)
		p.crew.Notify()
	}
	return s
}

func (l *lane[A, B]) work() {
	returned := false
	defer func() { l.retire(recover(), returned) }()
	in := func(yield func(Result[A]) bool) {
		for s := l.next(); s != nil && yield(s.in); s = l.next() {
		}
	}
	l.p.stage(in)(l.emit)
	returned = true
}

// next lets go of what the lane had and waits for another slot, or for the end.
func (l *lane[A, B]) next() *slot[A, B] {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.current; s != nil {
		l.current = nil
		s.returned = true
		l.settle(s)
	}
	i, ok := l.p.queue.Try(&l.Lane)
	if !ok {
		l.mu.Unlock()
		i, ok = l.p.queue.Next(&l.Lane)
		l.mu.Lock()
	}
	if !ok || l.closed {
		return nil
	}
	s := l.p.queue.At(i)
	s.seq, s.outer, s.out = int32(i), s.in.h.entry, s.one[:0]
	if s.outer != nil {
		s.entry.scope, s.entry.job, s.entry.index = s.scope, &s.job, s.outer.index
		s.in.h.entry = &s.entry
		if run := s.outer.run(); run.order != nil {
			if l.run != run {
				l.run, l.order = run, run.order.Inner()
			}
			s.order = l.order
		}
	}
	l.current, l.held = s, append(l.held, s)
	return s
}

// emit takes a Result that leaves the lane.
func (l *lane[A, B]) emit(r Result[B]) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.p.queue.Stopped() {
		return false
	}
	s := l.current
	if e := r.h.entry; s == nil || e != &s.entry {
		at := slices.IndexFunc(l.held, func(s *slot[A, B]) bool { return e == &s.entry })
		if at < 0 {
			l.stray(r)
			return true
		}
		s = l.held[at]
	}
	r.h.leave()
	if s.fresh(r.h.number) {
		s.sent++
	}
	s.out = append(s.out, r)
	l.settle(s)
	return true
}

// stray takes what a foreign stage sends that is not, or no longer, the lane's.
func (l *lane[A, B]) stray(r Result[B]) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if e := r.h.entry; e != nil && lo.ContainsBy(l.p.scopes, func(s *laneScope) bool { return s.inner == e.scope }) {
		r.h.leave()
	}
	if l.current != nil {
		l.current.out = append(l.current.out, r)
	} else {
		l.p.strays = append(l.p.strays, r)
	}
}

// fresh reports whether no Result with this number has left. Numbers ascend
// unless a foreign stage repeats or reorders.
func (s *slot[A, B]) fresh(number uint32) bool {
	if number >= s.next {
		s.next = number + 1
		return true
	}
	return !slices.ContainsFunc(s.out, func(r Result[B]) bool { return r.h.entry == s.outer && r.h.number == number })
}

// empty reports whether nothing of the slot's Result is inside the lane.
func (s *slot[A, B]) empty() bool { return s.outer == nil || s.sent > s.extra.Load() }

// settle completes a slot once the stage has let go of it.
func (l *lane[A, B]) settle(s *slot[A, B]) {
	if s.returned && s.empty() {
		at := slices.Index(l.held, s)
		l.held = slices.Delete(l.held, at, at+1)
		l.complete(s)
	}
}

func (l *lane[A, B]) complete(s *slot[A, B]) {
	s.done.Store(true)
	l.p.queue.Done(int(s.seq))
	if l.p.awaited.Load() == int64(s.seq) {
		l.p.crew.Notify()
	}
}

// retire ends a lane. What it had not finished is what its stage dropped, or, if
// the stage did not return, what it failed.
func (l *lane[A, B]) retire(panicked any, returned bool) {
	var crash *PanicError
	if panicked != nil {
		crash = newPanicError(panicked)
		l.p.fatal.Store(crash)
	}
	l.close(crash, !returned || l.p.queue.Stopped())
	l.p.queue.End()
	l.p.crew.Leave(&l.Member)
}

// close completes what the lane holds.
func (l *lane[A, B]) close(crash *PanicError, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.held {
		if lost && !s.empty() {
			s.out = append(s.out, Result[B]{h: s.in.h.lost(s.outer, crash)})
		}
		l.complete(s)
	}
	l.current, l.held, l.closed = nil, nil, true
}

// consume yields what is done, in order.
func (p *parallel[A, B]) consume(yield func(Result[B]) bool) {
	var watched *laneScope
	var ended <-chan struct{}
	var due <-chan time.Time
	for head := 0; ; {
		p.awaited.Store(int64(head))
		last := !p.crew.Running() // what is not done will not be
		from, n := head, p.queue.Len()
		for ; head < n; head++ {
			s := p.queue.At(head)
			if !s.done.Load() && !last {
				break
			} else if crash := p.fatal.Load(); !s.done.Load() && (p.late > 0 || crash != nil) {
				s.out = []Result[B]{{h: s.in.h.lost(nil, crash)}}
			}
			for i := range s.out {
				if !yield(s.out[i]) {
					return
				}
			}
		}
		switch {
		case last:
			p.finish(yield)
			return
		case head > from:
			continue
		}
		if w := p.watched.Load(); w != watched {
			watched, ended = w, w.outer.ctx.Done()
		}
		select {
		case <-p.crew.Changed:
		case <-ended:
			ended = nil
			p.queue.Hurry(func(s *slot[A, B]) bool { return s.in.h.entry.Err() != nil })
			if watched.outer.run.timed {
				due = time.After(watched.patience)
			}
		case <-due:
			due = time.After(watched.patience / 2)
			p.giveUp()
		}
	}
}

// finish yields what has no place in the order, and ends as the stream before did.
func (p *parallel[A, B]) finish(yield func(Result[B]) bool) {
	for _, r := range p.strays {
		if !yield(r) {
			return
		}
	}
	if crash := p.crash.Load(); crash != nil {
		panic(crash)
	}
	if p.exited.Load() {
		runtime.Goexit()
	}
}

// giveUp stops waiting for functions: first for those in lanes, if nothing more
// comes. As long as something may come, from a Parallel before this one, it waits
// a little longer. At last it stops waiting for whatever it is.
func (p *parallel[A, B]) giveUp() {
	switch p.late++; {
	case p.late == 1 && !p.crew.Gone(&p.reader):
	case p.late <= 2:
		p.crew.Abandon(p.queue.Stop()...)
	default:
		p.crew.Abandon()
	}
}

// stop ends what still runs and waits for it.
func (p *parallel[A, B]) stop() {
	p.queue.Stop()
	if !p.crew.Running() {
		return
	}
	p.mu.Lock()
	lo.ForEach(p.scopes, func(s *laneScope, _ int) { s.cancel() })
	p.mu.Unlock()
	var due <-chan time.Time
	if w := p.watched.Load(); w != nil && w.outer.run.timed {
		due = time.After(w.patience)
	}
	for p.crew.Running() {
		select {
		case <-p.crew.Changed:
		case <-due:
			p.crew.Abandon()
		}
	}
}
