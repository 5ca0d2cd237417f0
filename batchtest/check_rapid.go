package batchtest

import (
	"fmt"
	"strings"
	"testing"
)

// A listener is told by rapid what it finds, which is a screen for each failure, and keeps it from the test.
type listener struct {
	*testing.T
	failed bool
	said   []string
}

func (l *listener) Failed() bool { return l.failed }
func (l *listener) Fail()        { l.failed = true }
func (l *listener) FailNow()     { l.failed = true } // rapid's last call

func (l *listener) Log(...any)          {}
func (l *listener) Logf(string, ...any) {}

func (l *listener) Error(args ...any)                 { l.complain(fmt.Sprintln(args...)) }
func (l *listener) Errorf(format string, args ...any) { l.complain(fmt.Sprintf(format, args...)) }
func (l *listener) Fatal(args ...any)                 { l.complain(fmt.Sprintln(args...)) }
func (l *listener) Fatalf(format string, args ...any) { l.complain(fmt.Sprintf(format, args...)) }

func (l *listener) complain(text string) {
	l.failed = true
	l.said = append(l.said, text)
}

// reproduction is the line in which rapid says how to run the batch again.
func (l *listener) reproduction() string {
	for line := range strings.Lines(strings.Join(l.said, "\n")) {
		if strings.HasPrefix(line, "To reproduce") {
			return "\n" + strings.TrimSpace(line)
		}
	}
	return ""
}
