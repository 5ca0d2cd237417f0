package batchtest

import "sync"

// draining lets one Drain of a source run at a time. It wakes that Drain from its sleep when
// something happens to the source. The channel is the Drain's own: one that was made outside a
// bubble of testing/synctest would keep the time in the bubble from passing.
type draining struct {
	mu   sync.Mutex
	wake chan<- struct{} // nil if no Drain runs
}

// begin reports whether no other Drain was running.
func (s *draining) begin(d *drain) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wake != nil {
		return false
	}
	s.wake = d.wake
	return true
}

func (s *draining) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake = nil
}

// changed is called after each change that may make a record due. Topic.Put need not call it: a
// Drain of a topic sleeps only before a redelivery, which comes before new records.
func (s *draining) changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default: // no Drain runs, or it is going to wake anyway
	}
}
