package batchtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// maxState is the size of a window's state beyond which the service terminates
// the window.
const maxState = 1 << 20

var errNoState = errors.New("the answer has no state, as one about a window must")

// window is the tumbling window that is open. A nil one stands for a stream
// without windows.
type window struct {
	start, end time.Time
	state      json.RawMessage
	early      bool      // the state has become too large
	after      time.Time // when the invocation that ends it may be made (again)
}

func newWindow(first time.Time, length time.Duration) *window {
	start := first.UTC().Truncate(length)
	return &window{start: start, end: start.Add(length), state: json.RawMessage("{}")}
}

func (w *window) has(e *entry) bool { return w == nil || e.arrived.Before(w.end) }

func (w *window) closing() bool { return !w.after.IsZero() }

func (w *window) size() int {
	if w == nil {
		return 0
	}
	return len(w.state)
}

// windowEvent is what an event has beside its records.
type windowEvent struct {
	Window struct {
		Start time.Time `json:"start"`
		End   time.Time `json:"end"`
	} `json:"window"`
	State                   json.RawMessage `json:"state"`
	ShardID                 string          `json:"shardId"`
	EventSourceARN          string          `json:"eventSourceARN"`
	IsFinalInvokeForWindow  bool            `json:"isFinalInvokeForWindow"`
	IsWindowTerminatedEarly bool            `json:"isWindowTerminatedEarly"`
}

func (w *window) event(s *stream) *windowEvent {
	if w == nil {
		return nil
	}
	e := &windowEvent{State: w.state, ShardID: s.shardID, EventSourceARN: s.sourceARN}
	e.Window.Start, e.Window.End = w.start, w.end
	return e
}

// read takes the state from the answer. That of a partial one is kept too.
func (w *window) read(inv *Invocation, a answer) {
	if w == nil || inv.Outcome == Failure {
		return
	}
	if a.state == nil {
		inv.Outcome, inv.Err, inv.Listed = Failure, fmt.Errorf("%w: %w", ErrVoid, errNoState), nil
		return
	}
	w.state = a.state
	w.early = len(a.state) > maxState
}

// stepWindow ends the open window if that is due: because of its state, with
// the window going on afresh, or because its time is over and all its records
// are finished.
func (s *stream) stepWindow(d *drain) bool {
	w := s.open
	head := s.head()
	if !w.early && head != nil && w.has(head) {
		return false
	}
	early, event := w.early, w.event(s)
	event.IsWindowTerminatedEarly = early
	event.IsFinalInvokeForWindow = !early
	inv, a := d.deliver(s.event(nil, event), nil, s.identify)
	w.read(inv, a)
	switch {
	case inv.Outcome == Failure:
		w.after = time.Now().Add(s.retryDelay)
	case early:
		w.early, w.after, w.state = false, time.Time{}, json.RawMessage("{}")
	default:
		s.open = nil
	}
	return true
}
