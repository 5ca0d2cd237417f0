package batch

// A batch is what a source knows of its records.

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/lambdabatch/batch/internal/ledger"
	"github.com/lambdabatch/batch/internal/wire"
)

// A batch does not change. What it needs of the records it has copied before a function
// sees them.
type batch struct {
	settings
	parent    context.Context
	length    int
	originals interface{ original(i int) any }

	// What identifies records is copied before anybody gets hold of an original; what lies in
	// a map of theirs, before a function is called.
	identifying sync.Once
	identifier  func(original any) identity // nil: known is there already, or the identifiers are the positions
	known       []identity
	ordered     []ordering // nil: identifier tells all

	scopes *scopes // nil: none

	lastLoggedPanic atomic.Pointer[loggedPanic] // whose stack has been logged last

	kafka             bool          // identifiers go out as objects
	groupsAreItemKeys bool          // groups are the keys of items
	bad               []wire.Bad    // the records that could not be decoded
	unread            []wire.Unread // metadata that the others are processed without
	data              [][]byte      // of Firehose records, as it came
	msk               []bool        // which of them came from MSK; those left out did not

	lineOf              func(i int) int32 // the line of a record under the policy; nil: no order
	grouping            sync.Once
	group               []int32                                 // number of each record's group, 0 for none
	someGroupUnreadable bool                                    // the group of one cannot be read
	groupUnreadable     func(known identity, bad wire.Bad) bool // whether the group of such a record cannot be read; nil: never
}

// identity is what identifies, orders and counts a record.
type identity struct {
	id string
	ordering
}

type ordering struct {
	group  string
	number int64 // the attempt, or the offset
}

// identities returns what identifies the records, nil if that is their positions.
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

// unlocated is the offset of a Kafka record whose own could not be read.
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
	known := b.identities()
	if b.kafka || known == nil {
		return 0
	}
	return int(known[i].number)
}

// source is the original, which from now on anybody may write to.
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

// arrange says which records are held back by which.
func (b *batch) setLine() {
	switch b.policy {
	case StopBatch:
		b.lineOf = func(int) int32 { return 1 }
	case StopGroup:
		b.lineOf = b.groupOf
	}
}

// groupOf returns the number of the record's group: 0 if it has none, and [ledger.Any] if
// it has one that cannot be read.
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
		if b.groupUnreadable != nil && b.groupUnreadable(b.known[bad.Index], bad) {
			b.group[bad.Index] = ledger.Any
			b.someGroupUnreadable = true
		}
	}
}

// An origin is a batch together with its records.
type origin[R any] struct {
	batch    batch
	records  records[R]
	prepared atomic.Pointer[run] // for the first iteration, where a handler made it
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

// without marks the records that could not be decoded.
func (o *origin[R]) withBad(bad []wire.Bad) *origin[R] {
	o.batch.bad = bad
	return o
}

// missing notes the metadata that could not be read.
func (o *origin[R]) withUnread(metadata []wire.Unread) *origin[R] {
	o.batch.unread = metadata
	return o
}

// prepare makes the run of the first iteration. With it the deadline is known,
// and the batch accounted for, even if the stage never ranges over the source.
func (o *origin[R]) prepare() *run {
	r := newRun(&o.batch)
	o.prepared.Store(r)
	return r
}

// unreadable reports whether the value at the end of a path of objects is there and cannot be read, or whether nobody
// can tell.
func unreadable(record json.RawMessage, value any, path ...string) bool {
	for _, name := range path {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(record, &members); err != nil || members == nil {
			return true
		}
		member, ok := members[name]
		if !ok {
			return false
		}
		record = member
	}
	return json.Unmarshal(record, value) != nil
}

func fieldConcerns(field, path string) bool {
	return field == "" || field == path || strings.HasPrefix(field, path+".")
}
