package batch

import "maps"

// Pauses: what a feeder's goroutine was at is put aside for a while, and comes back.

// A word says which record is current in a feeder. The lowest 32 bits are the record plus 1, or 0. The next bit is inPause.
// The others count the changes, so that each word that a pause may find again is another.
type word uint64

// inPause marks the words that belong to a pause. The others replace everything before them.
const inPause word = 1 << 32

func (w word) record() uint32 { return uint32(w) }

func (w word) next(record uint32, kind word) word { return (w>>33+1)<<33 | kind | word(record) }

// A pause remembers what was current before it. Pauses of several goroutines may end in any order, because a user's stage may
// pass Results on to another one. The words of a feeder form a stack therefore: the word of each pause is on top of the
// word before it. A pause whose word is not on top when it ends, or changes, notes the word as left. That is dropped when it
// comes to the top.
type pause struct {
	feeder      *feeder
	before, now word
}

// pause makes the feeder idle until the pause is resumed.
func (f *feeder) pause() (paused pause) {
	paused.feeder = f
	paused.before, paused.now = f.swap(0, inPause)
	return paused
}

// setCurrent makes the record of e the current one during the pause. The Results may be of several runs, or of none.
func (p *pause) setCurrent(e *entry) {
	current := uint32(0)
	if e != nil && e.level.run.hasDeadline {
		current = uint32(e.index) + 1
	}
	before, now := p.feeder.swap(current, inPause)
	if before != p.now {
		p.feeder.leave(*p, before)
		p.before = before
	}
	p.now = now
}

// resume makes the record current again that was so before the pause, unless a word that belongs to no pause has been set
// meanwhile, or another goroutine's pause goes on.
func (p pause) resume() {
	f := p.feeder
	if f == nil {
		return
	}
	if !f.replace(p.now, p.before) {
		f.leave(p, word(f.current.Load()))
	}
	if f.someLeft.Load() {
		f.dropLeft()
	}
}

func (f *feeder) replace(before, now word) bool {
	return f.current.CompareAndSwap(uint64(before), uint64(now))
}

// leave notes that the word of a pause is left. If the top belongs to no pause, the word is not in the stack any more.
func (f *feeder) leave(p pause, top word) {
	if top&inPause == 0 {
		return
	}
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

// forgetLeftBefore forgets words that were noted as left before the given one replaced the whole stack.
func (f *feeder) forgetLeftBefore(w word) {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.left, func(left, _ word) bool { return left < w })
	f.someLeft.Store(len(f.left) > 0)
}
