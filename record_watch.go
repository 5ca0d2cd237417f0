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
	if h.entry.level.feeder(h.feederNumber()).isCurrent(h.entry.index) && h.entry.passed.Load() < h.place() {
		return true
	}
	run.setFlag(strayed)
	return false
}

// notePassed notes that a Result has come as far as its feeder goes: to the collector, to the border of lanes or into a
// chunk. Results of a record usually come there by part. So a function that is called for a part which is not above
// all that have passed may be called for a copy. If another goroutine sends the copies, the feeder may still be at
// the record then, and go on while the function runs.
func (h *header) notePassed() {
	if !h.entry.level.run.hasDeadline {
		return
	}
	for here := h.place(); ; {
		before := h.entry.passed.Load()
		if before >= here || h.entry.passed.CompareAndSwap(before, here) {
			return
		}
	}
}

// forgetPassed is called for a Result that was kept in a chunk and goes on. For the functions after the chunk its record
// starts anew: their feeder is at it again.
func (h *header) forgetPassed() {
	if h.entry != nil {
		h.entry.passed.Store(0)
	}
}

// place orders the Results of a record by the feeder that they came from, and then by part.
func (h *header) place() uint32 {
	const bits = 23 // of the part; all above share a place
	return (uint32(h.feederNumber())+1)<<bits | min(h.partNumber(), 1<<bits-1)
}
