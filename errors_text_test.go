package batch_test

// Errors and other values whose text cannot be made.

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"github.com/samber/lo"
)

// evil panics with itself when it is asked for its text, so package fmt passes the panic on.
type evil struct{}

func (e evil) Error() string  { panic(e) }
func (e evil) String() string { panic(e) }

func TestAValueWhoseTextPanicsWithItselfAffectsOnlyItsRecord(t *testing.T) {
	type messages = batch.Stage[events.SQSMessage, events.SQSMessage]
	on0 := func(deed func() error) messages {
		return batch.Each(func(_ context.Context, m events.SQSMessage) error {
			return lo.Ternary(m.Body == "0", deed, func() error { return nil })()
		})
	}
	payload := func(bodies ...string) []byte {
		return lo.Must(json.Marshal(fields{"Records": lo.Map(bodies, func(body string, i int) fields {
			return fields{"messageId": "m" + body, "body": body, "eventSource": "aws:sqs"}
		})}))
	}
	for name, stage := range map[string]messages{
		"returned": on0(func() error { return evil{} }),
		"panicked": on0(func() error { panic(evil{}) }),
		"as a key": func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
			s = batch.Filter(s, func(m events.SQSMessage) bool { return m.Body == "0" })
			return batch.Route(s, func(events.SQSMessage) evil { return evil{} }, map[evil]messages{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var log journal
			h := batch.SQSHandler(stage, batch.WithLogger(slog.New(&log)))
			response, err := h.Invoke(t.Context(), payload("0", "1"))
			is.NoErr(err)
			is.Equal(string(response), `{"batchItemFailures":[{"itemIdentifier":"m0"}]}`)
			is.True(strings.Contains(log.lines[0], "a batch_test.evil whose text cannot be made"))
			_, err = h.Invoke(t.Context(), payload("0"))
			is.True(strings.HasPrefix(err.Error(), "0 of 1 records acknowledged: m0: "))
			_, err = h.Invoke(t.Context(), []byte(`{"Records":[{"body":"0","eventSource":"aws:sqs"}]}`))
			is.True(errors.Is(err, batch.ErrNoID))
			is.True(strings.HasPrefix(err.Error(), "record 0 of the batch: no identifier, but it must be reported: "))
		})
	}
}

// evilState cannot be read from some states, and cannot be written.
type evilState struct{}

func (s *evilState) UnmarshalJSON(state []byte) error {
	return lo.Ternary[error](string(state) == `"bad"`, evil{}, nil)
}

func (s *evilState) MarshalJSON() ([]byte, error) { return nil, evil{} }

func TestAnErrorWhoseTextPanicsWithItselfFailsItsWindow(t *testing.T) {
	is := is.New(t)
	var reason evil
	h := batch.KinesisWindowHandler(numbers, func(s *evilState, _ int) *evilState { return s }, func(context.Context, batch.Window, *evilState) error { return nil }, quiet)
	_, err := h.Invoke(t.Context(), windowPayload(t, `"bad"`, false, "1"))
	is.True(errors.As(err, &reason))
	is.Equal(err.Error(), "state of the window of shard-1: a batch_test.evil whose text cannot be made")
	_, err = h.Invoke(t.Context(), windowPayload(t, `{}`, false, "1"))
	is.True(errors.As(err, &reason))
	is.True(strings.HasPrefix(err.Error(), "state of the window: "))

	h = batch.KinesisWindowHandler(numbers, add, func(context.Context, batch.Window, int) error { return evil{} }, quiet)
	_, err = h.Invoke(t.Context(), windowPayload(t, "0", true, "1"))
	is.True(errors.As(err, &reason))
	is.Equal(err.Error(), "close of the window of shard-1 from 2026-11-23T12:00:00Z: a batch_test.evil whose text cannot be made")
}
