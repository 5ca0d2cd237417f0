package batch

// The stages, one verb family after the other: mapping, filtering, one to many,
// effects, bulk effects, looking, recovering, decoding.

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"

	"github.com/aws/aws-lambda-go/events"
)

// A Stream is a batch on its way through the pipeline: one Result for each
// record, in the order of the batch. It is lazy, and nothing runs until somebody
// ranges over it; ranging twice runs everything twice.
//
// It is an alias, so that [slices.Collect], package lo/it and a plain range work
// on it.
type Stream[T any] = iter.Seq[Result[T]]

// Map applies f to the value of every Ready Result. Others pass by.
func Map[A, B any](s Stream[A], f func(A) B) Stream[B] {
	requireStage("Map", "f", s, f != nil)
	return mapping(s, func(_ context.Context, a A) (B, error) { return f(a), nil })
}

// TryMap applies f to the value of every Ready Result; its error makes the
// Result Failed. Others pass by. The context is the record's own.
func TryMap[A, B any](s Stream[A], f func(context.Context, A) (B, error)) Stream[B] {
	requireStage("TryMap", "f", s, f != nil)
	return mapping(s, f)
}

// The stages call the upstream function instead of ranging over it: that saves
// the bookkeeping of a range loop for each record and stage.

func mapping[A, B any](s Stream[A], f func(context.Context, A) (B, error)) Stream[B] {
	return func(yield func(Result[B]) bool) {
		s(func(r Result[A]) bool { return yield(then(&r, f)) })
	}
}

// Filter settles every Ready Result whose value keep rejects: it becomes Done,
// and its record is acknowledged. Others pass by.
func Filter[T any](s Stream[T], keep func(T) bool) Stream[T] {
	requireStage("Filter", "keep", s, keep != nil)
	return filtering(s, func(_ context.Context, v T) (bool, error) { return keep(v), nil })
}

// TryFilter is [Filter] with a function that may fail, which makes the Result
// Failed.
func TryFilter[T any](s Stream[T], keep func(context.Context, T) (bool, error)) Stream[T] {
	requireStage("TryFilter", "keep", s, keep != nil)
	return filtering(s, keep)
}

func filtering[T any](s Stream[T], keep func(context.Context, T) (bool, error)) Stream[T] {
	return func(yield func(Result[T]) bool) {
		s(func(r Result[T]) bool {
			kept := then(&r, keep)
			r.h = kept.h
			if r.h.state != ready {
				return yield(Result[T]{h: r.h})
			}
			if !kept.value {
				return yield(Result[T]{h: r.h.with(done, nil)})
			}
			return yield(r)
		})
	}
}

// FlatMap sends one Result for each value that f returns, all of them with the
// identity of the record: it is acknowledged if every one of them is. For no
// value at all the record is Done. Results that are not Ready pass by.
func FlatMap[A any, S ~[]B, B any](s Stream[A], f func(A) S) Stream[B] {
	requireStage("FlatMap", "f", s, f != nil)
	return splitting(s, func(_ context.Context, a A) (S, error) { return f(a), nil })
}

// TryFlatMap is [FlatMap] with a function that may fail, which makes the Result
// Failed.
func TryFlatMap[A any, S ~[]B, B any](s Stream[A], f func(context.Context, A) (S, error)) Stream[B] {
	requireStage("TryFlatMap", "f", s, f != nil)
	return splitting(s, f)
}

func splitting[A any, S ~[]B, B any](s Stream[A], f func(context.Context, A) (S, error)) Stream[B] {
	return func(yield func(Result[B]) bool) {
		s(func(r Result[A]) bool {
			parts := then(&r, f)
			if parts.h.state != ready {
				return yield(Result[B]{h: parts.h})
			}
			if len(parts.value) == 0 {
				return yield(Result[B]{h: parts.h.with(done, nil)})
			}
			h := parts.h
			h.number = h.entry.split(h.number, len(parts.value))
			for _, value := range parts.value {
				if !yield(Result[B]{h, value}) {
					return false
				}
				h.number++
			}
			return true
		})
	}
}

// TryEach calls f for its effect on the value of every Ready Result; its error
// makes the Result Failed. Others pass by.
//
// Like every stage it is lazy: as a bare statement it does nothing.
func TryEach[T any](s Stream[T], f func(context.Context, T) error) Stream[T] {
	requireStage("TryEach", "f", s, f != nil)
	return mapping(s, func(ctx context.Context, v T) (T, error) { return v, f(ctx, v) })
}

// Each is the stage of one function: SQSHandler(Each(handle)) is a whole
// handler.
func Each[T any](f func(context.Context, T) error) func(Stream[T]) Stream[T] {
	require(f != nil, "Each", "f is nil")
	return func(s Stream[T]) Stream[T] { return TryEach(s, f) }
}

// TryEachChunk calls f for up to size values at once: the bulk write. An error
// fails all of them, an [ItemErrors] in it just those that it names. Results that
// are not Ready pass by without splitting a chunk, and everything leaves in the
// order in which it came.
//
// A chunk may hold several records of one group. If an earlier one fails, those
// behind it have been written already, are reported all the same, and are written
// again; where order matters, fail the chunk as a whole, or use [TryEach]. A
// [Catch] for what fails before this stage belongs before it, for a chunk that is
// being filled looks ahead.
//
// Functions before this stage run up to size records ahead of it, and what is in
// a chunk that was not written when the consumer stopped is reported. f gets the
// context of the batch, which is no record's.
func TryEachChunk[T any](s Stream[T], size int, f func(context.Context, []T) error) Stream[T] {
	requireStage("TryEachChunk", "f", s, f != nil)
	require(size >= 1, "TryEachChunk", "size is less than 1")
	return func(yield func(Result[T]) bool) {
		c := chunk[T]{size: size, f: f}
		stopped := false
		s(func(r Result[T]) bool {
			stopped = !c.add(r, yield)
			return !stopped
		})
		if !stopped {
			c.flush(yield)
		}
	}
}

// A chunk is what TryEachChunk holds back.
type chunk[T any] struct {
	size  int
	f     func(context.Context, []T) error
	held  []Result[T] // in the order of the stream, the first one Ready
	ready int
}

// add takes r and reports whether the consumer wants more.
func (c *chunk[T]) add(r Result[T], yield func(Result[T]) bool) bool {
	if r.h.admit() {
		c.ready++
	} else if len(c.held) == 0 {
		return yield(r)
	}
	c.held = append(c.held, r)
	if c.ready < c.size {
		return true
	}
	return c.flush(yield)
}

func (c *chunk[T]) flush(yield func(Result[T]) bool) bool {
	c.write()
	held := c.held
	c.held, c.ready = nil, 0
	for _, r := range held {
		if !yield(r) {
			return false
		}
	}
	return true
}

// write calls f for what is still Ready and may run, and settles it.
func (c *chunk[T]) write() {
	values := make([]T, 0, c.ready)
	written := make([]*header, 0, c.ready)
	for i := range c.held {
		r := &c.held[i]
		if r.h.state == ready && r.h.admit() {
			values, written = append(values, r.value), append(written, &r.h)
		}
	}
	if len(values) == 0 {
		return
	}
	// The error's own methods are called inside, too: they are the user's.
	items, err := call(written[0].entry.scope.ctx, values, func(ctx context.Context, values []T) (map[int]error, error) {
		return itemErrors(c.f(ctx, values), len(values)), nil
	})
	for i, h := range written {
		if failure := cmp.Or(err, items[i]); failure != nil {
			h.fail(failure)
		}
	}
}

// ItemErrors is what a bulk write returns if only some of its elements failed:
// their positions in the slice, each with its error. Elements with a nil error,
// and all that are not in it, succeeded. A position that the slice does not have
// fails the whole chunk.
type ItemErrors map[int]error

func (e ItemErrors) Error() string {
	failed := slices.DeleteFunc(slices.Sorted(maps.Keys(e)), func(i int) bool { return e[i] == nil })
	if len(failed) == 0 {
		return "no item failed"
	}
	return fmt.Sprintf("%d items failed, first item %d: %v", len(failed), failed[0], e[failed[0]])
}

// itemErrors spreads the error of a chunk of n over its elements.
func itemErrors(err error, n int) map[int]error {
	if err == nil {
		return nil
	}
	all := ItemErrors{}
	if found, others := all.gather(err); found && (len(all) > 0 || !others) {
		outside := func(i int) bool { return i < 0 || i >= n }
		if !slices.ContainsFunc(slices.Collect(maps.Keys(all)), outside) {
			return all
		}
		err = fmt.Errorf("ItemErrors with positions outside the %d items: %w", n, err)
	}
	whole := make(map[int]error, n)
	for i := range n {
		whole[i] = err
	}
	return whole
}

// gather collects the errors of the items from every ItemErrors in the tree of
// err, not only from the first as errors.As does: several may be joined. It also
// reports whether the tree has errors of another kind at its leaves.
func (e ItemErrors) gather(err error) (found, others bool) {
	switch x := err.(type) {
	case nil:
		return false, false
	case ItemErrors:
		for i, item := range x {
			if item != nil {
				e[i] = item
			}
		}
		return true, false
	case *ItemErrors:
		if x != nil {
			return e.gather(*x)
		}
	case interface{ Unwrap() error }:
		if inner := x.Unwrap(); inner != nil {
			return e.gather(inner)
		}
	case interface{ Unwrap() []error }:
		for _, branch := range x.Unwrap() {
			f, o := e.gather(branch)
			found, others = found || f, others || o
		}
		return found, others
	}
	var converted ItemErrors
	if errors.As(err, &converted) {
		return e.gather(converted)
	}
	return false, true
}

// Tap calls look for every Result, whatever its state, and changes none. It is
// for logs and counts: look is called even for what ended, was blocked or failed.
// If look panics, the Result fails with a [*PanicError] beside the error it had.
func Tap[T any](s Stream[T], look func(Result[T])) Stream[T] {
	requireStage("Tap", "look", s, look != nil)
	return func(yield func(Result[T]) bool) {
		s(func(r Result[T]) bool {
			r.h.note()
			if r.h.entry != nil && r.h.entry.run().answered.Load() {
				return yield(r)
			}
			return yield(tapped(r, look))
		})
	}
}

func tapped[T any](r Result[T], look func(Result[T])) Result[T] {
	_, err := call(context.Background(), r, func(_ context.Context, r Result[T]) (struct{}, error) {
		look(r)
		return struct{}{}, nil
	})
	if err == nil || r.h.state.unprocessed() {
		return r
	}
	if r.h.state == failed {
		err = errors.Join(r.Err(), err)
	}
	r.h.fail(err)
	return Result[T]{h: r.h}
}

// Catch calls f for the error of every Failed Result: nil acknowledges the
// record, an error takes the place of the one before. Ready and Done pass by.
//
// Unprocessed Results pass by, too: nothing has been tried for them, so there is
// nothing to settle.
func Catch[T any](s Stream[T], f func(context.Context, error) error) Stream[T] {
	requireStage("Catch", "f", s, f != nil)
	return recovering(s, done, func(ctx context.Context, err error) (v T, _ error) { return v, f(ctx, err) })
}

// OrElse calls f for the error of every Failed Result and goes on with the value
// that it returns, or with its error in the place of the one before. Ready, Done
// and unprocessed Results pass by.
func OrElse[T any](s Stream[T], f func(context.Context, error) (T, error)) Stream[T] {
	requireStage("OrElse", "f", s, f != nil)
	return recovering(s, ready, f)
}

// recovering gives Failed Results to f; what it settles goes on as settled.
func recovering[T any](s Stream[T], settled state, f func(context.Context, error) (T, error)) Stream[T] {
	return func(yield func(Result[T]) bool) {
		s(func(r Result[T]) bool {
			r.h.note()
			if r.h.state != failed || r.h.entry == nil {
				return yield(r)
			}
			if s, _ := r.h.entry.refusal(); s != ready {
				return yield(r)
			}
			value, err := call(r.h.entry, r.Err(), f)
			if err != nil {
				r.h.fail(err)
				return yield(Result[T]{h: r.h})
			}
			r.h = r.h.with(settled, nil)
			r.h.note()
			return yield(Result[T]{r.h, value})
		})
	}
}

// Payload is what [Decode] finds bytes in: an SQS body, Kinesis and Firehose
// data, a Kafka value without its base64, or text and bytes as they are.
type Payload interface {
	~string | ~[]byte |
		events.SQSMessage | events.KinesisEventRecord | events.KafkaRecord | events.KinesisFirehoseEventRecord
}

// Decode decodes the payload of every Ready Result into a new T with a function
// like [encoding/json.Unmarshal]; its error makes the Result Failed. Others pass
// by. The function may keep the bytes that it gets, but not the pointer.
//
// For speed and strictness give it a closure over Unmarshal of
// github.com/go-json-experiment/json. Protocol buffers, whose messages are no
// plain values, go through [TryMap].
func Decode[T any, P Payload](s Stream[P], unmarshal func([]byte, any) error) Stream[T] {
	requireStage("Decode", "unmarshal", s, unmarshal != nil)
	return func(yield func(Result[T]) bool) {
		text := blocks[byte]{most: 32 << 10}
		value := new(T) // one for all, since every Result gets a copy
		decode := func(_ context.Context, p P) (T, error) {
			*value = *new(T)
			data, err := bytesOf(&p, &text)
			if err == nil {
				err = unmarshal(data, value)
			}
			return *value, err
		}
		s(func(r Result[P]) bool { return yield(then(&r, decode)) })
	}
}

// bytesOf returns the bytes of a payload. Those of a string are copied.
func bytesOf[P Payload](payload *P, text *blocks[byte]) ([]byte, error) {
	switch p := any(payload).(type) {
	case *events.SQSMessage:
		return copied(p.Body, text), nil
	case *events.KinesisEventRecord:
		return p.Kinesis.Data, nil
	case *events.KafkaRecord:
		return base64.StdEncoding.DecodeString(p.Value)
	case *events.KinesisFirehoseEventRecord:
		return p.Data, nil
	case *string:
		return copied(*p, text), nil
	case *[]byte:
		return *p, nil
	}
	// The language converts a named string or byte slice only where the
	// constraint has no structs in it.
	if v := reflect.ValueOf(*payload); v.Kind() != reflect.String {
		return v.Bytes(), nil
	} else {
		return copied(v.String(), text), nil
	}
}

func copied(s string, text *blocks[byte]) []byte {
	b := text.take(len(s))
	copy(b, s)
	return b
}

// blocks makes one allocation serve many small slices. Nothing is handed out
// twice, so whoever keeps a slice disturbs nobody.
type blocks[T any] struct {
	most int // elements of one allocation, unless one slice needs more
	free []T
	size int
}

func (b *blocks[T]) take(n int) []T {
	if n > len(b.free) {
		b.size = min(2*b.size+n, b.most)
		b.free = make([]T, max(b.size, n))
	}
	taken := b.free[:n:n]
	b.free = b.free[n:]
	return taken
}

// built is what a user's stage returned.
func built[T any](s Stream[T]) Stream[T] {
	require(s != nil, "stage", "it returned a nil Stream")
	return s
}

func requireStage[T any](stage, argument string, s Stream[T], given bool) {
	require(s != nil, stage, "s is nil")
	require(given, stage, argument+" is nil")
}
