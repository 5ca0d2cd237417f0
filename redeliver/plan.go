package redeliver

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/lambdabatch/batch"
)

const (
	// maxInvisible is how long SQS keeps a message invisible, counted from its receive.
	maxInvisible = 12 * time.Hour
	// maxAgeAtInvocation allows for the time between the receive and the invocation, which the event does not
	// contain. A batching window lasts up to five minutes, and the rest is for delays. SQS refuses timeouts
	// that exceed maxInvisible.
	maxAgeAtInvocation = 10 * time.Minute

	// leftAlone is the wait of a message that keeps the queue's timeout. It is longer than any other wait, so
	// in a FIFO group the messages after it are left alone as well.
	leftAlone = math.MaxInt32
)

// A plan decides how long the messages of one report wait.
type plan struct {
	report batch.Report
	wait   func(batch.Failure) time.Duration
	queue  queue
	log    *log

	// Whether an error that names the state is taken at its word.
	trustBlocked, trustNotStarted, trustUnreached bool
}

// newPlan decides which errors to trust. A function may return the error of a state, too, for example one from
// a batch inside its message. So the errors of a state are trusted only if there are as many as the report
// counts.
//
// A message that was not started or not reached lacked time only if the time was over. Otherwise a stage ended early and
// will do so again in the next invocation, or the caller cancelled the context.
func newPlan(report batch.Report, wait func(batch.Failure) time.Duration, queue queue, log *log) *plan {
	count := func(state error) (n int) {
		for _, f := range report.Failures {
			if hasState(f.Err, state) {
				n++
			}
		}
		return n
	}
	return &plan{
		report: report, wait: wait, queue: queue, log: log,
		trustBlocked:    count(batch.ErrBlocked) == report.Blocked,
		trustNotStarted: count(batch.ErrNotStarted) == report.NotStarted,
		trustUnreached:  report.Running > 0 && count(batch.ErrUnreached) == report.Unreached,
	}
}

// changes returns the messages whose timeout must be changed, the longest wait first. If time runs out, some
// messages are then redelivered later than necessary, but no failed one too early.
func (p *plan) changes(ctx context.Context, messages []message) []message {
	all, alone := len(messages), 0 // alone: left alone because of themselves
	for i := range messages {
		m := &messages[i]
		if ctx.Err() != nil { // the handler has responded, or responds now
			p.log.addOutOfTime(len(messages))
			return nil
		}
		var err error
		if m.wait, err = p.ownWait(m); err != nil {
			m.wait = leftAlone
			alone++
			p.log.leftAlone(m, err)
		}
	}
	p.reconcile(messages)
	messages = slices.DeleteFunc(messages, func(m message) bool { return m.wait == leftAlone })
	p.log.leftAloneWithOthers(all - len(messages) - alone)
	messages = onePerHandle(messages)
	slices.SortStableFunc(messages, func(a, b message) int { return cmp.Compare(b.wait, a.wait) })
	return messages
}

var (
	errNoHandle   = errors.New("no receipt handle")
	errOtherQueue = errors.New("it is from a different queue than the first message")
)

// ownWait returns how long a message waits if no other message matters. On an error it is left alone.
func (p *plan) ownWait(m *message) (seconds int32, err error) {
	switch {
	case m.handle == "":
		return 0, errNoHandle
	case !p.queue.has(m):
		return 0, errOtherQueue
	case p.visibleAtOnce(m.failure.Err):
		return 0, nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = errors.New("the wait function panicked: " + textOf(v))
		}
	}()
	return p.wholeSeconds(p.wait(m.failure)), nil
}

// visibleAtOnce reports whether the message was not tried and the next invocation may get further.
func (p *plan) visibleAtOnce(err error) bool {
	switch {
	case hasState(err, batch.ErrBlocked):
		return p.trustBlocked
	case hasState(err, batch.ErrNotStarted):
		return p.trustNotStarted && timeWasOver(err)
	case hasState(err, batch.ErrRunning):
		return false
	}
	return p.trustUnreached && hasState(err, batch.ErrUnreached) && timeWasOver(err)
}

// timeWasOver reports whether an untried message may have lacked time. A stage that leaves its loop early ends the contexts
// in lanes, too, and so does a caller who cancels. The methods of a user's error may panic.
func timeWasOver(err error) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = false
		}
	}()
	return errors.Is(err, context.DeadlineExceeded)
}

// hasState reports whether err is the error of the state. The methods of a user's error may panic.
func hasState(err, state error) (yes bool) {
	defer func() {
		if recover() != nil {
			yes = false
		}
	}()
	return namesState(err, state)
}

// namesState checks the top of the error's tree only. errors.Is would also find the state deep in the error of
// a function that processes a batch inside its message.
func namesState(err, state error) bool {
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

// wholeSeconds rounds up to whole seconds and stays within what SQS allows.
func (p *plan) wholeSeconds(wait time.Duration) int32 {
	most := maxInvisible - maxAgeAtInvocation - p.report.Elapsed
	wait = max(0, min(wait, most.Truncate(time.Second)))
	return int32((wait + time.Second - 1) / time.Second)
}

// reconcile raises waits until groups are in order and copies of a message wait equally long. It repeats both
// steps because each may undo the other: the two copies of a message may have different neighbours.
func (p *plan) reconcile(messages []message) {
	for changed := true; changed; {
		changed = p.queue.fifo && orderGroups(messages)
		changed = equalizeCopies(messages, func(m *message) string { return m.failure.Record.ID }) || changed
		changed = equalizeCopies(messages, func(m *message) string { return m.handle }) || changed
	}
}

// raise makes the message wait at least so long, and reports whether its wait changed.
func (m *message) raise(wait int32) bool {
	longer := wait > m.wait
	m.wait = max(m.wait, wait)
	return longer
}

// orderGroups makes every message wait at least as long as any earlier message that is, or may be, in its
// group. It reports whether a wait changed.
func orderGroups(messages []message) (changed bool) {
	groups := make(map[string]int32)
	var longest, least int32 // the longest wait so far; the least that every later message waits
	for i := range messages {
		m := &messages[i]
		switch {
		case m.groupUnknown:
			changed = m.raise(longest) || changed
			least = m.wait
		case m.group == "":
			changed = m.raise(least) || changed
			continue // no later message waits for it
		default:
			changed = m.raise(max(least, groups[m.group])) || changed
			groups[m.group] = m.wait
		}
		longest = max(longest, m.wait)
	}
	return changed
}

// equalizeCopies gives messages with the same key the longest wait among them. They are copies of one message,
// because a standard queue may deliver a message twice. It reports whether a wait changed.
func equalizeCopies(messages []message, key func(*message) string) (changed bool) {
	longest := make(map[string]int32, len(messages))
	for i := range messages {
		m := &messages[i]
		longest[key(m)] = max(longest[key(m)], m.wait)
	}
	for i := range messages {
		if m := &messages[i]; key(m) != "" {
			changed = m.raise(longest[key(m)]) || changed
		}
	}
	return changed
}

// onePerHandle keeps the first message per receipt handle.
func onePerHandle(messages []message) []message {
	seen := make(map[string]bool, len(messages))
	return slices.DeleteFunc(messages, func(m message) bool {
		again := seen[m.handle]
		seen[m.handle] = true
		return again
	})
}
