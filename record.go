package batch

// Record, and the entry, which is a record's identity and context.

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// A Record describes one entry of the event. ID, Group, Index and Attempt are copied
// before any function can write to the entry, so they do not change.
type Record struct {
	ID      string // the identifier that the response lists
	Group   string // the ordering key, "" if there is none
	Index   int    // the position in the batch, from 0
	Attempt int    // how often it was received: the ApproximateReceiveCount of SQS, or what From was given; 0 if unknown
	Source  any    // a pointer to the original: *events.SQSMessage, *events.KinesisEventRecord, …
}

// RecordFrom returns the record that ctx belongs to: in a function that a stage calls, the
// record for which it is called. RecordFrom returns false if ctx neither is nor derives
// from the context of a record, as in the function of [TryEachChunk].
func RecordFrom(ctx context.Context) (Record, bool) {
	if e, ok := ctx.Value(recordKey{}).(*entry); ok {
		return e.record(), true
	}
	return Record{}, false
}

// SourceFrom returns the original of the record that ctx belongs to, such as the SQS
// message, however many stages have changed the value since. R is the record's own type,
// such as [events.SQSMessage], not a pointer to it:
//
//	message, ok := batch.SourceFrom[events.SQSMessage](ctx)
//
// It is the original itself, not a copy. Do not write to it: code that reports on the batch,
// such as the modules redeliver and otelbatch, reads it when the response is due.
//
// SourceFrom returns false if ctx is not the context of a record, or if the original is
// not an R. The original of a record that a handler could not decode is an
// [encoding/json.RawMessage].
func SourceFrom[R any](ctx context.Context) (*R, bool) {
	e, ok := ctx.Value(recordKey{}).(*entry)
	if !ok {
		return nil, false
	}
	source, ok := e.batch().source(int(e.index)).(*R)
	return source, ok
}

type recordKey struct{}

// An entry is one record on one level of a run, and the record's context there. All
// entries of a run outside of lanes are one allocation.
type entry struct {
	level *level
	visit *visit // nil outside of lanes
	index int32

	passed atomic.Uint32 // how far Results of the record have come here; see notePassed
}

func (e *entry) batch() *batch  { return e.level.run.batch }
func (e *entry) record() Record { return e.batch().describe(int(e.index)) }

// holdsOthersBack reports whether a failure of the record would hold others back.
func (e *entry) holdsOthersBack() bool {
	b := e.batch()
	return b.policy != Continue && !b.lastReceive(int(e.index))
}

func (e *entry) Deadline() (time.Time, bool) { return e.level.ctx.Deadline() }
func (e *entry) Done() <-chan struct{}       { return e.level.ctx.Done() }
func (e *entry) Err() error                  { return e.level.ctx.Err() }

func (e *entry) Value(key any) any {
	if _, ok := key.(recordKey); ok {
		return e
	}
	if s := e.scope(); s != nil {
		if c := e.canceller(key); c != nil {
			return c
		}
		return s.inside.Value(key)
	}
	return e.level.ctx.Value(key)
}

// String exists because fmt would otherwise read fields that other goroutines write.
func (e *entry) String() string { return fmt.Sprintf("batch.Record(%q)", e.record().ID) }

// split replaces the part of this number by n new parts and returns the first of their numbers.
func (e *entry) split(number uint32, n int) uint32 {
	first := e.level.run.numbers.Split(int(e.index), number, n)
	for v := e.visit; v != nil; v = v.outside.entry.visit {
		v.parts.Split(number, first, n)
	}
	return first
}

// stay returns the number of the visit in a lane, or 0 outside of lanes.
func (e *entry) stay() uint32 {
	if e.visit == nil {
		return 0
	}
	return e.visit.stay
}

// hold says that a stage of the library keeps a Result of the record, or that the Result
// is on its way between goroutines. Until release the record is not acknowledged, and its
// visits to lanes are not over. A nil entry belongs to the zero Result.
func (e *entry) hold() {
	if e == nil {
		return
	}
	e.level.run.numbers.Hold(int(e.index))
	for v := e.visit; v != nil; v = v.outside.entry.visit {
		v.parts.Hold()
	}
}

func (e *entry) release() {
	if e == nil {
		return
	}
	for v := e.visit; v != nil; v = v.outside.entry.visit {
		if v.parts.Release() {
			v.crossing.border.finishItem(v.item)
		}
	}
	e.level.run.numbers.Release(int(e.index))
}
