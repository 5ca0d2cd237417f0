package batch

// The goroutine of Run and of handlers, and when they stop waiting for it.

import (
	"errors"
	"runtime"
	"time"
)

type signal uint8

const (
	began    signal = iota // the first iteration over the source
	finished               // the pipeline
)

var errGoexit = errors.New("the pipeline ended its goroutine before it ranged over the batch")

// bind makes the pipeline, which runs the stage and tells c about every iteration over the
// source and how it ended. Called a second time it only looks at the source, as far as the
// first Result.
func bind[A, B any](c *collector[B], source Stream[A], stage func(Stream[A]) Stream[B]) func() {
	watched := observe(c, source)
	return func() {
		if c.begun.Swap(true) {
			defer func() { _ = recover() }() // the stage will see it
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
		defer func() { // also where the stage panicked, for then the batch is to be listed
			if !c.hasRun() {
				watched(func(Result[A]) bool { return false })
			} else if err == errGoexit {
				err, c.pipelineExited = nil, true // what is unfinished is unreached
			}
		}()
		growStack(false)
		requireStream(stage(watched))(c.add)
		err = nil
	}
}

// watch is the source, which tells c about every iteration over it.
func observe[A, B any](c *collector[B], source Stream[A]) Stream[A] {
	return func(yield func(Result[A]) bool) {
		c.ranged.Store(true)
		if c.answered() {
			return
		}
		var at struct {
			run  *run
			left bool
		}
		source(func(r Result[A]) bool {
			if r.h.entry != nil && r.h.entry.level.run != at.run {
				if at.run != nil {
					c.rangeEnded(at.run, false)
				}
				at.run = r.h.entry.level.run
				c.register(at.run)
			}
			at.left = !yield(r)
			return !at.left
		})
		if at.run != nil {
			c.rangeEnded(at.run, at.left)
		}
	}
}

// over takes note that an iteration came to its end, or that the stage broke out of it.
func (c *collector[T]) rangeEnded(r *run, left bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	t := c.findTally(r, true)
	t.Left, t.Ended = left, !left
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

// patience is how long a stage may take before it ranges over its batch, until Run finds
// out about the deadline by itself. Stages take microseconds.
const peekDelay = 250 * time.Millisecond

// drive runs the pipeline on a goroutine and waits until it ends or the answer is
// due.
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

// begins gives the pipeline the processor for some microseconds and reports whether it has
// begun to range. That spares nearly every Run the timer.
func (c *collector[T]) rangesSoon() bool {
	for range 64 {
		if c.ranged.Load() {
			return true
		}
		runtime.Gosched()
	}
	return false
}
