package batch

// Parallel: a reader, up to n lanes and the consumer, around one lock.

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/samber/lo"
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
// the records' context has ended Parallel waits for functions for a quarter of
// the reserve, then goes on without them; after a break out of the range
// likewise. Without a deadline it waits. It costs around a microsecond for each
// record: use it for functions that wait, not for ones that compute for less.
func Parallel[A, B any](s Stream[A], n int, stage func(Stream[A]) Stream[B]) Stream[B] {
	requireStage("Parallel", "stage", s, stage != nil)
	require(n >= 1, "Parallel", "n is less than 1")
	return func(yield func(Result[B]) bool) {
		p := &parallel[A, B]{n: n, stage: stage, wake: make(chan struct{}, 1), window: max(4*n, 32)}
		p.blocks.most = 256
		p.room.L = &p.mu
		p.active = 1
		go p.read(s)
		defer p.stop() // also where yield panics
		if crash := p.consume(yield); crash != nil {
			panic(crash)
		}
	}
}

// A job is the identity of a Result inside a lane. Its entry has the context that
// a break cancels; a Result that leaves gets the outer one back.
type job struct {
	entry
	outer *entry
	owner any          // the parallel
	seq   int          // position in the order of the input
	live  atomic.Int32 // numbers that are still inside the lane
}

type slot[A, B any] struct {
	job
	in       Result[A]
	out      []Result[B]
	one      [1]Result[B] // room for out: most stages send one for one
	line     *line[A, B]
	lane     *lane[A, B] // nil: waiting
	returned bool        // the stage asked for the next one
	complete bool
}

// A line is one group: its Results run one after the other.
type line[A, B any] struct {
	busy    bool        // one of its slots is in ready or in a lane
	holder  *lane[A, B] // the lane that it is in
	held    int         // slots in that lane
	waiting []*slot[A, B]
}

type lineOf struct {
	run   *run
	group int32
}

type lane[A, B any] struct {
	wake    sync.Cond
	idle    bool
	gone    bool
	current *slot[A, B]   // the last one that the stage was given
	lines   []*line[A, B] // of which it has a slot that has not left
}

type parallel[A, B any] struct {
	n      int
	stage  func(Stream[A]) Stream[B]
	window int // how many runnable Results the reader keeps ready

	wake chan struct{} // for the consumer

	mu        sync.Mutex
	room      sync.Cond // for the reader
	blocks    blocks[slot[A, B]]
	slots     []*slot[A, B] // in the order of the input
	head      int           // the next to leave
	ready     []*slot[A, B] // may run, in order
	waiting   int           // slots that no lane has taken
	lines     map[lineOf]*line[A, B]
	scopes    []laneScope
	lanes     []*lane[A, B]
	active    int  // goroutines: the reader and the lanes
	exhausted bool // the reader has ended
	ended     bool // the records' context has ended: read on, whatever waits
	stopped   bool // nothing enters a lane or leaves one any more
	late      bool // functions that still run are not waited for
	adrift    int  // goroutines among active that were given up
	watched   *scope
	crash     *PanicError // of the stream before
}

type laneScope struct {
	outer  *scope
	inner  *scope
	cancel context.CancelFunc
}

// read is the reader: it runs the stages before.
func (p *parallel[A, B]) read(s Stream[A]) {
	defer func() {
		v := recover()
		p.mu.Lock()
		defer p.mu.Unlock()
		if v != nil {
			p.crash = newPanicError(v)
		}
		p.exhausted = true
		p.left()
	}()
	s(p.push)
}

// push adds one Result and reports whether there is room for another.
func (p *parallel[A, B]) push(r Result[A]) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return false
	}
	s := &p.blocks.take(1)[0]
	s.seq, s.in, s.owner = len(p.slots), r, p
	s.out = s.one[:0]
	s.live.Store(1)
	p.slots = append(p.slots, s)
	p.waiting++
	if r.h.entry != nil {
		p.identify(s)
	}
	switch l := s.line; {
	case l == nil:
		p.offer(s)
	case l.busy:
		l.waiting = append(l.waiting, s)
		if l.holder != nil && l.holder.idle {
			l.holder.rouse()
		}
	default:
		l.busy = true
		p.offer(s)
	}
	for len(p.ready) >= p.window && !p.ended && !p.stopped {
		p.room.Wait()
	}
	return !p.stopped
}

// identify gives the slot the record's identity inside the lanes, and its line.
func (p *parallel[A, B]) identify(s *slot[A, B]) {
	e := s.in.h.entry
	s.outer = e
	s.entry.scope, s.entry.job, s.entry.index = p.scopeIn(e.scope), &s.job, e.index
	s.in.h.entry = &s.entry
	run := e.run()
	if run.order == nil {
		return
	}
	group := run.batch.groupOf(int(e.index))
	if group == 0 {
		return
	}
	key := lineOf{run, group}
	if s.line = p.lines[key]; s.line == nil {
		if p.lines == nil {
			p.lines = make(map[lineOf]*line[A, B])
		}
		s.line = &line[A, B]{}
		p.lines[key] = s.line
	}
}

func (p *parallel[A, B]) scopeIn(outer *scope) *scope {
	if n := len(p.scopes); n > 0 && p.scopes[n-1].outer == outer {
		return p.scopes[n-1].inner
	}
	if at := slices.IndexFunc(p.scopes, func(s laneScope) bool { return s.outer == outer }); at >= 0 {
		return p.scopes[at].inner
	}
	ctx, cancel := context.WithCancel(outer.ctx)
	inner := &scope{ctx, outer.run}
	p.scopes = append(p.scopes, laneScope{outer, inner, cancel})
	if p.watched == nil || !p.watched.run.timed {
		p.watched = outer
		p.notify()
	}
	return inner
}

// offer makes a slot ready and sees to it that a lane takes it.
func (p *parallel[A, B]) offer(s *slot[A, B]) {
	at, _ := slices.BinarySearchFunc(p.ready, s, bySeq[A, B])
	p.ready = slices.Insert(p.ready, at, s)
	for _, l := range p.lanes {
		if l.idle {
			l.rouse()
			return
		}
	}
	if len(p.lanes) < p.n && !p.stopped {
		l := &lane[A, B]{}
		l.wake.L = &p.mu
		p.lanes = append(p.lanes, l)
		p.active++
		go p.work(l)
	}
}

func bySeq[A, B any](a, b *slot[A, B]) int { return cmp.Compare(a.seq, b.seq) }

func (l *lane[A, B]) rouse() {
	l.idle = false
	l.wake.Signal()
}

// work is one lane.
func (p *parallel[A, B]) work(l *lane[A, B]) {
	returned := false
	defer func() {
		v := recover()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.retire(l, v, returned)
		p.left()
	}()
	ranged := false
	in := func(yield func(Result[A]) bool) {
		if ranged {
			return
		}
		ranged = true
		for s := p.next(l); s != nil && yield(s.in); s = p.next(l) {
		}
	}
	p.stage(in)(func(r Result[B]) bool { return p.emit(l, r) })
	returned = true
}

// next settles what the lane had and waits for another slot, or for the end.
func (p *parallel[A, B]) next(l *lane[A, B]) *slot[A, B] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := l.current; s != nil {
		l.current, s.returned = nil, true
		p.settle(s)
	}
	for !p.stopped {
		if s := p.take(l); s != nil {
			return s
		}
		if p.exhausted && p.waiting == 0 {
			return nil
		}
		l.idle = true
		l.wake.Wait()
		l.idle = false
	}
	return nil
}

// take gives the lane the first slot that may run there: a ready one, or one
// behind those that the lane itself holds.
func (p *parallel[A, B]) take(l *lane[A, B]) *slot[A, B] {
	var s *slot[A, B]
	if len(p.ready) > 0 {
		s = p.ready[0]
	}
	for _, own := range l.lines {
		if len(own.waiting) > 0 && (s == nil || own.waiting[0].seq < s.seq) {
			s = own.waiting[0]
		}
	}
	switch {
	case s == nil:
		return nil
	case len(p.ready) > 0 && s == p.ready[0]:
		p.ready = p.ready[1:]
	default:
		s.line.waiting = s.line.waiting[1:]
	}
	if s.line != nil {
		if s.line.held == 0 {
			s.line.holder = l
			l.lines = append(l.lines, s.line)
		}
		s.line.held++
	}
	s.lane, l.current = l, s
	p.waiting--
	if p.waiting == 0 && p.exhausted {
		p.rouseAll()
	}
	if len(p.ready) <= p.window/2 {
		p.room.Signal()
	}
	return s
}

// emit takes a Result that leaves the lane.
func (p *parallel[A, B]) emit(l *lane[A, B], r Result[B]) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return false
	}
	s := l.current
	if e := r.h.entry; e != nil && e.job != nil && e.job.owner == any(p) {
		if from := p.slots[e.job.seq]; from.lane == l && !from.complete {
			s = from
		}
		r.h.entry = e.job.outer
	}
	if s == nil {
		// A foreign stage sends what is not, or no longer, the lane's.
		s = &slot[A, B]{complete: true}
		s.seq = len(p.slots)
		p.slots = append(p.slots, s)
		p.notify()
	}
	if s.fresh(r.h.number) {
		s.live.Add(-1)
	}
	s.out = append(s.out, r)
	if !s.complete {
		p.settle(s)
	}
	return true
}

// fresh reports whether no Result with this number has left. Numbers ascend
// unless a foreign stage repeats or reorders.
func (s *slot[A, B]) fresh(number uint32) bool {
	n := len(s.out)
	return n == 0 || number > s.out[n-1].h.number ||
		!slices.ContainsFunc(s.out, func(r Result[B]) bool { return r.h.number == number })
}

// settle completes a slot once the stage has let go of it.
func (p *parallel[A, B]) settle(s *slot[A, B]) {
	if s.returned && s.live.Load() <= 0 {
		p.finish(s)
	}
}

func (p *parallel[A, B]) finish(s *slot[A, B]) {
	s.complete = true
	if l := s.line; l != nil {
		l.held--
		if l.held == 0 {
			p.release(l)
		}
	}
	if s.seq == p.head {
		p.notify()
	}
}

// release lets the next slot of a line run anywhere.
func (p *parallel[A, B]) release(l *line[A, B]) {
	at := slices.Index(l.holder.lines, l)
	l.holder.lines = slices.Delete(l.holder.lines, at, at+1)
	l.holder = nil
	if len(l.waiting) == 0 {
		l.busy = false
		return
	}
	s := l.waiting[0]
	l.waiting = l.waiting[1:]
	p.offer(s)
}

// retire ends a lane. What it had not finished is what a stage dropped, or, if
// the lane did not return, what it failed.
func (p *parallel[A, B]) retire(l *lane[A, B], panicked any, returned bool) {
	var err error
	if panicked != nil {
		err = newPanicError(panicked)
	}
	l.gone, l.current = true, nil
	for _, s := range p.slots[p.head:] {
		if s.lane != l || s.complete {
			continue
		}
		if !returned && !p.stopped {
			s.out = append(s.out, s.lost(err))
		}
		p.finish(s)
	}
}

// lost stands for a slot that a lane did not finish: as failed with err, or else
// as unreached.
func (s *slot[A, B]) lost(err error) Result[B] {
	h := s.in.h
	h.entry = s.outer
	switch {
	case h.entry == nil || h.state.unprocessed():
	case err != nil:
		h.fail(err)
	case h.state == failed:
		h.note()
	default:
		v := unreachedAt(h.entry.run().batch, int(h.entry.index))
		h.refuse(v.state, v.err)
	}
	return Result[B]{h: h}
}

// left counts a goroutine that has ended.
func (p *parallel[A, B]) left() {
	p.active--
	if p.adrift > 0 {
		p.adrift--
		p.watched.run.adrift.Add(-1)
	}
	gone := func(l *lane[A, B]) bool { return l.gone }
	if len(p.lanes) == p.n && lo.EveryBy(p.lanes, gone) {
		p.halt() // nobody is left to take what waits
	} else if p.exhausted && p.waiting == 0 {
		p.rouseAll()
	}
	p.notify()
}

func (p *parallel[A, B]) rouseAll() {
	for _, l := range p.lanes {
		l.rouse()
	}
}

func (p *parallel[A, B]) notify() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// halt lets nothing enter or leave a lane any more.
func (p *parallel[A, B]) halt() {
	p.stopped = true
	p.rouseAll()
	p.room.Signal()
}

// consume yields what is complete, in order. It returns the panic of the stream
// before, once everything that came before it has left.
func (p *parallel[A, B]) consume(yield func(Result[B]) bool) *PanicError {
	var watched *scope
	var ended <-chan struct{}
	var due <-chan time.Time
	for {
		complete, scope, last := p.collect()
		for _, s := range complete {
			for _, r := range s.out {
				if !yield(r) {
					return nil
				}
			}
		}
		if last {
			return p.crashed()
		}
		if scope != watched {
			watched, ended = scope, scope.ctx.Done()
		}
		select {
		case <-p.wake:
		case <-ended:
			ended = nil
			p.hurry()
			if watched.run.timed {
				due = time.After(watched.run.reserve / 4)
			}
		case <-due:
			p.cut()
		}
	}
}

// collect takes the complete slots from the head, and all if nobody is left to
// complete the others.
func (p *parallel[A, B]) collect() (complete []*slot[A, B], watched *scope, last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	from := p.head
	last = p.active == 0 || p.late
	for p.head < len(p.slots) && (p.slots[p.head].complete || last) {
		p.head++
	}
	return p.slots[from:p.head], p.watched, last
}

func (p *parallel[A, B]) crashed() *PanicError {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.crash
}

// hurry reads on, whatever waits: nothing of it will start.
func (p *parallel[A, B]) hurry() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.room.Signal()
}

// cut gives up on the functions that are still running.
func (p *parallel[A, B]) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.slots[p.head:] {
		switch {
		case s.complete:
		case s.lane != nil:
			s.out = append(s.out, s.lost(nil))
		default:
			h := s.in.h
			if s.outer != nil {
				h.entry = s.outer
				h.admit()
			}
			s.out = append(s.out, Result[B]{h: h})
		}
	}
	running := lo.CountBy(p.lanes, func(l *lane[A, B]) bool { return !l.gone && !l.idle })
	if !p.exhausted {
		running++
	}
	p.abandon(running)
	p.late = true
	p.halt()
}

func (p *parallel[A, B]) abandon(running int) {
	p.watched.run.adrift.Add(int32(running - p.adrift))
	p.adrift = running
}

// stop ends what still runs and waits for it. Nothing does after the last Result.
func (p *parallel[A, B]) stop() {
	p.mu.Lock()
	p.halt()
	var due <-chan time.Time
	if p.active > p.adrift {
		for _, s := range p.scopes {
			s.cancel()
		}
		if p.watched != nil && p.watched.run.timed {
			due = time.After(p.watched.run.reserve / 4)
		}
	}
	for p.active > p.adrift {
		p.mu.Unlock()
		select {
		case <-p.wake:
			p.mu.Lock()
		case <-due:
			p.mu.Lock()
			p.abandon(p.active)
		}
	}
	p.mu.Unlock()
}
