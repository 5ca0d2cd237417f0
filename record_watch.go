package batch

// Functions that no feeder watches, because a user's stage keeps Results or has them sent by another goroutine.

import "context"

// watched reports whether the feeder of the Result knows that its record is worked on. If it does not, the function that
// is about to be called must hold the record: another copy of the Result may have arrived already. From the first
// such call on, no feeder of the run is trusted, because a user's stage may use several goroutines.
func (h *header) watched() bool {
	run := h.entry.level.run
	if !run.hasDeadline {
		return true // the collector waits for every function
	}
	if run.flags.Load()&strayed != 0 {
		return false
	}
	if h.entry.level.feeder(h.feederNumber()).isCurrent(h.entry.index) {
		return true
	}
	run.setFlag(strayed)
	return false
}

// holding, holdingMap and holdingEach return f, changed so that it holds the record.
func holding[A, B any](e *entry, f func(context.Context, A) (B, error)) func(context.Context, A) (B, error) {
	return func(ctx context.Context, a A) (B, error) {
		e.hold()
		defer e.release()
		return f(ctx, a)
	}
}

func holdingMap[A, B any](e *entry, f func(A) B) func(A) B {
	return func(a A) B {
		e.hold()
		defer e.release()
		return f(a)
	}
}

func holdingEach[A any](e *entry, f func(context.Context, A) error) func(context.Context, A) error {
	return func(ctx context.Context, a A) error {
		e.hold()
		defer e.release()
		return f(ctx, a)
	}
}
