package redeliver

// Which message waits how long.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/lambdabatch/batch"
)

const (
	// longest is how long SQS keeps a message invisible at most, counted from the receive.
	longest = 12 * time.Hour
	// beforeInvocation is how long the receive may have been before the invocation, which the event does not
	// tell: a batching window lasts up to five minutes, and the rest is for delays. SQS refuses what is too long.
	beforeInvocation = 10 * time.Minute

	// unknown is the wait of a message that is left to the queue's timeout. It counts as longer than all others,
	// so that in a FIFO group the messages after it are left alone, too.
	unknown = math.MaxInt32
)

// A plan decides on the messages of one report.
type plan struct {
	report batch.Report
	wait   func(batch.Failure) time.Duration
	queue  queue
	log    *log

	// Whether errors that say a state are believed.
	blocked, notStarted, unreached bool
}

// newPlan finds out which states there are. A state has an error of its own, but a function may return such an error, too,
// as that of a record of a batch of its own. So they are believed if there are as many as the report counts.
//
// What did not arrive waited for a function that was still running, if the time was over. If it was not, a stage
// has ended early, and will do so in the next invocation.
func newPlan(ctx context.Context, report batch.Report, wait func(batch.Failure) time.Duration, queue queue, log *log) *plan {
	saying := func(state error) (n int) {
		for _, f := range report.Failures {
			if says(f.Err, state) {
				n++
			}
		}
		return n
	}
	end, timed := ctx.Deadline()
	timeOver := timed && time.Until(end) < report.Elapsed // the reserve is at most half of the time
	return &plan{
		report: report, wait: wait, queue: queue, log: log,
		blocked:    saying(batch.ErrBlocked) == report.Blocked,
		notStarted: saying(batch.ErrNotStarted) == report.NotStarted,
		unreached:  timeOver && report.Running > 0 && saying(batch.ErrUnreached) == report.Unreached,
	}
}

// changes returns the messages whose timeout is to be changed. Those that wait longest come first: if time runs out,
// some messages are redelivered later than they might be, but none that failed is too soon.
func (p *plan) changes(ctx context.Context, messages []message) []message {
	all, alone := len(messages), 0
	for i := range messages {
		m := &messages[i]
		if ctx.Err() != nil { // the answer has left, or leaves now
			p.log.late(len(messages))
			return nil
		}
		var err error
		if m.wait, err = p.secondsOf(m); err != nil {
			m.wait = unknown
			alone++
			p.log.left(m, err)
		}
	}
	p.together(messages)
	messages = slices.DeleteFunc(messages, func(m message) bool { return m.wait == unknown })
	p.log.leftWith(all - len(messages) - alone)
	messages = distinct(messages)
	slices.SortStableFunc(messages, func(a, b message) int { return cmp.Compare(b.wait, a.wait) })
	return messages
}

var (
	errNoHandle   = errors.New("no receipt handle")
	errOtherQueue = errors.New("it is of another queue than the first message")
)

// secondsOf is how long a message waits by itself. An error means that nobody knows.
func (p *plan) secondsOf(m *message) (seconds int32, err error) {
	switch {
	case m.handle == "":
		return 0, errNoHandle
	case !p.queue.has(m):
		return 0, errOtherQueue
	case p.untried(m.failure.Err):
		return 0, nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the wait function panicked: %v", v)
		}
	}()
	return p.whole(p.wait(m.failure)), nil
}

// untried reports whether no function was called for the message, or the next call may go better.
func (p *plan) untried(err error) bool {
	switch {
	case says(err, batch.ErrBlocked):
		return p.blocked
	case says(err, batch.ErrNotStarted):
		return p.notStarted
	case says(err, batch.ErrRunning):
		return false
	}
	return p.unreached && says(err, batch.ErrUnreached) // it waited for what runs; otherwise a stage drops it each time
}

// says survives the methods of the user's errors.
func says(err, state error) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = false
		}
	}()
	return is(err, state)
}

// is reports whether an error is that of a state itself. errors.Is would also find the state deep in the error of a
// function that processes a batch of its own.
func is(err, state error) bool {
	switch err := err.(type) {
	case interface{ Is(error) bool }:
		return err.Is(state)
	case interface{ Unwrap() error }:
		return err.Unwrap() == state
	case interface{ Unwrap() []error }:
		causes := err.Unwrap()
		return len(causes) > 0 && causes[0] == state
	}
	return false
}

// whole rounds up to whole seconds, within what SQS allows.
func (p *plan) whole(wait time.Duration) int32 {
	most := longest - beforeInvocation - p.report.Elapsed
	wait = max(0, min(wait, most.Truncate(time.Second)))
	return int32((wait + time.Second - 1) / time.Second)
}

// together makes messages wait for each other. What one of two copies waits may change what its group does, and what
// the group does the other copy.
func (p *plan) together(messages []message) {
	for changed := true; changed; {
		changed = p.queue.fifo && inOrder(messages)
		changed = alike(messages, func(m *message) string { return m.failure.Record.ID }) || changed
		changed = alike(messages, func(m *message) string { return m.handle }) || changed
	}
}

// raise reports whether the message waits longer now.
func (m *message) raise(wait int32) bool {
	longer := wait > m.wait
	m.wait = max(m.wait, wait)
	return longer
}

// inOrder makes no message wait less than an earlier one that is, or may be, of its group. It reports whether that
// has changed anything.
func inOrder(messages []message) (changed bool) {
	groups := make(map[string]int32)
	var any, every int32 // the longest wait of any group, and what every later message waits at least
	for i := range messages {
		m := &messages[i]
		switch {
		case m.anyGroup:
			changed = m.raise(any) || changed
			every = m.wait
		case m.group == "":
			changed = m.raise(every) || changed
			continue // nothing waits for it
		default:
			changed = m.raise(max(every, groups[m.group])) || changed
			groups[m.group] = m.wait
		}
		any = max(any, m.wait)
	}
	return changed
}

// alike gives messages with the same key the longest wait of them: they are one message, which a standard queue has
// delivered twice. It reports whether that has changed anything.
func alike(messages []message, key func(*message) string) (changed bool) {
	most := make(map[string]int32, len(messages))
	for i := range messages {
		m := &messages[i]
		most[key(m)] = max(most[key(m)], m.wait)
	}
	for i := range messages {
		if m := &messages[i]; key(m) != "" {
			changed = m.raise(most[key(m)]) || changed
		}
	}
	return changed
}

// distinct leaves one message for each receipt handle.
func distinct(messages []message) []message {
	seen := make(map[string]bool, len(messages))
	return slices.DeleteFunc(messages, func(m message) bool {
		again := seen[m.handle]
		seen[m.handle] = true
		return again
	})
}
