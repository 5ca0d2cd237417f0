package batch

// Pauses: what a feeder's goroutine was at is put aside for a while, and comes back.

// A word says which record is current in a feeder. Its low half is the record plus 1, or 0. Its high half is a number, which is
// higher than that of the word it replaces. So a word that was set outside of pauses never has the number of a pause before it.
type word uint64

func (w word) record() uint32 { return uint32(w) }

func (w word) next(record uint32) word { return (w>>32+1)<<32 | word(record) }

// A pause puts aside what is current. A user's stage may pass Results on to another goroutine, so pauses of several goroutines
// may overlap and end in any order. The words form a stack, the word of each pause on top of the one before it. If that is not
// on top when the pause ends or changes, it is noted as left, and dropped as soon as it comes to the top.
type pause struct {
	feeder      *feeder
	before, now word
}

// pause makes the feeder idle until the pause is resumed.
func (f *feeder) pause() (paused pause) {
	paused.feeder = f
	paused.before, paused.now = f.swap(0)
	return paused
}

// setCurrent makes the record of e the current one during the pause. If it is of another run than the feeder, or of none, no
// record is.
func (p *pause) setCurrent(e *entry) {
	current := uint32(0)
	if e != nil && e.level.run == p.feeder.run {
		current = uint32(e.index) + 1
	}
	before, now := p.feeder.swap(current)
	if before != p.now {
		p.feeder.leave(*p)
		p.before = before
	}
	p.now = now
}

// resume makes the record current again that was so before the pause, once the pauses on top of this one have ended, too. If
// the feeder has gone on to another record meanwhile, that stays current.
func (p pause) resume() {
	f := p.feeder
	if f == nil {
		return
	}
	if !f.replace(p.now, p.before) {
		f.leave(p)
	}
	if f.someLeft.Load() {
		f.dropLeft()
	}
}

func (f *feeder) replace(before, now word) bool {
	return f.current.CompareAndSwap(uint64(before), uint64(now))
}

// leave notes that the word of a pause is left.
func (f *feeder) leave(p pause) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == nil {
		f.left = make(map[word]word)
	}
	f.left[p.now] = p.before
	f.someLeft.Store(true)
}

// dropLeft drops the words that are left from the top of the stack.
func (f *feeder) dropLeft() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		top := word(f.current.Load())
		before, ok := f.left[top]
		if !ok {
			break
		}
		if f.replace(top, before) {
			delete(f.left, top)
		}
	}
	f.someLeft.Store(len(f.left) > 0)
}
