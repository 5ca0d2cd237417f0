// Package order knows which records of a batch have failed, and so which records after them must not be processed.
//
// An [Order] is the order of one stretch of a pipeline: all of it outside of lanes, or one lane. It holds open
// failures. A failure belongs to one part of one record and has a version, which travels with the Result that failed:
// only what descends from that Result can settle it. Each stage that sees the failed Result gives it a new version, so
// when a stage has copied the Result, each copy is a failure of its own, in whatever order they come, and a copy that
// is not Failed settles nothing.
//
// A failure is loose as long as no stage has seen its Result: a stage that tries again drops it, and the next Result
// of that part that does go on replaces it.
//
// A failure whose Result has gone into lanes is undecided there, and holds back only the stages outside of them. A loose
// one may be tried again, and holds back only what has come as far: what is in lanes, or before them, runs ahead of the
// stages after them in any case.
package order

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
)

// The lines that records belong to, besides those from 1 on.
const (
	None = 0  // in no line
	Any  = -1 // maybe in every line
)

// An Order holds the failures of one stretch of a pipeline. The cause of a failure is a C. It is safe for concurrent
// use. The zero Order has no lines; its failures hold nobody back.
type Order[C any] struct {
	line  func(index int) int32
	open  atomic.Int32 // how many failures there are
	loose atomic.Int32 // how many of them no stage has seen

	mu    sync.Mutex
	lines map[int32]*line[C] // but for None
	all   *line[C]           // of all lines, as soon as a record has asked that may be in each of them
	parts map[part]*failed[C]
	stays map[uint32][]*failed[C] // the parts that have failed in a stay
}

// A line is the records that take effect in the order of the batch, as far as they have failed.
type line[C any] struct {
	failed []*failed[C] // with open failures, by record; those before head are settled
	head   int
}

type part struct {
	index  int32
	number uint32
}

// failed is a part that has failed at least once.
type failed[C any] struct {
	part
	at   int32 // the line
	last uint16
	open []failure[C]
}

// failure is one failed Result.
type failure[C any] struct {
	version uint16
	stay    uint32
	inside  uint8 // the lanes that it has gone into, 0: none
	after   uint8 // the lanes that it came out of, if it is loose
	loose   bool
	cause   C
}

// counts reports whether it holds back what is at a place. Lanes have higher numbers than those whose Results they get.
func (f *failure[C]) counts(at Place) bool {
	if f.loose {
		return f.after <= at.After
	}
	return at.Inside == 0 || f.inside != at.Inside
}

// forever is the version of a failure that nothing settles, since there have been too many of its part.
const forever = 1<<16 - 1

// Init says which line a record belongs to.
func (o *Order[C]) Init(line func(index int) int32) { o.line = line }

// Open reports whether there is any failure.
func (o *Order[C]) Open() bool { return o.open.Load() > 0 }

// Loose reports whether there is a failure that no stage has seen.
func (o *Order[C]) Loose() bool { return o.loose.Load() > 0 }

// A Failure is what the holder of a failed Result knows of it.
type Failure struct {
	Index   int
	Number  uint32
	Version uint16 // 0: the Result has not been seen yet
	Stay    uint32 // in a lane, of which the Result is a part; 0 outside
}

// A Place is where a Result is on its way.
type Place struct {
	After  uint8 // the lanes that it came out of, 0: none
	Inside uint8 // those that it has gone into, 0: none
}

// Fail opens the failure of a Result that goes on, in place of the version that it had, and returns the new version.
// Unless it holds others back, it is only kept.
func (o *Order[C]) Fail(f Failure, holds bool, cause C) uint16 {
	return o.fail(f, holds, failure[C]{cause: cause})
}

// Try opens the failure of a Result that no stage has seen yet, and that came out of these lanes, 0 for none.
func (o *Order[C]) Try(f Failure, holds bool, after uint8, cause C) uint16 {
	return o.fail(f, holds, failure[C]{after: after, loose: true, cause: cause})
}

func (o *Order[C]) fail(f Failure, holds bool, fresh failure[C]) uint16 {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.part(f, holds)
	before := len(p.open)
	o.open.Add(1) // before the other one goes: who asks without the lock must not find none
	o.drop(p, func(open *failure[C]) bool { return open.loose || open.version == f.Version })
	if p.last < forever {
		p.last++
	}
	fresh.version, fresh.stay = p.last, f.Stay
	p.open = append(p.open, fresh)
	if fresh.loose {
		o.loose.Add(1)
	}
	if before == 0 && p.at != None {
		o.lines[p.at].insert(p)
		if o.all != nil {
			o.all.insert(p)
		}
	}
	if f.Stay > 0 {
		o.stay(f.Stay, p)
	}
	return p.last
}

func (o *Order[C]) stay(number uint32, p *failed[C]) {
	if o.stays == nil {
		o.stays = make(map[uint32][]*failed[C])
	}
	if of := o.stays[number]; len(of) == 0 || of[len(of)-1] != p {
		o.stays[number] = append(of, p)
	}
}

func (o *Order[C]) part(f Failure, holds bool) *failed[C] {
	key := part{int32(f.Index), f.Number}
	p := o.parts[key]
	if p == nil {
		if o.parts == nil {
			o.parts, o.lines = make(map[part]*failed[C]), make(map[int32]*line[C])
		}
		p = &failed[C]{part: key, last: f.Version}
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

// Pass takes note of a Result that is not Failed: the failure that it descends from is settled, and loose ones of
// the same part never went on.
func (o *Order[C]) Pass(f Failure) {
	if f.Version != 0 || o.loose.Load() > 0 {
		o.settle(f, true)
	}
}

// Settle takes note that a failure is settled.
func (o *Order[C]) Settle(f Failure) { o.settle(f, false) }

func (o *Order[C]) settle(f Failure, loose bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := o.parts[part{int32(f.Index), f.Number}]; p != nil {
		o.remove(p, func(open *failure[C]) bool {
			return loose && open.loose || open.version == f.Version && f.Version != forever
		})
	}
}

func (o *Order[C]) remove(p *failed[C], which func(*failure[C]) bool) {
	before := len(p.open)
	o.drop(p, which)
	if before > 0 && len(p.open) == 0 && p.at != None {
		o.lines[p.at].remove(p)
		if o.all != nil {
			o.all.remove(p)
		}
	}
}

func (o *Order[C]) drop(p *failed[C], which func(*failure[C]) bool) {
	before := len(p.open)
	p.open = slices.DeleteFunc(p.open, func(f failure[C]) bool {
		gone := which(&f)
		if gone && f.loose {
			o.loose.Add(-1)
		}
		return gone
	})
	o.open.Add(int32(len(p.open) - before))
}

// Enter takes note that the failed Result has gone into lanes, which have a number of their own above 0.
func (o *Order[C]) Enter(f Failure, lanes uint8) {
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

// Blocker returns the first failed record that the record at index, which is at this place, comes after in its line.
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
	if at == None {
		return by, ok
	}
	if first, found := o.lines[at].before(index, here); found && (!ok || first < by) {
		return first, true
	}
	return by, ok
}

func (o *Order[C]) everyLine() *line[C] {
	if o.all == nil {
		o.all = new(line[C])
		for _, p := range o.parts {
			if p.at != None && len(p.open) > 0 {
				o.all.failed = append(o.all.failed, p)
			}
		}
		slices.SortFunc(o.all.failed, byPart)
	}
	return o.all
}

// before returns the first record before index that has an open failure that counts there.
func (l *line[C]) before(index int, at Place) (int, bool) {
	if l == nil {
		return 0, false
	}
	for _, p := range l.failed[l.head:] {
		if int(p.index) >= index {
			break
		}
		for i := range p.open {
			if p.open[i].counts(at) {
				return int(p.index), true
			}
		}
	}
	return 0, false
}

func byPart[C any](a, b *failed[C]) int {
	return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.number, b.number))
}

func (l *line[C]) find(p *failed[C]) (int, bool) {
	at, found := slices.BinarySearchFunc(l.failed[l.head:], p, byPart)
	return l.head + at, found
}

func (l *line[C]) insert(p *failed[C]) {
	at, _ := l.find(p)
	if at == l.head && l.head > 0 {
		l.head--
		l.failed[l.head] = p
		return
	}
	l.failed = slices.Insert(l.failed, at, p)
}

// remove is cheap for the first one, which is the one that is mostly settled.
func (l *line[C]) remove(p *failed[C]) {
	switch at, found := l.find(p); {
	case !found:
	case at == l.head:
		l.failed[at] = nil
		l.head++
	default:
		l.failed = slices.Delete(l.failed, at, at+1)
	}
}

// Unsettled returns the open failures, by record.
func (o *Order[C]) Unsettled() []Cause[C] {
	if !o.Open() {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []Cause[C]
	for _, p := range o.parts {
		all = p.causes(all, func(*failure[C]) bool { return true })
	}
	slices.SortFunc(all, func(a, b Cause[C]) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Version, b.Version))
	})
	return all
}

// Leave returns the failures of a stay that are still open, and forgets the stay.
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

// A Cause is an open failure and why it is one.
type Cause[C any] struct {
	Failure
	Cause C
}

func (p *failed[C]) causes(all []Cause[C], which func(*failure[C]) bool) []Cause[C] {
	for i := range p.open {
		if f := &p.open[i]; which(f) {
			all = append(all, Cause[C]{Failure{int(p.index), p.number, f.version, f.stay}, f.cause})
		}
	}
	return all
}
