// Package order tracks which records of a batch have failed, and so which later records must not be processed.
//
// Records that must take effect in the order of the batch are in the same line. A failure is open until it is
// settled. While it is open, it holds back the later records of its line. An [Order] holds the open failures of one
// stretch of a pipeline: everything outside of lanes, or one lane.
//
// # Versions
//
// A failure belongs to one part of one record, and has a version. The failed Result carries the version through the
// pipeline. Only a Result that descends from it settles the failure.
//
// Each stage that sees the failed Result gives it a new version, which replaces the old one. So if a stage has copied
// the Result, each copy becomes a separate failure, in whatever order the copies arrive. A copy that is not Failed
// settles nothing.
//
// # Unseen failures
//
// A failure is unseen until the next stage sees its Result. Until then a stage may drop the Result and try again, and
// the next Result of the part that goes on replaces the failure.
//
// Because it may be tried again, an unseen failure holds back only records that have come as far in the pipeline.
// Records that are still in lanes or before them run ahead of the stages after the lanes anyway, so an unseen failure
// there does not hold them back.
//
// # Failures in lanes
//
// A failed Result may enter lanes, where it may be settled. So its failure holds back only records outside of these
// lanes.
package order

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Two special lines. All others are numbered from 1.
const (
	None = 0  // in no line
	Any  = -1 // maybe in any line
)

// An Order holds the open failures of one stretch of a pipeline. The cause of a failure is a C. It is safe for
// concurrent use. In the zero Order all records are in no line, so failures hold nothing back.
type Order[C any] struct {
	line   func(index int) int32
	open   atomic.Int32 // how many failures are open
	unseen atomic.Int32 // how many of them are unseen

	mu    sync.Mutex
	lines map[int32]*line[C] // except None
	every *line[C]           // all lines in one; nil until a record in Any has asked for its blocker
	parts map[part]*failedPart[C]
	stays map[uint32][]*failedPart[C] // the parts that have failed in each stay in a lane
}

// A line holds its records that have failed.
type line[C any] struct {
	failed []*failedPart[C] // parts with open failures, by record; those before head are settled
	head   int
}

type part struct {
	index  int32
	number uint32
}

// failedPart is a part that has failed at least once.
type failedPart[C any] struct {
	part
	at   int32        // the line
	last uint16       // version
	open []failure[C] // by version
}

// failure is one failed Result.
type failure[C any] struct {
	version uint16
	stay    uint32
	inside  uint32 // the lanes that its Result has entered, 0: none
	after   uint8  // the lanes that its Result has left, if it is unseen
	unseen  bool
	cause   C
}

// holdsBack reports whether the failure holds back a record at a place. Lanes have higher numbers than lanes before
// them.
func (f *failure[C]) holdsBack(at Place) bool {
	if f.unseen {
		return !at.Before && f.after <= at.After
	}
	return at.Inside == 0 || f.inside != at.Inside
}

// saturated is the version of all further failures of a part that has failed too often. Nothing settles it.
const saturated = 1<<16 - 1

// Init sets the function that returns the line of a record.
func (o *Order[C]) Init(line func(index int) int32) { o.line = line }

// Open reports whether any failure is open.
func (o *Order[C]) Open() bool { return o.open.Load() > 0 }

// Unseen reports whether any failure is unseen.
func (o *Order[C]) Unseen() bool { return o.unseen.Load() > 0 }

// A Failure identifies the failure of a Result.
type Failure struct {
	Index   int
	Number  uint32
	Version uint16 // 0: no stage has seen the Result yet
	Stay    uint32 // in a lane, the number of the stay that the Result belongs to; 0 outside
}

// A Place is where a Result is in the pipeline.
type Place struct {
	After  uint8  // the lanes that it has left last, 0: none; lanes from the 255th on share a number
	Inside uint32 // the lanes that it has entered, 0: none
	Before bool   // it has not come as far as any Result of this order: no unseen failure holds it back
}

// Fail opens the failure of a Result that a stage has seen. It replaces the version that the Result carried, and
// returns the new one. If holds is false, the failure is kept but holds nothing back.
func (o *Order[C]) Fail(f Failure, holds bool, cause C) uint16 {
	return o.fail(f, holds, failure[C]{cause: cause})
}

// Try opens an unseen failure. after is the number of the lanes that its Result has left, 0 for none.
func (o *Order[C]) Try(f Failure, holds bool, after uint8, cause C) uint16 {
	return o.fail(f, holds, failure[C]{after: after, unseen: true, cause: cause})
}

func (o *Order[C]) fail(f Failure, holds bool, fresh failure[C]) uint16 {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.part(f, holds)
	before := len(p.open)
	o.open.Add(1) // before the old one is dropped, since Open is called without the lock
	o.drop(p, func(open *failure[C]) bool { return open.unseen || open.version == f.Version })
	if p.last < saturated {
		p.last++
	}
	fresh.version, fresh.stay = p.last, f.Stay
	p.open = append(p.open, fresh)
	if fresh.unseen {
		o.unseen.Add(1)
	}
	if before == 0 && p.at != None {
		o.lines[p.at].insert(p)
		if o.every != nil {
			o.every.insert(p)
		}
	}
	if f.Stay > 0 {
		o.noteStay(f.Stay, p)
	}
	return p.last
}

func (o *Order[C]) noteStay(number uint32, p *failedPart[C]) {
	if o.stays == nil {
		o.stays = make(map[uint32][]*failedPart[C])
	}
	if of := o.stays[number]; len(of) == 0 || of[len(of)-1] != p {
		o.stays[number] = append(of, p)
	}
}

func (o *Order[C]) part(f Failure, holds bool) *failedPart[C] {
	key := part{int32(f.Index), f.Number}
	p := o.parts[key]
	if p == nil {
		if o.parts == nil {
			o.parts, o.lines = make(map[part]*failedPart[C]), make(map[int32]*line[C])
		}
		p = &failedPart[C]{part: key, last: f.Version}
		if holds && o.line != nil {
			p.at = o.line(f.Index)
		}
		o.parts[key] = p
		if p.at != None && o.lines[p.at] == nil {
			o.lines[p.at] = new(line[C])
		}
	}
	return p
}

// Pass notes a Result that is not Failed. It settles the failure that the Result descends from, and drops unseen
// failures of the same part, since their Results did not go on.
func (o *Order[C]) Pass(f Failure) {
	if f.Version != 0 || o.unseen.Load() > 0 {
		o.settle(f, true)
	}
}

// Settle settles one failure.
func (o *Order[C]) Settle(f Failure) { o.settle(f, false) }

func (o *Order[C]) settle(f Failure, unseen bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := o.parts[part{int32(f.Index), f.Number}]; p != nil {
		o.remove(p, func(open *failure[C]) bool {
			return unseen && open.unseen || open.version == f.Version && f.Version != saturated
		})
	}
}

func (o *Order[C]) remove(p *failedPart[C], which func(*failure[C]) bool) {
	before := len(p.open)
	o.drop(p, which)
	if before > 0 && len(p.open) == 0 && p.at != None {
		o.lines[p.at].remove(p)
		if o.every != nil {
			o.every.remove(p)
		}
	}
}

func (o *Order[C]) drop(p *failedPart[C], which func(*failure[C]) bool) {
	before := len(p.open)
	p.open = slices.DeleteFunc(p.open, func(f failure[C]) bool {
		gone := which(&f)
		if gone && f.unseen {
			o.unseen.Add(-1)
		}
		return gone
	})
	o.open.Add(int32(len(p.open) - before))
}

// Enter notes that a failed Result has entered the lanes of this number. With 0, it was discarded in its lanes, and its
// failure holds back records there, too.
func (o *Order[C]) Enter(f Failure, lanes uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := o.parts[part{int32(f.Index), f.Number}]; p != nil {
		for i := range p.open {
			if p.open[i].version == f.Version {
				p.open[i].inside = lanes
			}
		}
	}
}

// Blocker returns the first record that holds back the record at index, which is at the place here.
func (o *Order[C]) Blocker(index int, here Place) (by int, ok bool) {
	if !o.Open() || o.line == nil {
		return 0, false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	at := o.line(index)
	if at == Any {
		return o.everyLine().before(index, here)
	}
	by, ok = o.lines[Any].before(index, here)
	if first, found := o.lines[at].before(index, here); found && (!ok || first < by) {
		return first, true
	}
	return by, ok
}

func (o *Order[C]) everyLine() *line[C] {
	if o.every == nil {
		o.every = new(line[C])
		for _, p := range o.parts {
			if p.at != None && len(p.open) > 0 {
				o.every.failed = append(o.every.failed, p)
			}
		}
		slices.SortFunc(o.every.failed, byPart)
	}
	return o.every
}

// before returns the first record before index with a failure that holds back a record at a place.
func (l *line[C]) before(index int, at Place) (int, bool) {
	if l == nil {
		return 0, false
	}
	for _, p := range l.failed[l.head:] {
		if int(p.index) >= index {
			break
		}
		for i := range p.open {
			if p.open[i].holdsBack(at) {
				return int(p.index), true
			}
		}
	}
	return 0, false
}

func byPart[C any](a, b *failedPart[C]) int {
	return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.number, b.number))
}

// find returns where the part is, or where it would be inserted.
func (l *line[C]) find(p *failedPart[C]) int {
	at, _ := slices.BinarySearchFunc(l.failed[l.head:], p, byPart)
	return l.head + at
}

func (l *line[C]) insert(p *failedPart[C]) {
	at := l.find(p)
	if at == l.head && l.head > 0 {
		l.head--
		l.failed[l.head] = p
		return
	}
	l.failed = slices.Insert(l.failed, at, p)
}

// remove is cheap for the first part, which is usually the one that is settled.
func (l *line[C]) remove(p *failedPart[C]) {
	at := l.find(p)
	if at == l.head {
		l.head++
		return
	}
	l.failed = slices.Delete(l.failed, at, at+1)
}

// Unsettled returns the open failures, by record, part and version.
func (o *Order[C]) Unsettled() []Cause[C] {
	if !o.Open() {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []Cause[C]
	for _, p := range slices.SortedFunc(maps.Values(o.parts), byPart) {
		all = p.causes(all, func(*failure[C]) bool { return true })
	}
	return all
}

// Failed reports whether anything has failed in a stay, settled or not.
func (o *Order[C]) Failed(stay uint32) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.stays[stay]) > 0
}

// Leave returns the open failures of a stay, if there are any, and forgets the stay.
func (o *Order[C]) Leave(stay uint32) (all []Cause[C]) {
	if !o.Open() {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	of := o.stays[stay]
	delete(o.stays, stay)
	slices.SortFunc(of, byPart)
	for _, p := range slices.Compact(of) {
		all = p.causes(all, func(f *failure[C]) bool { return f.stay == stay })
	}
	return all
}

// A Cause is an open failure and its cause.
type Cause[C any] struct {
	Failure
	Cause C
}

func (p *failedPart[C]) causes(all []Cause[C], which func(*failure[C]) bool) []Cause[C] {
	for i := range p.open {
		if f := &p.open[i]; which(f) {
			all = append(all, Cause[C]{Failure{int(p.index), p.number, f.version, f.stay}, f.cause})
		}
	}
	return all
}
