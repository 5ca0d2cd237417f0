package batchtest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lambdabatch/batch"
)

// verdict is what an invocation made of a record. Where several are reported for
// one record, the first of them says most.
type verdict int

const (
	failed verdict = iota + 1
	running
	blocked
	notReached
	reported // by the answer, and nothing more is known
	again    // finished by the function, and yet to be delivered again
	finished
)

// hearing collects what the library reports during one invocation. Lambda freezes
// a function that has answered or timed out, so what comes later does not count.
type hearing struct {
	until time.Time

	mu      sync.Mutex
	closed  bool
	reasons map[string]verdict
}

// report is a report function. It may be called several times, at once, and after
// the invocation.
func (h *hearing) report(_ context.Context, r batch.Report) {
	reasons := make([]verdict, len(r.Failures))
	for i, failure := range r.Failures {
		reasons[i] = verdictOf(failure.Err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || !time.Now().Before(h.until) {
		return
	}
	for i, failure := range r.Failures {
		h.add(failure.Record.ID, reasons[i])
	}
}

func (h *hearing) add(id string, v verdict) {
	if h.reasons == nil {
		h.reasons = make(map[string]verdict)
	}
	if before, ok := h.reasons[id]; !ok || v < before {
		h.reasons[id] = v
	}
}

// verdictOf calls methods of the user's errors, which may panic.
func verdictOf(err error) (v verdict) {
	defer func() {
		if recover() != nil {
			v = failed
		}
	}()
	switch {
	case errors.Is(err, batch.ErrRunning):
		return running
	case errors.Is(err, batch.ErrBlocked):
		return blocked
	case errors.Is(err, batch.ErrNotStarted), errors.Is(err, batch.ErrUnreached):
		return notReached
	}
	return failed
}

func (h *hearing) close() map[string]verdict {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	return h.reasons
}

// verdict says what the invocation made of a record. Whether the record is finished
// is for the answer to say; a report tells only why it is not.
func (i *Invocation) verdict(id string, done, listed bool) verdict {
	if done && !listed && i.Outcome != Failure {
		return finished
	}
	reason, told := i.reasons[id]
	switch {
	case told:
		return reason
	case listed || i.Outcome == Failure:
		return reported
	}
	return again
}
