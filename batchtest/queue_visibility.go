package batchtest

import (
	"errors"
	"fmt"
	"time"
)

// maxVisibility is SQS's limit.
const maxVisibility = 12 * time.Hour

var (
	errUnknownHandle = errors.New("unknown receipt handle")
	errNotInFlight   = errors.New("the message is not in flight: its visibility timeout has ended")
)

// ChangeVisibility hides a message for d, counted from now, as ChangeMessageVisibility does in SQS.
// With 0 the message may be received again at once. The receipt handle is in the event of the
// message's last receive. If your function changes visibility timeouts, give it a fake SQS
// client that calls ChangeVisibility for each entry.
//
// ChangeVisibility returns an error where SQS does:
//
//   - d is negative, or ends more than twelve hours after the receive.
//   - The message is not in flight: its visibility timeout has already ended or, if there is none,
//     the handler has responded.
//   - The handle is unknown, or no longer valid because the message was deleted or received again.
func (q *Queue) ChangeVisibility(receiptHandle string, d time.Duration) error {
	if d < 0 || d > maxVisibility {
		return fmt.Errorf("visibility timeout %v is not between 0 and %v", d, maxVisibility)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	err := errUnknownHandle
	now := time.Now()
	for _, m := range q.messages { // a duplicate received at the same time has the same handle
		if m.received > 0 && m.handle() == receiptHandle {
			err = m.hide(now, d)
		}
	}
	q.draining.changed()
	return err
}

func (m *message) hide(now time.Time, d time.Duration) error {
	switch {
	case !m.inFlight(now):
		return errNotInFlight
	case now.Add(d).After(m.last.Add(maxVisibility)):
		return fmt.Errorf("visibility timeout %v ends more than %v after the receive", d, maxVisibility)
	}
	m.held = false
	m.visible = now.Add(d)
	return nil
}

// inFlight reports whether the message has been received and is still hidden.
func (m *message) inFlight(now time.Time) bool { return m.held || m.visible.After(now) }

// handle is the receipt handle of the last receive.
func (m *message) handle() string { return receiptHandle(m.number, m.lastReceive) }

func receiptHandle(number, receive int) string {
	return fmt.Sprintf("receipt-%d-%d==", number, receive)
}
