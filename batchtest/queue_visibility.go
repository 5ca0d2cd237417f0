package batchtest

import (
	"errors"
	"fmt"
	"time"
)

// longestVisibility is SQS's limit.
const longestVisibility = 12 * time.Hour

// ChangeVisibility hides a message for d from now on, as SQS does for ChangeMessageVisibility: with 0 it may be received again
// at once. The receipt handle is that of the message's last receive, which is in the event. A fake client for a
// function that changes visibility timeouts passes each entry on to it.
//
// It is an error if the handle is not known, or no longer, since the message is deleted or was received again,
// and if d is negative or more than twelve hours.
func (q *Queue) ChangeVisibility(receiptHandle string, d time.Duration) error {
	if d < 0 || d > longestVisibility {
		return fmt.Errorf("visibility timeout %v is not within 0 and %v", d, longestVisibility)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	known := false
	for _, m := range q.messages {
		if m.received > 0 && m.handle() == receiptHandle {
			known = true
			m.visible = time.Now().Add(d)
		}
	}
	if !known {
		return errUnknownHandle
	}
	return nil
}

var errUnknownHandle = errors.New("unknown receipt handle")

// handle is that of the last receive.
func (m *message) handle() string { return receiptHandle(m.number, m.turn) }

func receiptHandle(number, turn int) string { return fmt.Sprintf("receipt-%d-%d==", number, turn) }
