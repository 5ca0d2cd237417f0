package batch

// Parallel. A reader runs the stages before, up to n lanes run the given stage, and the consumer
// runs the stages after. The three meet in a lanes.Pool.

import (
	"runtime"
	"sync/atomic"

	"github.com/lambdabatch/batch/internal/lanes"
)

// Parallel runs stage in up to n lanes. A lane is a goroutine that runs its own copy of
// stage on some of the results, one after the other. Parallel calls stage once per lane.
// stage must treat each record independently of the others, and may range over its Stream
// only once.
//
// Records of one group run in batch order and one at a time, whichever lanes take them.
// Different groups run concurrently. Under [Continue] groups do not matter: all records,
// and the parts of one record (see [FlatMap]), may run concurrently.
//
// Each result leaves Parallel as soon as it is finished, except that results of one group
// leave in batch order under [StopGroup], and all results do under [StopBatch]. So a slow
// or stuck record delays only itself and the records that must not overtake it, and the
// stages after Parallel get the others meanwhile.
//
// Results that are not ready pass through a lane, too, so stage may settle their failures.
// A failure from an earlier stage holds back records in the stages before Parallel at once,
// and in the lanes only after it has passed through one, so that a [Catch] in stage can
// settle it. Under StopGroup, a Catch after Parallel is too late for the next record of the
// group, because that may have been held back already.
//
// When the records' contexts have ended, or the consumer has left the loop, Parallel
// waits for functions for a quarter of the reserve (see [WithReserve]). Then it goes on
// without them, and the records of functions that have not returned are unprocessed
// ([ErrRunning]). Without a deadline it waits as long as they take.
//
// If stage panics outside of the functions that it calls, the records that its lane had not
// finished fail with a [*PanicError].
//
// The stages before, inside and after Parallel run on different goroutines. Lanes run
// ahead of a slow consumer by at most 128 results plus one per lane. The stages before run
// ahead of the lanes by at most 128 results that a lane could take. Those that wait for an
// earlier record of their group do not count, so if there are few groups, that may be the
// whole batch. Put effects whose order matters into the lanes. The cost of Parallel is about
// a microsecond per record.
//
// If stage contains another Parallel of m lanes, each lane holds up to m records until the
// stages after the inner lanes have returned from them. A function there that is slow or
// stuck delays those, too. The stages in and after the inner lanes form a pipeline, as they
// would outside of lanes: one may be at work on a record while the next record of its group
// is in an earlier one.
//
// Three rules concern stages of your own that keep results. If such a stage takes a Failed
// result out of a lane, to send it on elsewhere, the record is reported even if the failure
// is settled there. If a result fails after it was taken out of a lane, that holds back
// records outside only once the lane has ended. And if such a stage sends a copy of a result
// that has already left its lane, the copy may come after later records of its group, and
// functions may run for both at once. That happens if results are copied in the lane, and
// another goroutine sends the copies or has already fetched the next result.
//
// A stage may also hand a result to another lane, which sends it. If its own lane has ended by
// then, and later records of its group have left the lanes, it comes too late: it is dropped,
// and its record is reported.
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
	stages      []Stage[A, B]                          // one for all lanes, or one per route
	chooseLane  func(h header, value *A) (int, header) // the route of a Result; nil in Parallel
	pool        lanes.Pool[lineKey, task[A], emitted[B]]
	tasks       slab[lanes.Item[task[A], emitted[B]]] // of the reader
	values      valueSlab[B]                          // of lanes
	border      border
	inputPanic  atomic.Pointer[PanicError] // the stages before panicked
	inputExited atomic.Bool                // the stages before ended their goroutine
	inputCut    atomic.Bool                // the stages before were told to stop
	lanePanic   atomic.Pointer[PanicError] // the last panic of a lane; not used by Route
	laneExited  atomic.Bool                // a lane has ended its goroutine
	gaveUp      bool                       // the consumer no longer waits for lanes
}

// A task is one Result on its way through a lane.
type task[A any] struct {
	value       A
	visit       visit
	valueReused atomic.Bool // value has been overwritten by one that leaves the lane
}

// lineKey is the key of a line or a gate of the pool: one group of a run, or the whole run.
type lineKey struct {
	run   *run
	group int32 // or wholeRun
}

const wholeRun = -1

func (p *parallel[A, B]) callbacks() lanes.Callbacks[task[A], emitted[B]] {
	return lanes.Callbacks[task[A], emitted[B]]{
		Start:      p.start,
		Given:      func(owner any, t *task[A]) { t.visit.enter(owner.(*inlet)) },
		Left:       func(t *task[A], r emitted[B]) { t.visit.parts.Leave(r.h.partNumber()) },
		Inside:     func(t *task[A]) bool { return !t.visit.parts.Over() },
		Finished:   func(t *task[A]) { t.visit.end() },
		Works:      func(owner any, waiting int) bool { return owner.(*inlet).works(waiting) },
		Goroutines: p.border.noteGoroutines,
		Busy:       p.border.noteBusy,
		Refused:    func(owner any, t *task[A]) emitted[B] { return headerOnly[B](t.visit.untaken(owner.(*inlet).crash)) },
		Shut:       p.shut,
		Abandoned:  func(t *task[A]) emitted[B] { return headerOnly[B](t.visit.abandoned()) },
	}
}

func (p *parallel[A, B]) run(s Stream[A], yield func(Result[B]) bool) {
	p.tasks.maxSize, p.values.slab.maxSize = 32, 32 // saves memory in small batches
	p.border.routes = p.chooseLane != nil
	p.border.flushAgain = p.pool.Nudge
	p.border.finishItem = func(item any) { p.pool.TryFinish(item.(*lanes.Item[task[A], emitted[B]])) }
	go p.readInput(s)
	defer p.stop() // even if yield panics
	p.consume(yield)
}

// readInput runs the stages before, on the goroutine of the reader.
func (p *parallel[A, B]) readInput(s Stream[A]) {
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
	s(func(r Result[A]) (more bool) {
		more = p.push(r)
		p.inputCut.Store(!more)
		return more
	})
	returned = true
}

// push adds a Result to the pool and reports whether the pool wants more.
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
		<-x.ctx.Done() // it ends just after the one outside, and no function may start in between
	}
	lane := 0
	if p.chooseLane != nil {
		lane, r.h = p.chooseLane(r.h, &t.value)
	}
	r.h.notePassed()
	t.visit.begin(x, r.h, it)
	for _, e := range held {
		e.release()
	}
	line, gate := keysOf(e)
	before := e.level.pause(e.level.feeder(r.h.feederNumber())) // the stages before may go on with the record afterwards
	more := p.pool.Push(it, lane, line, gate, int(e.index))
	before.resume()
	return more
}

func (p *parallel[A, B]) start(l *lanes.Lane[task[A], emitted[B]]) {
	in := &inlet{flushAgain: func() { p.pool.FlushAgain(l) }, innerRest: p.pool.InnerRest}
	l.Owner = in
	go p.runLane(l, in)
}

// runLane runs the stage on the goroutine of a lane. If the stage returns, the Results that
// it has not finished were dropped. If it does not, or lanes in it did not, they fail.
func (p *parallel[A, B]) runLane(l *lanes.Lane[task[A], emitted[B]], in *inlet) {
	returned := false
	defer func() {
		var crash *PanicError
		v := recover()
		switch {
		case v != nil:
			crash = newPanicError(v)
			in.crash = crash
			if p.chooseLane == nil {
				p.lanePanic.Store(crash)
			}
		case !returned:
			p.laneExited.Store(true)
		}
		in.idle()
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
	returned = !in.deserted.Load()
}

// next waits for the next task of the lane. It returns nil at the end.
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
		if !in.flush() {
			return nil // a loop over a chunk in the lane was left
		}
	}
}

// passBy sends a Result past the stage of a route if it is not ready, or if it is too late to
// run it. It returns false if the stage should get the Result; the stage of Parallel gets all.
func (p *parallel[A, B]) passBy(l *lanes.Lane[task[A], emitted[B]], in *inlet, h *header) bool {
	if p.chooseLane == nil || h.admit(pure) {
		return false
	}
	p.emit(l, in, Result[B]{h: *h})
	return true
}

// emit takes a Result that leaves a lane and reports whether the pool wants more. A Result that
// did not enter a lane of this Parallel is passed on as it is.
func (p *parallel[A, B]) emit(l *lanes.Lane[task[A], emitted[B]], in *inlet, r Result[B]) bool {
	var it *lanes.Item[task[A], emitted[B]]
	var room [1]pause // saves an allocation
	before := in.pause(room[:0])
	if e := r.h.entry; e != nil && e.visit != nil && e.visit.crossing.border == &p.border {
		it = e.visit.item.(*lanes.Item[task[A], emitted[B]])
		r.h.notePassed()
		r.h.leave()
	}
	r.h.entry.hold() // until the consumer has yielded it
	taken, more := p.pool.Emit(l, it, emitted[B]{r.h, p.storeValue(it, &r)})
	if !taken && more && !r.h.state().Failure() { // it comes too late: a copy of it may have arrived, but this one does not
		r.h.refuse(unreached, newUnreachedError(unreached, r.h.entry.level.run.ended()), goesOn)
	}
	if !taken {
		r.h.entry.release()
	}
	for _, p := range before {
		p.resume()
	}
	return more
}

// maxYields is how often the consumer yields the processor before it waits. With 1 instead of 8,
// records of 3 µs of work take an eighth longer (BenchmarkParallel).
const maxYields = 8

// consume yields the Results that lanes have emitted until all lanes have ended.
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
		clock.follow(p.border.governing.Load())
		p.pool.Rest()
		select {
		case <-p.pool.Changed:
		case <-clock.ended:
			clock.startPatience()
			p.pool.ReleaseExpired(func(t *task[A]) bool { return t.visit.crossing.ctx.Err() != nil })
		case <-clock.due:
			if all, ok := clock.tick(p.pool.Exhausted()); ok {
				p.gaveUp = true
				p.pool.GiveUp(all)
			}
		}
		p.pool.Rise()
	}
	p.pool.Drain(p.untaken)
	for out, _ = p.pool.Receive(out); len(out) > 0; out, _ = p.pool.Receive(out) {
		if !p.yieldAll(out, yield) {
			return
		}
	}
	p.desert()
	p.endLikeInput()
}

// yieldProcessor lets lanes run that compute, until there is something to receive or maxYields is
// reached. Otherwise they would wake this goroutine for each Result.
func (p *parallel[A, B]) yieldProcessor() {
	for range maxYields {
		if !p.pool.Empty() {
			return
		}
		runtime.Gosched()
	}
}

// yieldAll yields the Results and reports whether the consumer wants more.
func (p *parallel[A, B]) yieldAll(out []emitted[B], yield func(Result[B]) bool) bool {
	x := p.border.governing.Load()
	for i := range out {
		switch e := out[i].h.entry; {
		case x == nil:
		case e != nil && e.level == x.outer:
			x.feeder.setCurrent(e)
		default:
			x.feeder.idle()
		}
		more := yield(out[i].take())
		out[i].h.entry.release()
		p.pool.PassedOn()
		if !more {
			return false
		}
	}
	if x != nil {
		x.feeder.idle()
	}
	return true
}
