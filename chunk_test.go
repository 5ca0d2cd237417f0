package batch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestChunksSkipResultsThatAreNotReady(t *testing.T) {
	is := is.New(t)
	var chunks [][]string
	s := batch.Filter(batch.Of("a", "-", "b", "c", "-", "d", "e"), func(v string) bool { return v != "-" })
	s = batch.TryEachChunk(s, 2, func(_ context.Context, vs []string) error {
		chunks = append(chunks, vs)
		return nil
	})
	is.Equal(seen(s), []string{"0: a", "1: done", "2: b", "3: c", "4: done", "5: d", "6: e"})
	is.Equal(chunks, [][]string{{"a", "b"}, {"c", "d"}, {"e"}})
}

// branches is an error that, unlike one of errors.Join, may contain nil.
type branches []error

func (branches) Error() string     { return "several" }
func (b branches) Unwrap() []error { return b }

// hollow is an error that wraps nothing.
type hollow struct{}

func (*hollow) Error() string { return "hollow" }
func (*hollow) Unwrap() error { return nil }

// chain is an error of which only the last one can be reached by Unwrap alone, like the lists of some libraries.
type chain []error

func (c chain) Error() string     { return c[0].Error() }
func (c chain) As(other any) bool { return errors.As(c[0], other) }
func (c chain) Unwrap() error {
	if len(c) == 1 {
		return nil
	}
	return c[1:]
}

// combined shows only the first of two errors, as the combining functions of some packages do.
type combined struct{ error }

func (c combined) Unwrap() error { return c.error }

// convertible is an error that turns itself into an ItemErrors, but may contain others.
type convertible struct{}

func (convertible) Error() string { return "item 1" }
func (convertible) As(target any) bool {
	items, ok := target.(*batch.ItemErrors)
	if ok {
		*items = batch.ItemErrors{1: errBoom}
	}
	return ok
}

func TestItemErrorsFailTheItemsThatTheyName(t *testing.T) {
	whole := []bool{true, true, true}
	for name, test := range map[string]struct {
		err  error
		want []bool // which of three fail
	}{
		"no error":                         {nil, []bool{false, false, false}},
		"another error":                    {errBoom, whole},
		"one item":                         {batch.ItemErrors{1: errBoom}, []bool{false, true, false}},
		"empty":                            {batch.ItemErrors{}, []bool{false, false, false}},
		"nil":                              {batch.ItemErrors(nil), []bool{false, false, false}},
		"nil entries":                      {batch.ItemErrors{0: nil, 2: errBoom}, []bool{false, false, true}},
		"wrapped":                          {fmt.Errorf("write: %w", batch.ItemErrors{0: errBoom}), []bool{true, false, false}},
		"wrapped with a cause":             {fmt.Errorf("%w: %w", io.EOF, batch.ItemErrors{0: errBoom}), whole},
		"with a lost connection":           {errors.Join(batch.ItemErrors{0: errBoom}, io.EOF), whole},
		"joined":                           {errors.Join(batch.ItemErrors{0: errBoom}, batch.ItemErrors{2: errBoom}), []bool{true, false, true}},
		"joined, the first empty":          {errors.Join(batch.ItemErrors{}, batch.ItemErrors{2: errBoom}), []bool{false, false, true}},
		"empty, joined with another error": {errors.Join(batch.ItemErrors{}, errBoom), whole},
		"past the end":                     {batch.ItemErrors{3: errBoom}, whole},
		"before the beginning":             {batch.ItemErrors{-1: errBoom}, whole},
		"past the end, without error":      {batch.ItemErrors{3: nil}, []bool{false, false, false}},
		"an item's error is one itself":    {batch.ItemErrors{0: batch.ItemErrors{1: errBoom}}, []bool{true, false, false}},
		"a pointer":                        {&batch.ItemErrors{1: errBoom}, []bool{false, true, false}},
		"a nil pointer":                    {(*batch.ItemErrors)(nil), whole},
		"joined with nil":                  {branches{nil, batch.ItemErrors{1: errBoom}}, []bool{false, true, false}},
		"before nil":                       {branches{batch.ItemErrors{1: errBoom}, nil}, []bool{false, true, false}},
		"only nil":                         {branches{nil}, whole},
		"no errors":                        {branches{}, whole},
		"wrapping nothing":                 {&hollow{}, whole},
		"joined with one of nothing":       {errors.Join(batch.ItemErrors{1: errBoom}, &hollow{}), whole},
		"another error, both wrapped":      {fmt.Errorf("write: %w", errors.Join(batch.ItemErrors{0: errBoom}, io.EOF)), whole},
		"converted by As":                  {convertible{}, whole},
		"in a chain after another error":   {chain{errBoom, batch.ItemErrors{}}, whole},
		"two in a chain":                   {chain{batch.ItemErrors{0: errBoom}, batch.ItemErrors{1: errBoom}}, whole},
		"in a wrapper that may hide more":  {combined{batch.ItemErrors{0: errBoom}}, whole},
		"wrapped twice":                    {fmt.Errorf("write: %w", fmt.Errorf("table: %w", batch.ItemErrors{0: errBoom})), []bool{true, false, false}},
		"wrapped and joined":               {errors.Join(fmt.Errorf("write: %w", batch.ItemErrors{0: errBoom}), batch.ItemErrors{1: errBoom}), []bool{true, true, false}},
		"of another batch":                 {&batch.AllFailedError{Failures: []batch.Failure{{Err: batch.ItemErrors{0: errBoom}}}}, whole},
		"in a wrapped chain":               {fmt.Errorf("write: %w", chain{errBoom, batch.ItemErrors{}}), whole},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var failed []bool
			for r := range batch.TryEachChunk(batch.Of("a", "b", "c"), 3, func(context.Context, []string) error { return test.err }) {
				failed = append(failed, r.Err() != nil)
			}
			is.Equal(failed, test.want)
		})
	}
}

func TestAnItemFailsWithItsErrorFromItemErrors(t *testing.T) {
	is := is.New(t)
	s := batch.TryEachChunk(batch.Of("a", "b"), 2, func(context.Context, []string) error {
		return fmt.Errorf("write: %w", batch.ItemErrors{1: errBoom})
	})
	all := slices.Collect(s)
	is.True(all[1].Err() == errBoom)
	is.Equal(batch.ItemErrors{0: nil, 2: io.EOF, 1: errBoom}.Error(), "2 items failed, first item 1: boom")
	is.Equal(batch.ItemErrors{0: nil}.Error(), "no item failed")
}

func TestItemErrorsWithoutAFailedItemAreNoError(t *testing.T) {
	is := is.New(t)
	is.NoErr(batch.ItemErrors(nil).Err())
	is.NoErr(batch.ItemErrors{}.Err())
	is.NoErr(batch.ItemErrors{1: nil}.Err())
	is.Equal(batch.ItemErrors{0: nil, 1: errBoom}.Err(), batch.ItemErrors{0: nil, 1: errBoom})
}

// The function of the outer chunk writes in chunks of its own, whose positions are not those of the outer one.
func TestItemErrorsOfAnInnerChunkThatDoNotFitItFailTheWholeOuterChunk(t *testing.T) {
	is := is.New(t)
	misplaced := func(context.Context, []string) error { return batch.ItemErrors{3: errBoom} }
	outer := func(_ context.Context, vs []string) (err error) {
		for r := range batch.TryEachChunk(batch.Of(vs...), 2, misplaced) {
			err = r.Err()
		}
		return err
	}
	_, failures := batch.Partition(batch.TryEachChunk(batch.Of("a", "b", "c", "d"), 4, outer))
	is.Equal(len(failures), 4)
	_, ok := errors.AsType[batch.ItemErrors](failures[0].Err)
	is.True(ok)
}

func TestItemErrorsThatDoNotFitTheChunkAreTheErrorOfEachItem(t *testing.T) {
	is := is.New(t)
	failure := func(err error) error {
		all := slices.Collect(batch.TryEachChunk(batch.Of("a", "b"), 2, func(context.Context, []string) error { return err }))
		is.Equal(all[0].Err(), all[1].Err())
		return all[0].Err()
	}
	outside := failure(batch.ItemErrors{2: io.EOF})
	is.Equal(outside.Error(), "ItemErrors with positions outside the 2 items: item 2 failed: EOF")
	var items batch.ItemErrors
	is.True(errors.As(outside, &items))
	is.True(failure((*batch.ItemErrors)(nil)) == (*batch.ItemErrors)(nil))
}

// A function that panicked may have written any part of the chunk.
func TestAPanicFailsTheWholeChunk(t *testing.T) {
	for name, value := range map[string]any{
		"text": "boom", "an item": batch.ItemErrors{0: errBoom}, "no item": batch.ItemErrors{},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			s := batch.TryEachChunk(batch.Of("a", "b"), 2, func(context.Context, []string) error { panic(value) })
			for r := range s {
				var p *batch.PanicError
				is.True(errors.As(r.Err(), &p))
			}
		})
	}
}

func TestBlockedRecordsTakeNoRoomInAChunk(t *testing.T) {
	is := is.New(t)
	failing := func(yield func(batch.Result[events.SQSMessage]) bool) {
		for r := range batch.SQS(t.Context(), sqsEvent(fifoQueue, "g", "g", "h", "i", "g")) {
			if r.Record().Index == 0 {
				r = r.Fail(errBoom)
			}
			if !yield(r) {
				return
			}
		}
	}
	var chunks []int
	s := batch.TryEachChunk(failing, 2, func(_ context.Context, ms []events.SQSMessage) error {
		chunks = append(chunks, len(ms))
		return nil
	})
	response, err := batch.Collect(s)
	is.NoErr(err)
	is.Equal(listed(response), []string{"m0", "m1", "m4"})
	is.Equal(chunks, []int{2})
}

func TestRecordsWaitingInAChunkAreReportedWhenTheConsumerStops(t *testing.T) {
	is := is.New(t)
	written := 0
	response, err := batch.Run(batch.Of("a", "b", "c", "d"), func(s texts) texts {
		s = batch.TryEachChunk(s, 3, func(_ context.Context, vs []string) error { written += len(vs); return nil })
		return func(yield func(batch.Result[string]) bool) {
			for r := range s {
				yield(r)
				return
			}
		}
	})
	is.NoErr(err)
	is.Equal(written, 3) // d never entered the chunk
	is.Equal(listed(response), []string{"1", "2", "3"})
}

func TestTheScopesOfAllRecordsOfAChunkAreOpenBeforeItIsWritten(t *testing.T) {
	is := is.New(t)
	var d diary
	_, err := batch.Run(grouped(t.Context(), groupsInTurn(4, 4), d.scope("")), func(s texts) texts {
		s = misbehavingAt(s, "1", func(yield func(batch.Result[string]) bool, r batch.Result[string]) bool {
			return yield(r.Fail(errBoom))
		})
		return batch.TryEachChunk(s, 5, func(_ context.Context, vs []string) error { d.note(fmt.Sprint("write ", vs)); return nil })
	})
	is.NoErr(err)
	is.Equal(d.all[:4], []string{"open r0", "open r2", "open r3", "write [0 2 3]"})
}
