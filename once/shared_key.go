package once

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/lambdabatch/batch"
)

// This file detects a common mistake: two functions without names share a store and its keys. The second
// function would never be called, and its record would be acknowledged. It is detected if one record passes
// through both functions.

// A functionID identifies a function passed to Map or Each. It consists of the call site and the function's
// code. A stage that is built again for each lane has the same functionID each time. A helper that wraps
// several functions has one call site but several functionIDs, unless their code is the same, too: that of one
// method of several values, or of one function literal with several values of its variables.
type functionID struct {
	callSite uintptr
	code     string
}

// identify must be called by Map or Each itself, with the function passed to it.
func identify(f any) functionID {
	var callSite [1]uintptr
	runtime.Callers(3, callSite[:]) // skips Callers, identify, and Map or Each
	return functionID{callSite[0], fmt.Sprintf("%p", f)}
}

func (f functionID) String() string {
	frame, _ := runtime.CallersFrames([]uintptr{f.callSite}).Next()
	return fmt.Sprintf("%s:%d", frame.File, frame.Line)
}

// checkNotShared returns ErrShared if another function has recently done the same key for the same record with
// the same store. Functions with names are not checked: if two of them have the same name, that is intended.
func (g *guard[A]) checkNotShared(ctx context.Context, c Claim) error {
	if first := g.firstUser(ctx, c, false); first != g.function {
		return fmt.Errorf("key %q: %w: %v and %v, give them names", c.Key, ErrShared, first, g.function)
	}
	return nil
}

// recordUse records that this function has done the key for the record. It is not called for a function that
// failed, because then another function may do the work, for example the next provider in batch.OrElse.
func (g *guard[A]) recordUse(ctx context.Context, c Claim) { g.firstUser(ctx, c, true) }

// firstUser returns the function that has done the key for the record, or this function if there is none. Only
// the built-in stores can tell.
func (g *guard[A]) firstUser(ctx context.Context, c Claim, record bool) functionID {
	store, ok := g.store.(interface {
		firstUser(keyUse, functionID, bool) functionID
	})
	r, known := batch.RecordFrom(ctx)
	if !ok || !known || c.Name != "" {
		return g.function
	}
	// A later record may reuse the address, so ID, index and attempt are included. As text, the address keeps
	// no event alive.
	return store.firstUser(keyUse{c.Key, fmt.Sprintf("%s %d %d %p", r.ID, r.Index, r.Attempt, r.Source)}, g.function, record)
}

type keyUse struct{ key, record string }

// minRemembered is how many uses are remembered at least. A stage between the two functions may hold a whole batch,
// which has at most this many records.
const minRemembered = 10_000

// recentUses remembers which functions used a store recently, and for which keys and records.
type recentUses struct {
	mu           sync.Mutex
	newer, older map[keyUse]functionID
}

// firstUser returns the function recorded for this use. If there is none, it returns f, and records it if
// record is set.
func (s *recentUses) firstUser(u keyUse, f functionID, record bool) functionID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, ok := s.newer[u]; ok {
		return first
	}
	if first, ok := s.older[u]; ok {
		return first
	}
	if !record {
		return f
	}
	if s.newer == nil || len(s.newer) >= minRemembered {
		s.newer, s.older = map[keyUse]functionID{}, s.newer
	}
	s.newer[u] = f
	return f
}
