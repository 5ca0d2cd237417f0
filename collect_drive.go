package batch

// The goroutine on which Run and handlers run their pipeline, and how long they wait for it.

import (
	"errors"
	"runtime"
	"time"
)

type signal uint8

const (
	began    signal = iota // the first run has begun
	finished               // the pipeline has ended
)

var errGoexit = errors.New("the pipeline called runtime.Goexit before it ranged over the batch")

// newPipeline returns the pipeline as a function, which runs the stage and registers every run with
// c. If the function is called a second time it only ranges over the source, up to the first
// Result.
func newPipeline[A, B any](c *collector[B], source Stream[A], stage func(Stream[A]) Stream[B]) func() {
	watched := observe(c, source)
	return func() {
		if c.begun.Swap(true) {
			defer func() { _ = recover() }() // the stage will meet the same panic
			watched(func(Result[A]) bool { return false })
			return
		}
		err := errGoexit
		defer func() {
			if v := recover(); v != nil {
				err = newPanicError(v)
			}
			c.pipelineErr = err
			c.signals <- finished
		}()
		defer func() { // even after a panic: the response must list the batch
			if !c.hasRun() {
				watched(func(Result[A]) bool { return false })
			} else if err == errGoexit {
				err, c.pipelineExited = nil, true // records that are not finished count as unreached
			}
		}()
		growStack(false)
		requireStream(stage(watched))(c.add)
		err = nil
	}
}

// observe returns source, changed so that it tells c when each run begins and ends.
func observe[A, B any](c *collector[B], source Stream[A]) Stream[A] {
	return func(yield func(Result[A]) bool) {
		c.ranged.Store(true)
		if c.answered() {
			return
		}
		at := progress{interrupted: true}
		defer func() { c.rangeEnded(at) }() // even after a panic or Goexit in the stage
		source(func(r Result[A]) bool {
			if r.h.entry != nil {
				if run := r.h.entry.level.run; run != at.run {
					c.rangeEnded(progress{run: at.run, begun: at.begun})
					at.run = run
					c.register(run)
				}
				at.begun = int(r.h.entry.index) + 1
			}
			at.left = !yield(r)
			return !at.left
		})
		at.interrupted = false
	}
}

// progress says how far a stage has come with the range over the source of a run.
type progress struct {
	run         *run // nil if it has not begun
	begun       int  // how many records the stage got
	left        bool // the stage has left the range early
	interrupted bool // the goroutine of the stage has ended, or it has panicked
}

// rangeEnded says that the range over the source of a run has ended.
func (c *collector[T]) rangeEnded(p progress) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || p.run == nil {
		return
	}
	t := c.findOrAddTally(p.run)
	t.Left, t.Ended, t.Interrupted, t.Begun = p.left, !p.left, p.interrupted, p.begun
}

func (c *collector[T]) answered() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

func (c *collector[T]) hasRun() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.firstRun != nil
}

// peekDelay is how long drive waits for the stage to range over the source before it ranges
// over it itself to learn the deadline. Most stages take microseconds.
const peekDelay = 250 * time.Millisecond

// drive runs the pipeline on a goroutine and waits until it ends or the answer is due.
func (c *collector[T]) drive(pipeline func()) ending {
	known := c.hasRun()
	go pipeline()
	var unbegun, due <-chan time.Time
	if !known && !c.rangesSoon() {
		timer := time.NewTimer(peekDelay)
		defer timer.Stop()
		unbegun = timer.C
	}
	var ended <-chan struct{}
	for {
		select {
		case s := <-c.signals:
			if s == finished {
				return ending{err: c.pipelineErr, exited: c.pipelineExited}
			}
			if c.firstRun.hasDeadline {
				ended = c.firstRun.level.ctx.Done()
			}
		case <-unbegun:
			if !c.ranged.Load() {
				go pipeline()
			}
		case <-ended:
			ended = nil
			c.contextsEnded = time.Now()
			due = time.After(c.firstRun.reserve / 2)
		case <-due:
			return ending{late: true}
		}
	}
}

// rangesSoon yields the processor to the pipeline for some microseconds, and reports whether
// the pipeline has begun to range over the source. That saves nearly every Run the timer.
func (c *collector[T]) rangesSoon() bool {
	for range 64 {
		if c.ranged.Load() {
			return true
		}
		runtime.Gosched()
	}
	return false
}
