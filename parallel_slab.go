package batch

// Memory for many small things.

import "sync"

// A slab allocates small slices many at a time. It never reuses memory, so slices may be kept.
type slab[T any] struct {
	maxSize int // elements per allocation, unless one slice needs more
	free    []T
	size    int
}

func (b *slab[T]) take(n int) []T {
	if n > len(b.free) {
		b.size = min(2*b.size+n, b.maxSize)
		b.free = make([]T, max(b.size, n))
	}
	taken := b.free[:n:n]
	b.free = b.free[n:]
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
