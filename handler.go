package batch

// Handlers take the payload of an invocation and give back the response.

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch/internal/printable"
	"github.com/lambdabatch/batch/internal/wire"
)

// A Handler is a [github.com/aws/aws-lambda-go/lambda.Handler] made of a stage.
// It may serve several invocations at once.
//
// It reads the payload record by record: one that cannot be decoded is Failed
// with a [*DecodeError], and the others are processed. The Source of its [Record]
// is a copy of its JSON as a *[encoding/json.RawMessage].
//
// A payload that is no event of the handler's source is an error. Errors are
// those of [Run], their texts without control characters.
type Handler struct {
	invoke func(ctx context.Context, payload []byte) ([]byte, error)
}

// Invoke answers one invocation. It does not keep the payload.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	response, err := h.invoke(ctx, payload)
	if err != nil && printable.Text(errorText(err)) != err.Error() {
		err = &printableError{err}
	}
	return response, err
}

// printableError is an error without control characters in its text.
type printableError struct{ error }

func (e *printableError) Error() string { return printable.Text(errorText(e.error)) }
func (e *printableError) Unwrap() error { return e.error }

// DecodeError is the error of a record that a handler could not decode.
type DecodeError struct {
	ID    string // of the record, "" if it could not be read either
	Field string // path within the record, "" for the record as a whole
	Err   error
}

func (e *DecodeError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("record %q: %v", e.ID, e.Err)
	}
	return fmt.Sprintf("record %q: %s: %v", e.ID, e.Field, e.Err)
}

func (e *DecodeError) Unwrap() error { return e.Err }

// SQSHandler makes a Lambda handler for the messages of a queue; see [SQS].
func SQSHandler[T any](stage func(Stream[events.SQSMessage]) Stream[T], opts ...Option) *Handler {
	return newHandler("SQSHandler", stage, opts, func(ctx context.Context, payload []byte, s settings) (*origin[events.SQSMessage], error) {
		read, err := wire.SQS(payload)
		return sqsOrigin(ctx, read.Records, s).without(read.Bad), err
	})
}

// KinesisHandler makes a Lambda handler for a Kinesis stream; see [Kinesis].
func KinesisHandler[T any](stage func(Stream[events.KinesisEventRecord]) Stream[T], opts ...Option) *Handler {
	return newHandler("KinesisHandler", stage, opts, func(ctx context.Context, payload []byte, s settings) (*origin[events.KinesisEventRecord], error) {
		read, err := wire.Kinesis(payload)
		return kinesisOrigin(ctx, read.Records, s).without(read.Bad), err
	})
}

// DynamoDBHandler makes a Lambda handler for the stream of a table; see
// [DynamoDB].
func DynamoDBHandler[T any](stage func(Stream[events.DynamoDBEventRecord]) Stream[T], opts ...Option) *Handler {
	return newHandler("DynamoDBHandler", stage, opts, func(ctx context.Context, payload []byte, s settings) (*origin[events.DynamoDBEventRecord], error) {
		read, err := wire.DynamoDB(payload)
		return dynamoDBOrigin(ctx, read.Records, s).without(read.Bad), err
	})
}

// KafkaHandler makes a Lambda handler for Kafka topics; see [Kafka].
func KafkaHandler[T any](stage func(Stream[events.KafkaRecord]) Stream[T], opts ...Option) *Handler {
	return newHandler("KafkaHandler", stage, opts, func(ctx context.Context, payload []byte, s settings) (*origin[events.KafkaRecord], error) {
		read, err := wire.Kafka(payload)
		var rs kafkaRecords
		for _, r := range read.Records {
			rs.add(r.KafkaRecord, r.Partition, r.Located)
		}
		return kafkaOrigin(ctx, rs, s).without(read.Bad), err
	})
}

// FirehoseHandler makes a Lambda handler for a Firehose transformation; see
// [Firehose] and [CollectFirehose].
func FirehoseHandler(stage func(Stream[events.KinesisFirehoseEventRecord]) Stream[FirehoseRecord], opts ...Option) *Handler {
	require(stage != nil, "FirehoseHandler", "stage is nil")
	s := settingsOf(opts)
	return &Handler{func(ctx context.Context, payload []byte) ([]byte, error) {
		read, err := wire.Firehose(payload)
		if err != nil {
			return nil, err
		}
		o := firehoseOrigin(ctx, read.Records, s.inInvocation()).without(read.Bad)
		c := newRunning[FirehoseRecord]()
		c.keep = true
		response, err := firehoseResponse(c, process(c, o, stage))
		if err != nil {
			return nil, err
		}
		return response.encoded()
	}}
}

// A Window is a tumbling window: the stretch of time over which the invocations
// for one shard hand a state on.
//
// See https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html.
type Window struct {
	Start, End      time.Time
	ShardID         string
	Final           bool // this is the window's last invocation
	TerminatedEarly bool // the window ends before its time, for the state is too large
}

// KinesisWindowHandler makes a Lambda handler for a Kinesis stream with tumbling
// windows. The values that come out of stage are folded into the state of the
// window, which is any type that JSON carries; it begins as the zero S. After the
// last fold of a window, final or terminated early, close gets the state.
//
// Only values of records before the first reported one are folded, since that and
// everything behind it comes again. An invocation may be repeated, so close must
// bear to be called again for the same window; it is called with the context of
// the invocation, and its error fails the invocation. A state of more than 1 MB is
// [ErrTooLarge], and a panic of fold, of close or of the state's own JSON methods a
// [*PanicError].
func KinesisWindowHandler[T, S any](
	stage func(Stream[events.KinesisEventRecord]) Stream[T],
	fold func(S, T) S,
	close func(context.Context, Window, S) error,
	opts ...Option,
) *Handler {
	return newWindowHandler("KinesisWindowHandler", stage, fold, close, opts, wire.KinesisWindow, kinesisOrigin)
}

// DynamoDBWindowHandler is [KinesisWindowHandler] for the stream of a table.
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
		batch, window, err := read(payload)
		if err != nil {
			return nil, err
		}
		state, err := call(ctx, window, func(context.Context, wire.Window) (S, error) { return stateOf[S](window) })
		if err != nil {
			return nil, err
		}
		o := source(ctx, batch.Records, s.inInvocation()).without(batch.Bad)
		c := newRunning[T]()
		c.keep = true
		a := c.answer(process(c, o, stage))
		if a.err != nil {
			return nil, a.err
		}
		state, err = call(ctx, state, func(_ context.Context, state S) (S, error) { return folded(state, c.before(a), fold), nil })
		if err != nil {
			return nil, err
		}
		answer, err := call(ctx, state, func(context.Context, S) ([]byte, error) { return windowAnswer(state, a.response) })
		if err != nil || !window.Final && !window.Terminated {
			return answer, err
		}
		w := Window{window.Start, window.End, window.ShardID, window.Final, window.Terminated}
		_, err = call(ctx, w, func(ctx context.Context, w Window) (struct{}, error) { return struct{}{}, close(ctx, w, state) })
		if err != nil {
			return nil, fmt.Errorf("close of the window of %s from %s: %w", w.ShardID, w.Start.Format(time.RFC3339), err)
		}
		return answer, nil
	}}
}

// stateOf decodes the state that the invocation before answered. The first one of
// a window has an empty object, which need not fit S.
func stateOf[S any](w wire.Window) (state S, err error) {
	if len(w.State) == 0 {
		return state, nil
	}
	if err := json.Unmarshal(w.State, &state); err != nil {
		var empty map[string]struct{}
		if json.Unmarshal(w.State, &empty) == nil && len(empty) == 0 {
			return *new(S), nil
		}
		return state, fmt.Errorf("state of the window of %s: %w", w.ShardID, err)
	}
	return state, nil
}

func folded[S, T any](state S, values []T, fold func(S, T) S) S {
	for _, value := range values {
		state = fold(state, value)
	}
	return state
}

const maxState = 1 << 20

func windowAnswer[S any](state S, failures Response) ([]byte, error) {
	encoded, err := json.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("state of the window: %w", err)
	}
	if len(encoded) > maxState {
		return nil, fmt.Errorf("state of the window: %w: %d bytes, but a state holds %d", ErrTooLarge, len(encoded), maxState)
	}
	if string(encoded) == "null" {
		encoded = []byte("{}")
	}
	return json.Marshal(struct {
		State             json.RawMessage `json:"state"`
		BatchItemFailures []ItemFailure   `json:"batchItemFailures"`
	}{encoded, failures.BatchItemFailures})
}

// without marks the records that could not be decoded.
func (o *origin[R]) without(bad []wire.Bad) *origin[R] {
	o.batch.bad = bad
	return o
}

// prepare makes the run of the first iteration. With it the deadline is known,
// and the batch accounted for, even if the stage never ranges over the source.
func (o *origin[R]) prepare() *run {
	r := newRun(&o.batch)
	o.prepared.Store(r)
	return r
}

func newHandler[R, T any](
	name string,
	stage func(Stream[R]) Stream[T],
	opts []Option,
	read func(context.Context, []byte, settings) (*origin[R], error),
) *Handler {
	require(stage != nil, name, "stage is nil")
	s := settingsOf(opts)
	return &Handler{func(ctx context.Context, payload []byte) ([]byte, error) {
		o, err := read(ctx, payload, s.inInvocation())
		if err != nil {
			return nil, err
		}
		c := newRunning[T]()
		response, err := c.answer(process(c, o, stage)).result()
		if err != nil {
			return nil, err
		}
		return response.MarshalJSON()
	}}
}

// process runs the pipeline over a batch that is known already.
func process[R, T any](c *collector[T], o *origin[R], stage func(Stream[R]) Stream[T]) ending {
	c.learn(o.prepare())
	return c.drive(bind(c, o.stream(), stage))
}

// inInvocation looks the default logger up, which the program may have changed.
func (s settings) inInvocation() settings {
	if !s.logGiven {
		s.logger = slog.Default()
	}
	return s
}
