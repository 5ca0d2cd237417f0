package batch

// Record, and the record's context.

import (
	"context"
	"fmt"
	"time"
)

// A Record says which entry of the event a Result belongs to. What identifies, orders
// or counts a record is taken before a function sees it.
type Record struct {
	ID      string // what the response reports
	Group   string // ordering key, "" if none
	Index   int    // position in the batch, from 0
	Attempt int    // SQS ApproximateReceiveCount, 0 if the source does not say
	Source  any    // pointer to the original: *events.SQSMessage, *events.KinesisEventRecord, …
}

// RecordFrom returns the record that a user's function is called for. It
// reports false for a context that is not a record's.
func RecordFrom(ctx context.Context) (Record, bool) {
	if e, ok := ctx.Value(recordKey{}).(*entry); ok {
		return e.record(), true
	}
	return Record{}, false
}

// SourceFrom returns the original record that a user's function is called for,
// after any number of stages. It reports false if the context is not a record's
// or the original is no R: R is the type of the record, such as [events.SQSMessage],
// and not that of a pointer to it. The original of a record that a handler could not
// decode is a [encoding/json.RawMessage].
func SourceFrom[R any](ctx context.Context) (*R, bool) {
	e, ok := ctx.Value(recordKey{}).(*entry)
	if !ok {
		return nil, false
	}
	source, ok := e.batch().source(int(e.index)).(*R)
	return source, ok
}

type recordKey struct{}

// An entry is one record on one level of one iteration, and the record's context
// there. All entries of an iteration are one allocation.
type entry struct {
	level *level
	visit *visit // to the lane that it is in, nil outside
	index int32
}

func (e *entry) batch() *batch  { return e.level.run.batch }
func (e *entry) record() Record { return e.batch().describe(int(e.index)) }

// holds reports whether the record, if it is Failed, holds others back.
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

// String keeps fmt from reading fields that other goroutines write.
func (e *entry) String() string { return fmt.Sprintf("batch.Record(%q)", e.record().ID) }

// split gives out n new numbers in place of one and returns the first.
func (e *entry) split(number uint32, n int) uint32 {
	first := e.level.run.numbers.Split(int(e.index), number, n)
	for v := e.visit; v != nil; v = v.outside.entry.visit {
		v.parts.Split(number, first, n)
	}
	return first
}

// hold keeps the record from being acknowledged, and in the lanes that it is in, until
// release: a Result of it is held back, or on its way to the next stage. No entry is no record.
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
