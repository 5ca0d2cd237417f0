package batchtest

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/printable"
	"github.com/samber/lo"
)

// A snapshot is a Result as it was when the stage received or sent it.
type snapshot struct {
	index int
	ctx   context.Context
	state state
	value any
	err   error
	ended bool   // the context had ended
	part  uint64 // the number of the part
}

type state int

const (
	isReady state = iota
	isDone
	isFailed
	isUnprocessed
)

func snapshotOf[T any](r batch.Result[T]) snapshot {
	s := snapshot{index: r.Record().Index, ctx: r.Context(), err: r.Err(), part: partOf(r)}
	s.ended = s.ctx.Err() != nil
	value, ok := r.Value()
	switch {
	case ok:
		s.state, s.value = isReady, value
	case s.err == nil:
		s.state = isDone
	case r.Ack().Err() != nil: // even Ack does not settle it
		s.state = isUnprocessed
	default:
		s.state = isFailed
	}
	return s
}

func (s snapshot) name() string { return fmt.Sprintf("r%d", s.index) }

func (s snapshot) String() string {
	switch s.state {
	case isReady:
		return shown(s.value)
	case isDone:
		return "Done"
	case isUnprocessed:
		return "unprocessed"
	}
	return fmt.Sprintf("the failure %s", shown(s.err))
}

// equals reports whether s and other, from different ranges, have the same content.
func (s snapshot) equals(other snapshot) bool {
	if s.state != other.state || s.err != nil && printable.ErrorText(s.err) != printable.ErrorText(other.err) {
		return false
	}
	return reflect.DeepEqual(s.value, other.value)
}

// untouched reports whether s may be other, without a call of a function for it.
func (s snapshot) untouched(other snapshot) bool {
	return s.state == other.state && s.err == other.err && reflect.DeepEqual(s.value, other.value)
}

// samePart reports whether s and other, from one range, are the same part of the same record.
func (s snapshot) samePart(other snapshot) bool {
	return s.index == other.index && s.part == other.part
}

// partOf returns the number of the part, which is in the upper half of a Result's mark. Nothing else tells it.
func partOf[T any](r batch.Result[T]) uint64 {
	return reflect.ValueOf(r).FieldByName("h").FieldByName("mark").Uint() >> 32
}

// group returns the group of the record.
func (s snapshot) group() string {
	r, _ := batch.RecordFrom(s.ctx)
	return r.Group
}

// removeFirst returns all without the first snapshot that fits, and whether there was one.
func removeFirst(all []snapshot, fits func(snapshot) bool) (rest []snapshot, found bool) {
	i := slices.IndexFunc(all, fits)
	if i < 0 {
		return all, false
	}
	return slices.Delete(slices.Clone(all), i, i+1), true
}

// ofRecord returns the snapshots of one record. They are few, so it makes no room for all, as lo.Filter does.
func ofRecord(index int, all []snapshot) (own []snapshot) {
	for _, s := range all {
		if s.index == index {
			own = append(own, s)
		}
	}
	return own
}

// indexes returns the indexes of the records in all, each once and sorted.
func indexes(all []snapshot) []int {
	found := lo.UniqMap(all, func(s snapshot, _ int) int { return s.index })
	slices.Sort(found)
	return found
}
