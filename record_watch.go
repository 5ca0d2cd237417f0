package batch

// Functions that no feeder watches, because a user's stage keeps Results or has them sent by another goroutine.

// watched reports whether the feeder of the Result knows that its record is worked on. If it does not, another copy of
// the Result may have arrived already. So the record must be held while the function runs, until its failure is open.
// From the first such call on, no feeder of the run is trusted, because a user's stage may use several goroutines.
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
