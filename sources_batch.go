package batch

// The batch: what a source knows about its records.

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/lambdabatch/batch/internal/ledger"
	"github.com/lambdabatch/batch/internal/wire"
)

// A batch describes the records of one event, without their type. What it describes does not
// change, although functions may write to the records: it is copied before they can.
type batch struct {
	settings
	parent    context.Context
	length    int
	originals interface{ original(i int) any }

	// known is copied from the originals when one of them or an identifier is first asked
	// for. What lies in a map of the original is copied to ordered before that, because
	// functions share the map.
	identifying sync.Once
	identifier  func(original any) identity // nil if known is set, or if the positions are the identifiers
	known       []identity
	ordered     []ordering // nil if identifier returns everything

	scopes *scopes // nil if there are none

	// awaited is the first run, if Run or a handler waits for it. When its records' contexts have ended, the
	// answer is soon due, so those of a later run end no later, although less time is kept back for that one.
	awaited atomic.Pointer[run]

	lastLoggedPanic atomic.Pointer[loggedPanic]

	kafka             bool          // the response has identifiers as objects
	groupsAreItemKeys bool          // groups are keys of DynamoDB items
	bad               []wire.Bad    // the records that could not be decoded
	undescribed       []int         // the records for which the function of From has panicked
	unread            []wire.Unread // metadata that could not be read, and without which records are processed
	data              [][]byte      // the original data of Firehose records
	msk               []bool        // whether a Firehose record came from MSK; may be shorter than the batch

	lineOf              func(i int) int32 // the line of a record under the policy; nil if there is no order
	grouping            sync.Once
	group               []int32 // the number of each record's group, 0 for none
	someGroupUnreadable bool    // the group of a bad record cannot be read, or some are undescribed
	groupsInRecords     bool    // a record that cannot be read may hide its group
}

// identity is what identifies a record, orders it and counts its attempts.
type identity struct {
	id string
	ordering
}

type ordering struct {
	group  string
	number int64 // the attempt; for Kafka, the offset
}

// identities returns the identities of the records, or nil if their positions identify them.
func (b *batch) identities() []identity {
	b.identifying.Do(func() {
		if b.identifier == nil {
			return
		}
		b.known = make([]identity, b.length)
		for i := range b.known {
			b.known[i] = b.identifier(b.originals.original(i))
			if b.ordered != nil {
				b.known[i].ordering = b.ordered[i]
			}
		}
	})
	return b.known
}

// unknownOffset is the offset of a Kafka record whose own offset could not be read.
const unknownOffset = -1

// id returns the identifier of a record.
func (b *batch) id(i int) string {
	known := b.identities()
	switch {
	case known == nil:
		return strconv.Itoa(i)
	case !b.kafka:
		return known[i].id
	case known[i].number == unknownOffset:
		return ""
	}
	return known[i].group + "/" + strconv.FormatInt(known[i].number, 10)
}

func (b *batch) describe(i int) Record {
	r := Record{Index: i, Source: b.source(i)}
	switch known := b.identities(); {
	case known == nil:
		r.ID = b.id(i)
	case b.kafka:
		r.ID, r.Group = b.id(i), known[i].group
	default:
		r.ID, r.Group, r.Attempt = known[i].id, known[i].group, int(known[i].number)
	}
	return r
}

func (b *batch) attempt(i int) int {
	if b.kafka {
		return 0
	}
	return int(b.identities()[i].number)
}

// source returns the original, which the caller may write to: the identities are copied first.
func (b *batch) source(i int) any {
	b.identities()
	if bad, ok := b.badAt(i); ok {
		return &bad.Raw
	}
	return b.originals.original(i)
}

// lastReceive reports whether the record will be dead-lettered if it fails.
func (b *batch) lastReceive(i int) bool {
	return b.maxReceives > 0 && b.attempt(i) >= b.maxReceives
}

func (b *batch) badAt(i int) (*wire.Bad, bool) {
	if len(b.bad) == 0 {
		return nil, false
	}
	at, ok := slices.BinarySearchFunc(b.bad, i, func(bad wire.Bad, i int) int { return bad.Index - i })
	if !ok {
		return nil, false
	}
	return &b.bad[at], true
}

// setLine sets lineOf: a failure holds back the later records of the same line.
func (b *batch) setLine() {
	switch b.policy {
	case StopBatch:
		b.lineOf = func(int) int32 { return 1 }
	case StopGroup:
		b.lineOf = b.groupOf
	}
}

// groupOf returns the number of the record's group. It is 0 if the record has no group, and
// [ledger.Any] if the group cannot be read.
func (b *batch) groupOf(i int) int32 {
	b.grouping.Do(b.numberGroups)
	return b.group[i]
}

func (b *batch) numberGroups() {
	b.group = make([]int32, b.length)
	numbers := map[string]int32{"": 0}
	for i, known := range b.identities() {
		name := known.group
		number, ok := numbers[name]
		if !ok {
			number = int32(len(numbers))
			numbers[name] = number
		}
		b.group[i] = number
	}
	for _, bad := range b.bad {
		if b.groupsInRecords && bad.GroupUnread {
			b.noteUnreadableGroup(bad.Index)
		}
	}
	for _, i := range b.undescribed {
		b.noteUnreadableGroup(i)
	}
}

func (b *batch) noteUnreadableGroup(i int) {
	b.group[i] = ledger.Any
	b.someGroupUnreadable = true
}

// An origin is a batch together with its records.
type origin[R any] struct {
	batch    batch
	records  records[R]
	prepared atomic.Pointer[run] // the first run, if a handler has made it already
}

// records are the entries of an event.
type records[R any] []R

func (r *records[R]) original(i int) any { return &(*r)[i] }

func newOrigin[R any](ctx context.Context, all []R, s settings, policy Policy) *origin[R] {
	require(ctx != nil, "source", "ctx is nil")
	if s.policy == unset {
		s.policy = policy
	}
	o := &origin[R]{records: all, batch: batch{settings: s, parent: ctx, length: len(all)}}
	o.batch.originals = &o.records
	o.batch.setLine()
	o.batch.scopes = newScopes(s, len(all))
	return o
}

// withBad sets the records that could not be decoded.
func (o *origin[R]) withBad(bad []wire.Bad) *origin[R] {
	o.batch.bad = bad
	return o
}

// withUnread sets the metadata that could not be read.
func (o *origin[R]) withUnread(metadata []wire.Unread) *origin[R] {
	o.batch.unread = metadata
	return o
}

// prepare makes the first run in advance. The collector then has the deadline and all
// records, even if the stage never ranges over the source.
func (o *origin[R]) prepare() *run {
	r := newRun(&o.batch)
	o.prepared.Store(r)
	return r
}
