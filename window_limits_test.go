package batch_test

import (
	"bytes"
	"context"
	"errors"
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

func TestAStateMayTakeOneMegabyteAndNoMore(t *testing.T) {
	is := is.New(t)
	const most = 1<<20 - len(`""`)
	h := batch.KinesisWindowHandler(numbers, func(s string, n int) string { return s + strings.Repeat("x", n) },
		func(context.Context, batch.Window, string) error { return nil }, quiet)
	_, err := h.Invoke(t.Context(), windowPayload(t, `""`, false, strconv.Itoa(most)))
	is.NoErr(err)
	_, err = h.Invoke(t.Context(), windowPayload(t, `""`, false, strconv.Itoa(most+1)))
	is.True(errors.Is(err, batch.ErrTooLarge))
}
