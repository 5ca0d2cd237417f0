package batch

// Tumbling windows: handlers that fold the values of their batches into a state.

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch/internal/wire"
)

// A Window is a tumbling window: a span of time in which each invocation for a shard hands
// its state to the next.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html.
type Window struct {
	Start, End      time.Time
	ShardID         string
	Final           bool // this is the last invocation of the window
	TerminatedEarly bool // the state has become too large: the window is closed early and continues with an empty state
}

// KinesisWindowHandler returns a Lambda handler for Kinesis with tumbling windows. Each
// invocation runs stage as [KinesisHandler] does, folds the ready values that the stage
// returns into the state of the window, and responds with the new state. The state is any
// type that JSON can represent. It begins as what {} decodes into, with which the service
// begins a window: the zero value of a struct, a pointer to such a value, or an empty map. If
// {} does not decode into S, it begins as the zero S. In the last invocation of a window, after
// folding, close is called with the state.
//
// If a state has more than 1 MB, the service closes the window early
// ([Window.TerminatedEarly]): close is called with that state, and the window begins
// again. Such states and the last one together make up the window.
//
// Values are folded in the order of the batch, and those of one record in the order in which
// they arrived, which lanes may change under [Continue]. Only values of records before the
// first reported one are folded, because that record and all later ones are redelivered. If records of the last invocation are reported, close is
// called with the state so far, and with a later state if the service repeats the last
// invocation with the rest. The later state must replace the earlier one. The service may
// repeat any invocation, so close must be idempotent.
//
// close gets the context of the invocation. An error of close, or a panic of fold, of close or
// of the JSON methods of the state, fails the invocation; the panic is a [*PanicError]. A
// response of more than 6 MB is [ErrTooLarge], and the batch is redelivered.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html.
func KinesisWindowHandler[T, S any](
	stage func(Stream[events.KinesisEventRecord]) Stream[T],
	fold func(S, T) S,
	close func(context.Context, Window, S) error,
	opts ...Option,
) *Handler {
	return newWindowHandler("KinesisWindowHandler", stage, fold, close, opts, wire.KinesisWindow, kinesisOrigin)
}

// DynamoDBWindowHandler is [KinesisWindowHandler] for DynamoDB Streams.
func DynamoDBWindowHandler[T, S any](
	stage func(Stream[events.DynamoDBEventRecord]) Stream[T],
	fold func(S, T) S,
	close func(context.Context, Window, S) error,
	opts ...Option,
) *Handler {
	return newWindowHandler("DynamoDBWindowHandler", stage, fold, close, opts, wire.DynamoDBWindow, dynamoDBOrigin)
}

func newWindowHandler[R, T, S any](
	name string,
	stage func(Stream[R]) Stream[T],
	fold func(S, T) S,
	close func(context.Context, Window, S) error,
	opts []Option,
	read func([]byte) (wire.Batch[R], wire.Window, error),
	source func(context.Context, []R, settings) *origin[R],
) *Handler {
	require(stage != nil, name, "stage is nil")
	require(fold != nil, name, "fold is nil")
	require(close != nil, name, "close is nil")
	s := settingsOf(opts)
	return &Handler{func(ctx context.Context, payload []byte) ([]byte, error) {
		event, window, err := read(payload)
		if err != nil {
			return nil, &PayloadError{err}
		}
		state, err := guard(func() (S, error) { return decodeState[S](window) })
		if err != nil {
			return nil, err
		}
		o := source(ctx, event.Records, s.withDefaultLogger()).withBad(event.Bad).withUnread(event.Unread)
		c := newDrivenCollector[T]()
		c.keepValues = true
		a := c.answer(runPipeline(c, o, stage))
		if a.err != nil {
			return nil, a.err
		}
		state, err = guard(func() (S, error) {
			return foldAll(state, c.valuesBeforeFirstReported(a), fold), nil
		})
		if err != nil {
			return nil, err
		}
		response, err := guard(func() ([]byte, error) {
			if window.Terminated {
				return windowResponse(json.RawMessage(emptyState), a.response)
			}
			return windowResponse(state, a.response)
		})
		if err != nil || !window.Final && !window.Terminated {
			return response, err
		}
		w := Window{window.Start, window.End, window.ShardID, window.Final, window.Terminated}
		_, err = guard(func() (struct{}, error) { return struct{}{}, close(ctx, w, state) })
		if err != nil {
			return nil, &describedError{fmt.Sprintf("close of the window of %s from %s", w.ShardID, w.Start.Format(time.RFC3339)), err}
		}
		return response, nil
	}}
}

// decodeState decodes the state that the previous invocation responded with. The first
// invocation of a window gets an empty object, which may not decode into S. No state is the same.
func decodeState[S any](w wire.Window) (S, error) {
	var state S
	if len(w.State) == 0 {
		w.State = []byte("{}")
	}
	if err := json.Unmarshal(w.State, &state); err != nil {
		var empty map[string]struct{}
		if json.Unmarshal(w.State, &empty) == nil && len(empty) == 0 {
			return *new(S), nil
		}
		return *new(S), &describedError{"state of the window of " + w.ShardID, err}
	}
	return state, nil
}

// valuesBeforeFirstReported returns the values of the records before the first reported
// one, in the order of the batch.
func (c *collector[T]) valuesBeforeFirstReported(a *answer) (values []T) {
	for _, k := range c.inOrder(a) {
		if len(a.failures) == 0 || k.index < a.failures[0].Record.Index {
			values = append(values, k.value)
		}
	}
	return values
}

func foldAll[S, T any](state S, values []T, fold func(S, T) S) S {
	for _, value := range values {
		state = fold(state, value)
	}
	return state
}

// emptyState is what a window that was closed early continues from, whichever state the service keeps.
const emptyState = "{}"

func windowResponse[S any](state S, failures Response) ([]byte, error) {
	encoded, err := json.Marshal(state)
	if err != nil {
		return nil, &describedError{"state of the window", err}
	}
	if string(encoded) == "null" {
		encoded = []byte(emptyState)
	}
	return marshalResponse(struct {
		State             json.RawMessage `json:"state"`
		BatchItemFailures []ItemFailure   `json:"batchItemFailures"`
	}{encoded, failures.BatchItemFailures})
}
