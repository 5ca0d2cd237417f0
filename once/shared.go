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

// caller is where the function that calls it was called: file and line.
func caller() string {
	_, file, line, _ := runtime.Caller(2)
	return fmt.Sprintf("%s:%d", file, line)
}

// notShared returns ErrShared if another call of Map or Each has done the work of the same key for the same record, with
// the same store. It is known of the built-in stores, and of records that went through lately.
func (w *work[A]) notShared(ctx context.Context, c Claim) error {
	if first := w.firstUser(ctx, c, false); first != w.site {
		return fmt.Errorf("key %q: %w: %s and %s, give them names", c.Key, ErrShared, first, w.site)
	}
	return nil
}

// note keeps in mind that the key is done for the record. A function that has failed leaves the key to another, as where
// batch.OrElse tries the next provider.
func (w *work[A]) note(ctx context.Context, c Claim) { w.firstUser(ctx, c, true) }

// firstUser is where the function was made that has done the key for the record, or this one.
func (w *work[A]) firstUser(ctx context.Context, c Claim, note bool) string {
	store, ok := w.store.(interface {
		firstUser(use, string, bool) string
	})
	record, known := batch.RecordFrom(ctx)
	if !ok || !known {
		return w.site
	}
	return store.firstUser(use{c.Name, c.Key, fmt.Sprintf("%p", record.Source)}, w.site, note)
}

// A use is that of a key for a record, which is told by the address of its source. The address alone keeps no
// event alive.
type use struct{ name, key, source string }

// remembered is how many uses are kept in mind, at least. A record meets the second function soon after the
// first, and not before others do in all lanes.
const remembered = 1024

// users are the functions that have used a store lately, by what they used it for.
type users struct {
	mu           sync.Mutex
	young, older map[use]string
}

// firstUser returns where the function was made that has noted this use, or site, which it notes if it is asked to.
func (s *users) firstUser(u use, site string, note bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, ok := s.young[u]; ok {
		return first
	}
	if first, ok := s.older[u]; ok {
		return first
	}
	if !note {
		return site
	}
	if s.young == nil || len(s.young) >= remembered {
		s.young, s.older = map[use]string{}, s.young
	}
	s.young[u] = site
	return site
}
