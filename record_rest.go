package batch

// Whether anything moves in the lanes within a lane.

// noteGoroutines tells the lanes around these how many goroutines these have added to them, less those that wait for these.
func (b *border) noteGoroutines(now func() int) {
	b.mu.Lock()
	more := int32(now()) - b.goroutines
	b.goroutines += more
	around := b.noteInner(more, 0)
	b.mu.Unlock()
	if more < 0 {
		noteInnerRest(around)
	}
}

// noteBusy tells the lanes around these whether one of these works.
func (b *border) noteBusy(busy bool) {
	more := int32(-1)
	if busy {
		more = 1
	}
	b.mu.Lock()
	b.busy += more
	around := b.noteInner(0, more)
	b.mu.Unlock()
	if !busy {
		noteInnerRest(around)
	}
}

func (b *border) noteInner(goroutines, busy int32) (around []*inlet) {
	for _, in := range b.around {
		in.addInner(goroutines, busy)
	}
	return b.around
}

func noteInnerRest(around []*inlet) {
	for _, in := range around {
		if _, busy := in.innerCount(); busy == 0 {
			in.innerRest()
		}
	}
}

// works reports whether anything moves in the lane while so many of its goroutines wait for the pool. Without lanes in it, the
// lane has one goroutine.
func (in *inlet) works(waiting int) bool {
	goroutines, busy := in.innerCount()
	return busy > 0 || waiting < 1+int(goroutines)
}

func (in *inlet) addInner(goroutines, busy int32) { in.inner.Add(int64(busy)<<32 + int64(goroutines)) }

// innerCount returns how many goroutines lanes within the lane have added to it, less those that wait for them, and in how many
// Parallels and Routes within the lane some lane works.
func (in *inlet) innerCount() (goroutines, busy int32) {
	n := in.inner.Load()
	goroutines = int32(n)
	return goroutines, int32((n - int64(goroutines)) >> 32)
}
