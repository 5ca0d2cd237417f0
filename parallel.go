package batch

// Parallel: a reader, up to n lanes and the consumer, around a queue.

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

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
// deadline it waits. It costs a few hundred nanoseconds for each record.
func Parallel[A, B any](s Stream[A], n int, stage func(Stream[A]) Stream[B]) Stream[B] {
	requireStage("Parallel", "stage", s, stage != nil)
	require(n >= 1, "Parallel", "n is less than 1")
	return func(yield func(Result[B]) bool) {
		p := &parallel[A, B]{stage: stage}
		p.crew.Init(func(delta int32) { p.watched.Load().outer.run.adrift.Add(delta) })
		p.queue.Init(n, func() {
			l := &lane[A, B]{p: p, slots: blocks[slot[A, B]]{most: 32}}
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
	queue   dispatch.Queue[lineOf, seat[A, B]] // in the order of the input
	crew    dispatch.Crew
	reader  dispatch.Member
	scope   *laneScope                 // the reader's latest
	watched atomic.Pointer[laneScope]  // whose end is the end; nil before the first record
	crash   atomic.Pointer[PanicError] // of the stream before
	exited  atomic.Bool                // the stream before ended its goroutine
	fatal   atomic.Pointer[PanicError] // of a lane, the last one
	late    int                        // halves of the consumer's patience that have gone by
	settled bool                       // the stream before had ended after the first
	_       [64]byte                   // lanes read what follows all the time
	awaited atomic.Int64               // the slot that the consumer waits for
	_       [64]byte
	mu      sync.Mutex
	cancel  []context.CancelFunc // of the contexts in lanes
	strays  []Result[B]          // what lanes sent beyond their slots
}

// A seat is the place of one Result in the order.
type seat[A, B any] struct {
	in    Result[A]
	scope *scope
	done  atomic.Pointer[slot[A, B]] // what came of it; nil: nothing so far
}

// A slot is a seat in a lane. Lanes make their own, where they have them at hand.
type slot[A, B any] struct {
	job
	*seat[A, B]
	seq      int
	returned bool // the stage asked for the next one
	out      []Result[B]
	one      [1]Result[B] // room for out: most stages send one for one
}

type lane[A, B any] struct {
	dispatch.Lane
	p       *parallel[A, B]
	mu      sync.Mutex
	slots   blocks[slot[A, B]]
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

// A laneScope is what ends contexts in and outside of the lanes.
type laneScope struct {
	outer, inner *scope
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
		if o := e.order(); o != nil && r.h.state == failed {
			o.Settle(int(e.index), r.h.number) // the lane has it now, where it may be settled
		}
		if run := e.run(); run.order != nil && run.batch.groupOf(int(e.index)) != 0 {
			key = lineOf{run, run.batch.groupOf(int(e.index))}
		}
	}
	return p.queue.Push(key)
}

func (p *parallel[A, B]) scopeOf(e *entry) *laneScope {
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx, cancel := context.WithCancel(e.scope.ctx)
	s := &laneScope{e.scope, &scope{ctx, e.run()}, e.run().reserve / 4}
	for j := e.job; j != nil; j = j.outer.job {
		p.queue.Narrow()             // the other lanes around this one may have more use for a record
		s.patience -= s.patience / 8 // what is handed on is to reach the Parallel around this one in time
	}
	p.cancel = append(p.cancel, cancel)
	if w := p.watched.Load(); w == nil || !w.outer.run.timed {
		p.watched.Store(s)
		p.crew.Notify()
	}
	return s
}

// work is a lane. What it has not finished in the end is what its stage dropped,
// or, if the stage did not return, what it failed.
func (l *lane[A, B]) work() {
	returned := false
	defer func() {
		var crash *PanicError
		if v := recover(); v != nil {
			crash = newPanicError(v)
			l.p.fatal.Store(crash)
		}
		l.close(crash, !returned || l.p.queue.Stopped())
		l.p.queue.End()
		l.p.crew.Leave(&l.Member)
	}()
	in := func(yield func(Result[A]) bool) {
		for s := l.next(); s != nil; s = l.next() {
			h := s.in.h
			if s.outer != nil {
				h.entry = &s.entry
			}
			value := s.in.value
			s.in.value = *new(A)
			if !yield(Result[A]{h, value}) {
				return
			}
		}
	}
	built(l.p.stage(in))(l.emit)
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
	s := &l.slots.take(1)[0]
	s.seat = l.p.queue.At(i)
	s.seq, s.outer, s.out = i, s.in.h.entry, s.one[:0]
	if s.outer != nil {
		s.entry.scope, s.entry.job, s.entry.index = s.scope, &s.job, s.outer.index
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
			return l.stray(r)
		}
		s = l.held[at]
	}
	r.h.leave()
	s.sent.add(r.h.number)
	s.out = append(s.out, r)
	l.settle(s)
	return true
}

// stray takes what a foreign stage sends that is not, or no longer, the lane's.
func (l *lane[A, B]) stray(r Result[B]) bool {
	if s := l.current; s != nil {
		s.out = append(s.out, r)
		return true
	}
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	l.p.strays = append(l.p.strays, r)
	return true
}

// settle completes a slot once the stage has let go of it.
func (l *lane[A, B]) settle(s *slot[A, B]) {
	if s.returned && s.empty() {
		at := slices.Index(l.held, s)
		l.held = slices.Delete(l.held, at, at+1)
		l.complete(s)
	}
}

func (l *lane[A, B]) complete(s *slot[A, B]) {
	s.done.Store(s)
	l.p.queue.Done(s.seq)
	if l.p.awaited.Load() == int64(s.seq) {
		l.p.crew.Notify()
	}
}

// close completes what the lane holds.
func (l *lane[A, B]) close(crash *PanicError, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.held {
		if lost && !s.empty() {
			s.out = append(s.out, Result[B]{h: s.in.h.lost(true, crash)})
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
	for head, last := 0, false; !last; {
		p.awaited.Store(int64(head))
		last = !p.crew.Running() // what is not done will not be
		from, n := head, p.queue.Len()
		for ; head < n; head++ {
			var out []Result[B]
			if s := p.queue.At(head).done.Load(); s != nil {
				out = s.out
			} else if last {
				out = p.untaken(p.queue.At(head).in.h)
			} else {
				break
			}
			for i := range out {
				if !yield(out[i]) {
					return
				}
			}
			clear(out) // the slots stay until the end, the values need not
		}
		if last || head > from {
			continue
		}
		if w := p.watched.Load(); w != watched {
			watched, ended = w, w.outer.ctx.Done()
		}
		select {
		case <-p.crew.Changed:
		case <-ended:
			ended = nil
			p.queue.Hurry(func(s *seat[A, B]) bool { return s.in.h.entry.Err() != nil })
			if watched.outer.run.timed {
				due = time.After(watched.patience / 2)
			}
		case <-due:
			due = time.After(watched.patience / 2)
			p.giveUp()
		}
	}
	p.finish(yield)
}

// untaken is what becomes of a Result that no lane took: lanes that return drop it.
func (p *parallel[A, B]) untaken(h header) []Result[B] {
	if crash := p.fatal.Load(); p.late > 0 || crash != nil {
		return []Result[B]{{h: h.lost(false, crash)}}
	}
	return nil
}

// finish yields what has no place in the order, and ends as the stream before did.
func (p *parallel[A, B]) finish(yield func(Result[B]) bool) {
	for _, r := range p.strays {
		if !yield(r) {
			return
		}
	}
	if p.exited.Load() {
		runtime.Goexit()
	} else if crash := p.crash.Load(); crash != nil {
		panic(crash)
	}
}

// giveUp stops waiting for lanes at the second call, or the third if what they have
// may have come since, from a Parallel before this one. At last it waits for nothing.
func (p *parallel[A, B]) giveUp() {
	switch p.late++; {
	case p.late == 1:
		p.settled = p.crew.Gone(&p.reader)
	case p.late == 2 && !p.settled:
	case p.late <= 3:
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
	for _, cancel := range p.cancel {
		cancel()
	}
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
