package batchtest

import (
	"errors"
	"fmt"
	"time"
)

// maxVisibility is SQS's limit.
const maxVisibility = 12 * time.Hour

var errUnknownHandle = errors.New("unknown receipt handle")

// ChangeVisibility hides a message for d, counted from now, as ChangeMessageVisibility does in SQS.
// With 0 the message may be received again at once. The receipt handle is in the event of the
// message's last receive. If your function changes visibility timeouts, give it a fake SQS
// client that calls ChangeVisibility for each entry.
//
// ChangeVisibility returns an error if d is negative or more than twelve hours. It also returns
// an error if the handle is unknown, or no longer valid because the message was deleted or
// received again.
func (q *Queue) ChangeVisibility(receiptHandle string, d time.Duration) error {
	if d < 0 || d > maxVisibility {
		return fmt.Errorf("visibility timeout %v is not between 0 and %v", d, maxVisibility)
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

// handle is the receipt handle of the last receive.
func (m *message) handle() string { return receiptHandle(m.number, m.lastReceive) }

func receiptHandle(number, receive int) string {
	return fmt.Sprintf("receipt-%d-%d==", number, receive)
}
