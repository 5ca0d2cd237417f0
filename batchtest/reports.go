package batchtest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
)

// verdict is what an invocation made of a record. If a record is reported with several reasons, the
// smallest one says most about it.
type verdict int

const (
	failed verdict = iota + 1
	running
	blocked
	notReached
	reported // by the response, for an unknown reason
	again    // finished by the function, but redelivered
	finished
)

// verdict is finished only if the response says so. Reports only say why a record is not finished.
func (i *Invocation) verdict(id string, done, listed bool) verdict {
	if done && !listed && i.Outcome != Failure {
		return finished
	}
	reason, known := i.reasons[id]
	switch {
	case known:
		return reason
	case listed || i.Outcome == Failure:
		return reported
	}
	return again
}

// reports collects from the reports of the library why the records of one invocation are not
// finished. Lambda freezes a function when it has responded or timed out, so later reports do
// not count.
type reports struct {
	until time.Time

	mu      sync.Mutex
	closed  bool
	reasons map[string]verdict
}

// receive is a report function. The library may call it several times, concurrently, and after the
// invocation.
func (r *reports) receive(_ context.Context, report batch.Report) {
	// Outside the lock, because reasonOf calls the user's code.
	reasons := lo.Map(report.Failures, func(f batch.Failure, _ int) verdict { return reasonOf(f.Err) })
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || !time.Now().Before(r.until) {
		return
	}
	for i, failure := range report.Failures {
		r.add(failure.Record.ID, reasons[i])
	}
}

func (r *reports) add(id string, reason verdict) {
	if r.reasons == nil {
		r.reasons = make(map[string]verdict)
	}
	if known, ok := r.reasons[id]; !ok || reason < known {
		r.reasons[id] = reason
	}
}

func (r *reports) close() map[string]verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return r.reasons
}

func reasonOf(err error) verdict {
	switch {
	case matches(err, batch.ErrRunning):
		return running
	case matches(err, batch.ErrBlocked):
		return blocked
	case matches(err, batch.ErrNotStarted), matches(err, batch.ErrUnreached):
		return notReached
	}
	return failed
}

// matches is errors.Is for an error of the user's, whose methods may panic.
func matches(err, target error) (matched bool) {
	defer func() { _ = recover() }()
	return errors.Is(err, target)
}
