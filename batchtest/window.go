package batchtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// maxState is the size of a state above which the service ends the window early.
const maxState = 1 << 20

var errNoState = errors.New("it has no state, which the response of a window must have")

// window is the open tumbling window. It is nil in a stream without windows.
type window struct {
	start, end time.Time
	state      json.RawMessage
	early      bool      // the state is too large
	after      time.Time // when to repeat the invocation that ends the window; zero until it has failed
}

func newWindow(first time.Time, length time.Duration) *window {
	start := first.UTC().Truncate(length)
	return &window{start: start, end: start.Add(length), state: json.RawMessage("{}")}
}

func (w *window) has(r *streamRecord) bool { return w == nil || r.arrived.Before(w.end) }

func (w *window) endsEarly() bool { return w != nil && w.early }

func (w *window) closing() bool { return !w.after.IsZero() }

func (w *window) size() int {
	if w == nil {
		return 0
	}
	return len(marshal(w.state))
}

// windowEvent is the part of an event that only windows have.
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

// read takes the state from the response, even after a partial failure.
func (w *window) read(inv *Invocation, r response) {
	if w == nil || inv.Outcome == Failure {
		return
	}
	if r.state == nil {
		inv.Outcome, inv.Err = Failure, fmt.Errorf("%w: %w", ErrVoid, errNoState)
		inv.Listed, inv.Ignored = nil, nil
		return
	}
	w.state = r.state
	w.early = len(r.state) > maxState
}

// endWindow makes the invocation that ends the open window, and reports whether that was due. The
// window ends early, before anything is redelivered, if its state is too large; it then continues
// with an empty state. Otherwise it ends when its time is over and all its records are finished.
func (s *stream) endWindow(d *drain) bool {
	if !s.windowEnds() {
		return false
	}
	w := s.open
	early, event := w.early, w.event(s)
	event.IsWindowTerminatedEarly = early
	event.IsFinalInvokeForWindow = !early
	inv, r := d.deliver(s.event(nil, event), nil, s.identify)
	w.read(inv, r)
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

func (s *stream) windowEnds() bool {
	switch {
	case s.open == nil:
		return false
	case s.open.early:
		return true
	case len(s.attempts) > 0:
		return false
	}
	head := s.head()
	return head == nil || !s.open.has(head)
}
