package batch_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

func TestAWindowThatIsTerminatedEarlyIsClosed(t *testing.T) {
	is := is.New(t)
	var closed []batch.Window
	h := batch.KinesisWindowHandler(numbers, add, func(_ context.Context, w batch.Window, sum int) error {
		is.Equal(sum, 3)
		closed = append(closed, w)
		return nil
	}, quiet)
	early := bytes.Replace(windowPayload(t, "1", false, "2"), []byte(`Early":false`), []byte(`Early":true`), 1)
	_, err := h.Invoke(t.Context(), early)
	is.NoErr(err)
	is.Equal(len(closed), 1)
	is.True(closed[0].TerminatedEarly && !closed[0].Final)
}

func TestOnlyAnEmptyObjectStandsForAStateThatItDoesNotFit(t *testing.T) {
	is := is.New(t)
	h := batch.KinesisWindowHandler(numbers, add, ignore, quiet)
	for _, state := range []string{`{"a":{}}`, `{"a":1}`, `[]`, `""`} {
		_, err := h.Invoke(t.Context(), windowPayload(t, state, false, "1"))
		is.True(err != nil) // a state that is lost would be worse
	}
}

func TestAWindowFoldsNoPartOfAReportedRecord(t *testing.T) {
	is := is.New(t)
	parts := func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[int] {
		words := batch.FlatMap(s, func(r events.KinesisEventRecord) []string { return strings.Fields(string(r.Kinesis.Data)) })
		return batch.TryMap(words, func(_ context.Context, word string) (int, error) { return strconv.Atoi(word) })
	}
	h := batch.KinesisWindowHandler(parts, add, ignore, quiet)
	answer, err := h.Invoke(t.Context(), windowPayload(t, "0", false, "1 2", "10 x 20", "100"))
	is.NoErr(err)
	is.Equal(string(answer), `{"state":3,"batchItemFailures":[{"itemIdentifier":"101"},{"itemIdentifier":"102"}]}`)
}

// repeated is a state that grows by as many characters as a record says.
func repeated(state string, n int) string { return state + strings.Repeat("x", n) }

// Otherwise the service would repeat the batch and never close the window early.
func TestAStateThatIsTooLargeForAWindowIsReturned(t *testing.T) {
	is := is.New(t)
	h := batch.KinesisWindowHandler(numbers, repeated, func(context.Context, batch.Window, string) error { return nil }, quiet)
	answer, err := h.Invoke(t.Context(), windowPayload(t, `""`, false, strconv.Itoa(1<<20)))
	is.NoErr(err)
	is.Equal(len(answer), len(`{"state":"","batchItemFailures":[]}`)+1<<20)
}

func TestAWindowThatIsTerminatedEarlyContinuesFromNothing(t *testing.T) {
	is := is.New(t)
	var closed []int
	h := batch.KinesisWindowHandler(numbers, repeated, func(_ context.Context, _ batch.Window, s string) error {
		closed = append(closed, len(s))
		return nil
	}, quiet)
	most := strconv.Itoa(6<<20 - len(`{"state":"","batchItemFailures":[]}`))
	early := bytes.Replace(windowPayload(t, strconv.Quote(repeated("", 1<<20)), false, most, "x"), []byte(`Early":false`), []byte(`Early":true`), 1)
	answer, err := h.Invoke(t.Context(), early) // even if its state no longer fits into a response
	is.NoErr(err)
	is.Equal(string(answer), `{"state":{},"batchItemFailures":[{"itemIdentifier":"101"}]}`)
	is.Equal(closed, []int{7<<20 - len(`{"state":"","batchItemFailures":[]}`)})
}

func TestAResponseWithAStateMayTakeSixMegabytesAndNoMore(t *testing.T) {
	is := is.New(t)
	closed := 0
	h := batch.KinesisWindowHandler(numbers, repeated, func(context.Context, batch.Window, string) error { closed++; return nil }, quiet)
	const most = 6<<20 - len(`{"state":"","batchItemFailures":[]}`)
	_, err := h.Invoke(t.Context(), windowPayload(t, `""`, true, strconv.Itoa(most)))
	is.NoErr(err)
	_, err = h.Invoke(t.Context(), windowPayload(t, `""`, true, strconv.Itoa(most+1)))
	is.True(errors.Is(err, batch.ErrTooLarge))
	is.Equal(closed, 1)
}

func TestAWindowIsNotClosedIfItsStateCannotBeReturned(t *testing.T) {
	is := is.New(t)
	closed := false
	h := batch.KinesisWindowHandler(numbers, func(float64, int) float64 { return math.NaN() },
		func(context.Context, batch.Window, float64) error { closed = true; return nil }, quiet)
	answer, err := h.Invoke(t.Context(), windowPayload(t, "0", true, "1"))
	is.Equal(len(answer), 0)
	is.Equal(err.Error(), "state of the window: json: unsupported value: NaN")
	is.True(!closed)
}

func TestWindowHandlersPanicOnNilArguments(t *testing.T) {
	noFold, noClose := (func(int, int) int)(nil), (func(context.Context, batch.Window, int) error)(nil)
	changes := func(s batch.Stream[events.DynamoDBEventRecord]) batch.Stream[int] {
		return batch.Map(s, func(events.DynamoDBEventRecord) int { return 1 })
	}
	for want, build := range map[string]func(){
		"KinesisWindowHandler: stage is nil":  func() { batch.KinesisWindowHandler(nil, add, ignore) },
		"KinesisWindowHandler: fold is nil":   func() { batch.KinesisWindowHandler(numbers, noFold, ignore) },
		"KinesisWindowHandler: close is nil":  func() { batch.KinesisWindowHandler(numbers, add, noClose) },
		"DynamoDBWindowHandler: stage is nil": func() { batch.DynamoDBWindowHandler(nil, add, ignore) },
		"DynamoDBWindowHandler: fold is nil":  func() { batch.DynamoDBWindowHandler(changes, noFold, ignore) },
		"DynamoDBWindowHandler: close is nil": func() { batch.DynamoDBWindowHandler(changes, add, noClose) },
	} {
		t.Run(want, func(t *testing.T) { is.New(t).Equal(panicOf(build), "batch: "+want) })
	}
}
