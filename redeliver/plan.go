package redeliver

// Which message waits how long.

import (
	"cmp"
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
}

// changes returns the messages whose timeout is to be changed. Those that wait longest come first: if time runs out,
// some messages come back later than they might, but none that fails comes back too soon.
func (p *plan) changes(messages []message) []message {
	all, alone := len(messages), 0
	for i := range messages {
		m := &messages[i]
		var err error
		if m.wait, err = p.secondsOf(m); err != nil {
			m.wait = unknown
			alone++
			p.log.left(m, err)
		}
	}
	if p.queue.fifo {
		inOrder(messages)
	}
	alike(messages, func(m *message) string { return m.failure.Record.ID })
	alike(messages, func(m *message) string { return m.handle })
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

// untried reports whether no function was called for the message, or the next call may go better. The report counts
// the records in each state, and a state has an error of its own.
func (p *plan) untried(err error) (yes bool) {
	defer func() {
		if recover() != nil { // it is an error of the user's, then
			yes = false
		}
	}()
	r := p.report
	switch {
	case r.Blocked > 0 && is(err, batch.ErrBlocked), r.NotStarted > 0 && is(err, batch.ErrNotStarted):
		return true
	case r.Running > 0: // it waited for that; where nothing runs, a stage dropped it and will do so again
		return is(err, batch.ErrUnreached) && !is(err, batch.ErrRunning)
	}
	return false
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

// inOrder makes no message wait less than an earlier one that is, or may be, of its group.
func inOrder(messages []message) {
	groups := make(map[string]int32)
	var most, every int32 // the longest wait of any group, and what every later message waits at least
	for i := range messages {
		m := &messages[i]
		switch {
		case m.anyGroup:
			m.wait = max(m.wait, most)
			every = m.wait
		case m.group == "":
			m.wait = max(m.wait, every)
			continue // nothing waits for it
		default:
			m.wait = max(m.wait, every, groups[m.group])
			groups[m.group] = m.wait
		}
		most = max(most, m.wait)
	}
}

// alike gives messages with the same key the longest wait of them: they are one message, which a standard queue has
// delivered twice.
func alike(messages []message, key func(*message) string) {
	most := make(map[string]int32, len(messages))
	for i := range messages {
		m := &messages[i]
		most[key(m)] = max(most[key(m)], m.wait)
	}
	for i := range messages {
		if m := &messages[i]; key(m) != "" {
			m.wait = most[key(m)]
		}
	}
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
