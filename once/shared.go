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

// notShared returns ErrShared if another call of Map or Each had the same key for the same record, with the same
// store. It is known of the built-in stores, and of records that went through lately.
func (w *work[A]) notShared(ctx context.Context, c Claim) error {
	store, ok := w.store.(interface{ usedBy(use, string) string })
	record, known := batch.RecordFrom(ctx)
	if !ok || !known {
		return nil
	}
	u := use{c.Name, c.Key, fmt.Sprintf("%p", record.Source)}
	if first := store.usedBy(u, w.site); first != w.site {
		return fmt.Errorf("key %q: %w: %s and %s, give them names", c.Key, ErrShared, first, w.site)
	}
	return nil
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

// usedBy returns where the function was made that had this use first.
func (s *users) usedBy(u use, site string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if first, ok := s.young[u]; ok {
		return first
	}
	if first, ok := s.older[u]; ok {
		return first
	}
	if s.young == nil || len(s.young) >= remembered {
		s.young, s.older = map[use]string{}, s.young
	}
	s.young[u] = site
	return site
}
