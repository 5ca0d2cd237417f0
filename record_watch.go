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
	f := h.entry.level.feeder(h.feederNumber())
	if f.isCurrent(h.entry.index) && f.passed.Load() != h.part() {
		return true
	}
	run.setFlag(strayed)
	return false
}

// notePassed notes that a Result has come as far as its feeder goes: to the collector, to the border of lanes or into a
// chunk. A function that is called for its part afterwards is called for a copy. If that happens on another goroutine,
// the feeder may still be at the record, and go on while the function runs.
func (h *header) notePassed() {
	if l := h.entry.level; l.run.hasDeadline {
		l.feeder(h.feederNumber()).passed.Store(h.part())
	}
}

// part identifies the part of the record, and differs from 0.
func (h *header) part() uint64 { return uint64(h.entry.index+1)<<32 | uint64(h.partNumber()) }
