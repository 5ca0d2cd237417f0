package once

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/lambdabatch/batch"
)

// The mistake of two functions with one store, the same keys and no names: the second one would never be called,
// and its record be acknowledged. Where a record goes through both, this finds it.

// A function is one that Map or Each was called for: by the place of that call and its own code. A stage that is
// built anew for each lane has the same function each time, and one helper that wraps several has several.
type function struct {
	place uintptr
	code  string
}

// functionOf is for Map and Each, and f is what they were given.
func functionOf(f any) function {
	var place [1]uintptr
	runtime.Callers(3, place[:]) // Callers, functionOf, Map or Each
	return function{place[0], fmt.Sprintf("%p", f)}
}

func (f function) String() string {
	frame, _ := runtime.CallersFrames([]uintptr{f.place}).Next()
	return fmt.Sprintf("%s:%d", frame.File, frame.Line)
}

// notShared returns ErrShared if another function has done the work of the same key for the same record, with the
// same store. The built-in stores know that, for the records that went through lately. A name that two functions
// have is one that somebody gave to both.
func (w *work[A]) notShared(ctx context.Context, c Claim) error {
	if first := w.firstUser(ctx, c, false); first != w.function {
		return fmt.Errorf("key %q: %w: %v and %v, give them names", c.Key, ErrShared, first, w.function)
	}
	return nil
}

// note keeps in mind that the key is done for the record. A function that has failed leaves the key to another, as where
// batch.OrElse tries the next provider.
func (w *work[A]) note(ctx context.Context, c Claim) { w.firstUser(ctx, c, true) }

// firstUser is the function that has done the key for the record, or this one.
func (w *work[A]) firstUser(ctx context.Context, c Claim, note bool) function {
	store, ok := w.store.(interface {
		firstUser(use, function, bool) function
	})
	r, known := batch.RecordFrom(ctx)
	if !ok || !known || c.Name != "" {
		return w.function
	}
	// The address alone keeps no event alive, but may be that of another record later.
	record := fmt.Sprintf("%s %d %d %p", r.ID, r.Index, r.Attempt, r.Source)
	return store.firstUser(use{c.Key, record}, w.function, note)
}

type use struct{ key, record string }

// remembered is how many uses are kept in mind, at least. A record meets the second function soon after the
// first, and not before others do in all lanes.
const remembered = 1024

// users are the functions that have used a store lately, by what they used it for.
type users struct {
	mu           sync.Mutex
	young, older map[use]function
}

// firstUser returns the function that has noted this use, or f, which it notes if it is asked to.
func (s *users) firstUser(u use, f function, note bool) function {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, ok := s.young[u]; ok {
		return first
	}
	if first, ok := s.older[u]; ok {
		return first
	}
	if !note {
		return f
	}
	if s.young == nil || len(s.young) >= remembered {
		s.young, s.older = map[use]function{}, s.young
	}
	s.young[u] = f
	return f
}
