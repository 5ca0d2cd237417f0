package batch

// Parallel: a reader, up to n lanes and the consumer, around the pool where they meet.

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/lambdabatch/batch/internal/lanes"
)

// Parallel sends s through up to n lanes, each of which runs stage on a stream of
// its own, strictly one Result after the other. Each Result leaves as soon as it is
// finished, except that none overtakes another that its policy keeps in order: the
// Results of one group leave in batch order under [StopGroup], and all of them under
// [StopBatch]. So a slow record delays itself and its group, and the stages after
// Parallel get the others meanwhile.
//
// Records of one group run in batch order and one at a time, whichever lane takes
// them, unless the policy is [Continue]; groups do not wait for each other. After
// [FlatMap] the unit is the Result: siblings may run side by side under Continue.
//
// Any stage is correct here that treats each record on its own; it is built once
// for each lane, and its stream can be ranged over once. A failure from before counts
// for the stages before Parallel, and in the lanes only once it has left them, so a
// [Catch] inside settles it before anybody is held back. Under [StopGroup] a
// failure that is settled after Parallel blocks its group all the same, for the
// next record of the group starts before that; settle it inside. A stage that
// panics outside a user's function fails what its lane had not finished. A Failed
// Result that a stage keeps in a lane, to send it after the lanes some other way, is
// reported even if it is settled there. Of a Result that has left its lane no copy is
// known: one that a stage of yours sends later may come out after later records of its
// group.
//
// Stages before and after Parallel run on other goroutines than the lanes. Lanes run
// ahead of a slow consumer by at most 128 Results and one a lane. After
// the records' context has ended, or a break out of the range, Parallel waits for
// functions for a quarter of the reserve and goes on without them. Without a
// deadline it waits. It costs about a microsecond for each record.
func Parallel[A, B any](s Stream[A], n int, stage func(Stream[A]) Stream[B]) Stream[B] {
	requireStage("Parallel", "stage", s, stage != nil)
	require(n >= 1, "Parallel", "n is less than 1")
	return func(yield func(Result[B]) bool) {
		p := &parallel[A, B]{stages: []Stage[A, B]{stage}}
		p.pool.Init(n, p.callbacks())
		p.run(s, yield)
	}
}

type parallel[A, B any] struct {
	stages      []Stage[A, B]                          // of all lanes, or one for each
	chooseLane  func(h header, value *A) (int, header) // which of them a Result is for; nil: there is one
	pool        lanes.Pool[lineKey, task[A], emitted[B]]
	tasks       slab[lanes.Item[task[A], emitted[B]]] // of the reader
	values      valueSlab[B]                          // of lanes
	border      border
	inputPanic  atomic.Pointer[PanicError] // of the stream before
	inputExited atomic.Bool                // the stream before ended its goroutine
	lanePanic   atomic.Pointer[PanicError] // of a lane, the last one, where there is one stage
	gaveUp      bool                       // the consumer has given lanes up
}

// A task is one Result on its way through a lane.
type task[A any] struct {
	value       A
	visit       visit
	valueReused atomic.Bool // the value's place has one that leaves the lane
}

// lineKey is the key of a line or a gate: a group, or all of a run.
type lineKey struct {
	run   *run
	group int32
}

// whole is the group of a line or a gate that is for all of a run.
const wholeRun = -1

func (p *parallel[A, B]) face() lanes.Face[task[A], emitted[B]] {
	return lanes.Face[task[A], emitted[B]]{
		Start:     p.start,
		Given:     func(owner any, t *task[A]) { t.visit.enter(owner.(*inlet)) },
		Left:      func(t *task[A], r emitted[B]) { t.visit.parts.Leave(r.h.partNumber()) },
		Inside:    func(t *task[A]) bool { return !t.visit.parts.Over() },
		Finished:  func(t *task[A]) { t.visit.end() },
		Refused:   func(owner any, t *task[A]) emitted[B] { return headerOnly[B](t.visit.untaken(owner.(*inlet).crash)) },
		Held:      func(t *task[A]) bool { return t.visit.parts.Held() },
		Adrift:    func(owner any) { owner.(*inlet).close() },
		Abandoned: func(t *task[A]) emitted[B] { return headerOnly[B](t.visit.abandoned()) },
	}
}

func (p *parallel[A, B]) run(s Stream[A], yield func(Result[B]) bool) {
	p.border.routes = p.chooseLane != nil
	p.border.finishItem = func(item any) { p.pool.Settle(item.(*lanes.Item[task[A], emitted[B]])) }
	go p.readInput(s)
	defer p.stop() // also where yield panics
	p.consume(yield)
}

// read is the reader: it runs the stages before.
func (p *parallel[A, B]) readInput(s Stream[A]) {
	p.tasks.maxSize = 32
	returned := false
	defer func() {
		if v := recover(); v != nil {
			p.inputPanic.Store(newPanicError(v))
		} else {
			p.inputExited.Store(!returned)
		}
		p.pool.Exhaust()
	}()
	growStack(false)
	s(p.push)
	returned = true
}

// push adds one Result and reports whether more are wanted.
func (p *parallel[A, B]) push(r Result[A]) bool {
	it := &p.tasks.take(1)[0]
	t := &it.Value
	t.value = r.value
	e := r.h.entry
	if e == nil {
		t.visit.outside = r.h
		return p.pool.Push(it, 0, lineKey{}, lineKey{}, 0)
	}
	var held []*entry
	if e.visit != nil {
		held = p.border.takeBack(&r.h)
		e = r.h.entry
	}
	r.h.see()
	x, fresh := p.border.crossing(e)
	if fresh {
		p.prepareCrossing(x)
	}
	if e.Err() != nil {
		<-x.ctx.Done() // it ends a moment after the one outside, and no function may start in between
	}
	lane := 0
	if p.chooseLane != nil {
		lane, r.h = p.chooseLane(r.h, &t.value)
	}
	t.visit.begin(x, r.h, it)
	for _, e := range held {
		e.release()
	}
	line, gate := keysOf(e)
	before := e.level.feeder(r.h.feeder()).pause() // the stages before may have more to do for it
	more := p.pool.Push(it, lane, line, gate, int(e.index))
	before.resume()
	return more
}

// keysOf returns which Results run one after the other, and which leave in order.
func keysOf(e *entry) (line, gate lineKey) {
	run := e.level.run
	if run.batch.policy == Continue {
		return line, gate
	}
	group := run.batch.groupOf(int(e.index))
	if run.batch.someGroupUnreadable {
		group = wholeRun // one record may be of any group, so each of them may be of its group
	}
	if group != 0 {
		line = lineKey{run, group}
		gate = line
	}
	if run.batch.policy == StopBatch {
		gate = lineKey{run, wholeRun}
	}
	return line, gate
}

// cross prepares for Results of another level than so far.
func (p *parallel[A, B]) prepareCrossing(x *crossing) {
	if x.shared {
		p.pool.Narrow() // the other lanes around this one may have more use for a record
	}
	if p.border.governBy(x, p.pool.Hasten) {
		p.pool.Nudge()
	}
}

func (p *parallel[A, B]) start(l *lanes.Lane[task[A], emitted[B]]) {
	in := new(inlet)
	l.Owner = in
	go p.runLane(l, in)
}

// work is a lane. What it has not finished in the end is what its stage dropped,
// or, if the stage did not return, what it failed.
func (p *parallel[A, B]) runLane(l *lanes.Lane[task[A], emitted[B]], in *inlet) {
	returned := false
	defer func() {
		var crash *PanicError
		if v := recover(); v != nil {
			crash = newPanicError(v)
			in.crash = crash
			if p.chooseLane == nil {
				p.lanePanic.Store(crash)
			}
		}
		in.idle()
		in.close() // before the pool may be over, and the answer given
		lost := !returned || p.pool.Stopped()
		p.pool.Close(l, returned, func(t *task[A]) (emitted[B], bool) {
			if !lost {
				return emitted[B]{}, false
			}
			return headerOnly[B](t.visit.lost(crash)), true
		})
	}()
	growStack(false)
	out := requireStream(p.stages[l.Number](func(yield func(Result[A]) bool) {
		for t := p.next(l, in); t != nil; t = p.next(l, in) {
			r := Result[A]{t.visit.innerHeader(), t.value}
			t.value = *new(A)
			if !p.passBy(l, in, &r.h) && !yield(r) {
				return
			}
		}
	}))
	out(func(r Result[B]) bool { return p.emit(l, in, r) })
	returned = true
}

// next waits for the next task of a lane, or for the end.
func (p *parallel[A, B]) next(l *lanes.Lane[task[A], emitted[B]], in *inlet) *task[A] {
	in.idle()
	for {
		it, turn := p.pool.Next(l)
		switch turn {
		case lanes.Work:
			return &it.Value
		case lanes.End:
			return nil
		}
		in.flush()
	}
}

// passBy sends on what has no value for a route, or comes too late for it. Lanes that share a stage give it everything.
func (p *parallel[A, B]) passBy(l *lanes.Lane[task[A], emitted[B]], in *inlet, h *header) bool {
	if p.chooseLane == nil || h.admit(pure) {
		return false
	}
	p.emit(l, in, Result[B]{h: *h})
	return true
}

// emit takes a Result that leaves a lane. One that was not given to a lane here passes.
func (p *parallel[A, B]) emit(l *lanes.Lane[task[A], emitted[B]], in *inlet, r Result[B]) bool {
	var it *lanes.Item[task[A], emitted[B]]
	before := in.pause()
	if e := r.h.entry; e != nil && e.visit != nil && e.visit.crossing.border == &p.border {
		it = e.visit.item.(*lanes.Item[task[A], emitted[B]])
		r.h.leave()
	}
	r.h.entry.hold() // until the consumer has handed it on
	more := p.pool.Emit(l, it, emitted[B]{r.h, p.storeValue(it, &r)})
	if !more {
		r.h.entry.release()
	}
	before.resume()
	return more
}

// rests is how often the consumer gives its processor away before it waits. With one time, 3 µs of work for each record
// take an eighth longer (BenchmarkParallel).
const maxYields = 8

// consume yields what is finished.
func (p *parallel[A, B]) consume(yield func(Result[B]) bool) {
	var clock clock
	var out []emitted[B]
	for {
		p.yieldProcessor()
		var over bool
		if out, over = p.pool.Receive(out); len(out) > 0 {
			if !p.yieldAll(out, yield) {
				return
			}
			continue
		}
		if over {
			break
		}
		if p.pool.Hasty() && !p.border.flush() {
			return
		}
		clock.watch(p.border.governing.Load())
		select {
		case <-p.pool.Changed:
		case <-clock.ended:
			clock.end()
			p.pool.ReleaseExpired(func(t *task[A]) bool { return t.visit.crossing.ctx.Err() != nil })
		case <-clock.due:
			if all, ok := clock.tick(p.pool.Exhausted()); ok {
				p.gaveUp = true
				p.pool.GiveUp(all)
			}
		}
	}
	p.pool.Drain(p.untaken)
	for out, _ = p.pool.Receive(out); len(out) > 0; out, _ = p.pool.Receive(out) {
		if !p.yieldAll(out, yield) {
			return
		}
	}
	p.endLikeInput()
}

// rest gives lanes that compute the processor until there is something to receive, for a while. They need not wake this
// goroutine for each Result then.
func (p *parallel[A, B]) yieldProcessor() {
	for range maxYields {
		if !p.pool.Empty() {
			return
		}
		runtime.Gosched()
	}
}

// hand yields Results and reports whether more are wanted.
func (p *parallel[A, B]) yieldAll(out []emitted[B], yield func(Result[B]) bool) bool {
	x := p.border.governing.Load()
	for i := range out {
		if e := out[i].h.entry; x != nil && e != nil && e.level == x.outer {
			x.place.begin(e)
		}
		more := yield(out[i].take())
		out[i].h.entry.release()
		out[i] = emitted[B]{}
		if !more {
			return false
		}
	}
	if x != nil {
		x.place.idle()
	}
	return true
}

// untaken is what becomes of a Result that no lane took: lanes that return drop it.
func (p *parallel[A, B]) untaken(t *task[A]) (emitted[B], bool) {
	crash := p.lanePanic.Load()
	if !p.gaveUp && crash == nil {
		return emitted[B]{}, false
	}
	return headerOnly[B](t.visit.untaken(crash)), true
}

// handedOn is a Result that no lane has made.
func headerOnly[B any](h header) emitted[B] {
	h.entry.hold() // as emit does
	return emitted[B]{h: h}
}

// finish ends as the stream before did.
func (p *parallel[A, B]) endLikeInput() {
	if p.inputExited.Load() {
		runtime.Goexit()
	} else if crash := p.inputPanic.Load(); crash != nil {
		panic(crash)
	}
}

// stop ends what still runs and waits for it.
func (p *parallel[A, B]) stop() {
	p.border.cancel() // first: no function may start in a lane that ends
	p.pool.Break()
	var due <-chan time.Time
	if x := p.border.governing.Load(); x != nil && x.outer.run.hasDeadline && !p.pool.Over() {
		due = time.After(x.patience)
	}
	for !p.pool.Over() {
		select {
		case <-p.pool.Changed:
		case <-due:
			p.pool.GiveUp(true)
		}
	}
}
