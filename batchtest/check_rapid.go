package batchtest

import (
	"fmt"
	"strings"
	"testing"
)

// A quietT is the test that rapid reports to. It keeps the output of rapid, which is a screenful
// per failure, and does not fail the test.
type quietT struct {
	*testing.T
	failed   bool
	messages []string
}

func (q *quietT) Failed() bool { return q.failed }
func (q *quietT) Fail()        { q.failed = true }
func (q *quietT) FailNow()     { q.failed = true } // may return: it is the last call of rapid

func (q *quietT) Log(...any)          {}
func (q *quietT) Logf(string, ...any) {}

func (q *quietT) Error(args ...any)                 { q.keep(fmt.Sprintln(args...)) }
func (q *quietT) Errorf(format string, args ...any) { q.keep(fmt.Sprintf(format, args...)) }
func (q *quietT) Fatal(args ...any)                 { q.keep(fmt.Sprintln(args...)) }
func (q *quietT) Fatalf(format string, args ...any) { q.keep(fmt.Sprintf(format, args...)) }

func (q *quietT) keep(message string) {
	q.failed = true
	q.messages = append(q.messages, message)
}

// reproduction returns the line in which rapid says how to run the batch again.
func (q *quietT) reproduction() string {
	for line := range strings.Lines(strings.Join(q.messages, "\n")) {
		if strings.HasPrefix(line, "To reproduce") {
			return "\n" + strings.TrimSpace(line)
		}
	}
	return ""
}
