package batch

// Memory for many small things.

import "sync"

// A slab allocates small slices many at a time. It never reuses memory, so slices may be kept.
type slab[T any] struct {
	maxSize int // elements per allocation, unless one slice needs more
	free    []T
	size    int
}

func (s *slab[T]) take(n int) []T {
	if n > len(s.free) {
		s.size = min(2*s.size+n, s.maxSize)
		s.free = make([]T, max(s.size, n))
	}
	taken := s.free[:n:n]
	s.free = s.free[n:]
	return taken
}

// A valueSlab is a slab of values that several lanes may use.
type valueSlab[B any] struct {
	mu   sync.Mutex
	slab slab[B]
}

func (v *valueSlab[B]) take() *B {
	v.mu.Lock()
	defer v.mu.Unlock()
	return &v.slab.take(1)[0]
}
