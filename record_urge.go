package batch

// Lanes within a lane that is asked to flush.

import (
	"maps"
	"slices"
)

// innerLanes says to a Parallel or a Route in a lane whether its lanes, and its consumer, must flush before they wait. calm may be
// called with the locks of other lanes held.
type innerLanes struct{ urge, calm func() }

func (l *level) addLanes(of *border, inner innerLanes) {
	l.mu.Lock()
	if l.lanes == nil {
		l.lanes = make(map[*border]innerLanes)
	}
	l.lanes[of] = inner
	l.mu.Unlock()
	if l.urged.Load() {
		l.urgeNow(inner)
	}
}

func (l *level) removeLanes(of *border) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.lanes, of)
}

// urge makes the lanes on this level flush, until calm is called.
func (l *level) urge() {
	l.urged.Store(true)
	l.mu.Lock()
	all := slices.Collect(maps.Values(l.lanes))
	l.mu.Unlock()
	for _, inner := range all { // without the lock: those who call calm have locks that urge takes
		l.urgeNow(inner)
	}
}

func (l *level) urgeNow(inner innerLanes) {
	inner.urge()
	if !l.urged.Load() { // calm was called meanwhile, perhaps before
		inner.calm()
	}
}

func (l *level) calm() {
	if !l.urged.Load() {
		return
	}
	l.urged.Store(false)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, inner := range l.lanes {
		inner.calm()
	}
}
