package redeliver

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/lambdabatch/batch"
)

// maxLines limits the lines of one kind per invocation. A line for each of 10,000 messages would use up the
// time that the calls need.
const maxLines = 16

// A log says which timeouts of one invocation were not changed, and why. It writes lines about calls
// immediately, because a client that hangs may keep close from being called. It writes lines about the plan
// after the calls, because a log handler that hangs would keep them from being made.
type log struct {
	ctx    context.Context
	logger *slog.Logger // nil: silent

	mu         sync.Mutex
	perMessage lineCount // of lines about one message
	perCall    lineCount // of lines about several messages
	outOfTime  int       // messages for which there was no time
	planned    []func()  // lines about the plan
}

// A lineCount counts the lines of one kind.
type lineCount struct {
	lines      int
	suppressed int // messages without a line
}

// admits reports whether one more line of the kind may be written, about so many messages.
func (l *log) admits(kind *lineCount, messages int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if kind.lines == maxLines {
		kind.suppressed += messages
		return false
	}
	kind.lines++
	return true
}

// leftAlone is about a message that the plan leaves alone.
func (l *log) leftAlone(m *message, err error) {
	if l.admits(&l.perMessage, 1) {
		id := m.failure.Record.ID
		l.planned = append(l.planned, func() {
			l.warn("visibility not changed", slog.String("record", id), slog.String("error", err.Error()))
		})
	}
}

// leftAloneWithOthers is about messages that the plan leaves alone because of other messages.
func (l *log) leftAloneWithOthers(messages int) {
	if messages > 0 {
		l.planned = append(l.planned, func() {
			l.warn("visibility not changed", slog.Int("messages", messages),
				slog.String("error", "an earlier message of their group, or a copy of theirs, is left alone"))
		})
	}
}

// refused is about an entry that SQS did not accept. m is nil if the entry is unknown.
func (l *log) refused(m *message, f types.BatchResultErrorEntry) {
	if !l.admits(&l.perMessage, 1) {
		return
	}
	var attrs []slog.Attr
	if m != nil {
		attrs = append(attrs, slog.String("record", m.failure.Record.ID))
	}
	attrs = append(attrs, slog.String("code", aws.ToString(f.Code)))
	if f.Message != nil {
		attrs = append(attrs, slog.String("error", *f.Message))
	}
	l.warn("visibility not changed", attrs...)
}

// unchanged is about all messages of a failed call, or about all messages.
func (l *log) unchanged(messages int, err error) {
	if l.admits(&l.perCall, messages) {
		l.warn("visibility not changed", slog.Int("messages", messages), slog.String("error", textOf(err)))
	}
}

// addOutOfTime counts messages for which there is no time left.
func (l *log) addOutOfTime(messages int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outOfTime += messages
}

// close writes the lines about the plan and the totals.
func (l *log) close() {
	for _, line := range l.planned {
		line()
	}
	if n := l.perMessage.suppressed + l.perCall.suppressed; n > 0 {
		l.warn("visibility of more messages not changed", slog.Int("messages", n))
	}
	if l.outOfTime > 0 {
		l.warn("visibility not changed", slog.Int("messages", l.outOfTime), slog.String("error", "no time left"))
	}
}

// textOf returns the text of an error or of the value of a panic. Its methods may panic, even with a value whose text
// panics, too. Package fmt recovers only from the first.
func textOf(v any) string {
	return strings.TrimPrefix((&batch.PanicError{Value: v}).Error(), "panic: ")
}

// warn recovers if the user's log handler panics.
func (l *log) warn(text string, attrs ...slog.Attr) {
	if l.logger == nil {
		return
	}
	defer func() { _ = recover() }()
	l.logger.LogAttrs(l.ctx, slog.LevelWarn, text, attrs...)
}
