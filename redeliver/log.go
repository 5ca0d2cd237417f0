package redeliver

// What the log says: of one answer, what was not changed and why.

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// mostLines is how many lines of a kind one answer may log: one for each of 10,000 messages would take the time that
// the calls need.
const mostLines = 16

// A log writes its lines as things happen, since a client that hangs may keep the end from coming.
type log struct {
	ctx    context.Context
	logger *slog.Logger // nil: silence

	mu           sync.Mutex
	ones, groups limited // lines that name one message, and those that count several
	outOfTime    int
	planned      []func() // lines about the plan, written after the calls: a log handler may hang
}

// limited counts lines of a kind.
type limited struct {
	lines int
	rest  int // messages for which there is no line
}

// takes reports whether there may be a line about so many messages.
func (l *log) takes(kind *limited, messages int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if kind.lines == mostLines {
		kind.rest += messages
		return false
	}
	kind.lines++
	return true
}

// left is about a message that no call is made for.
func (l *log) left(m *message, err error) {
	if l.takes(&l.ones, 1) {
		id := m.failure.Record.ID
		l.planned = append(l.planned, func() {
			l.warn("visibility not changed", slog.String("record", id), slog.String("error", err.Error()))
		})
	}
}

// leftWith is about messages that are left alone because of another one.
func (l *log) leftWith(messages int) {
	if messages > 0 {
		l.planned = append(l.planned, func() {
			l.warn("visibility not changed", slog.Int("messages", messages),
				slog.String("error", "an earlier message of their group, or a copy of theirs, is left alone"))
		})
	}
}

// refused is about an entry that SQS did not accept. m is nil if it does not tell which.
func (l *log) refused(m *message, f types.BatchResultErrorEntry) {
	if !l.takes(&l.ones, 1) {
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

// unchanged is about the messages of a call, or all of them.
func (l *log) unchanged(messages int, err error) {
	if l.takes(&l.groups, messages) {
		l.warn("visibility not changed", slog.Int("messages", messages), slog.String("error", fmt.Sprint(err)))
	}
}

// late is about messages for which there was no time.
func (l *log) late(messages int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outOfTime += messages
}

// close writes the lines about the plan, and those that count.
func (l *log) close() {
	for _, line := range l.planned {
		line()
	}
	if n := l.ones.rest + l.groups.rest; n > 0 {
		l.warn("visibility of more messages not changed", slog.Int("messages", n))
	}
	if l.outOfTime > 0 {
		l.warn("visibility not changed", slog.Int("messages", l.outOfTime), slog.String("error", "no time left"))
	}
}

// warn survives a handler that panics, which is the user's.
func (l *log) warn(text string, attrs ...slog.Attr) {
	if l.logger == nil {
		return
	}
	defer func() { _ = recover() }()
	l.logger.LogAttrs(l.ctx, slog.LevelWarn, text, attrs...)
}
