package batch

// Handlers turn the payload of an invocation into the response.

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch/internal/printable"
	"github.com/lambdabatch/batch/internal/wire"
)

// A Handler is a [github.com/aws/aws-lambda-go/lambda.Handler], for lambda.Start, made of a
// stage. It may serve several invocations at once.
//
// A Handler decodes the payload record by record. A record that cannot be decoded fails
// alone with a [*DecodeError], and the others are processed; lambda.Start would fail the
// whole batch. Source in the [Record] of such a record is a copy of its JSON, of type
// *[encoding/json.RawMessage].
//
// A Handler runs its stage as [Run] does, logs failures (see [WithLogger]), and has the
// errors of Run. If the payload is not an event of the handler's source, the error is a
// [*PayloadError] and the stage is not called. The texts of errors contain no control
// characters, because a control character can make the Lambda runtime exit.
type Handler struct {
	invoke func(ctx context.Context, payload []byte) ([]byte, error)
}

// Invoke processes one invocation and returns the response as JSON. It does not keep the payload.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	response, err := h.invoke(ctx, payload)
	if err != nil {
		if text := printable.ErrorText(err); printable.Text(text) != text {
			err = &printableError{err}
		}
	}
	return response, err
}

// PayloadError is the error of a [Handler] whose payload is not an event of its source.
// Trying again cannot help: an event source mapping invokes the wrong function, or the
// function was invoked by hand.
type PayloadError struct {
	Err error // says what was expected and what the payload is
}

func (e *PayloadError) Error() string { return printable.Text(printable.ErrorText(e.Err)) }
func (e *PayloadError) Unwrap() error { return e.Err }

// printableError is an error whose text has no control characters.
type printableError struct{ error }

func (e *printableError) Error() string { return printable.Text(printable.ErrorText(e.error)) }
func (e *printableError) Unwrap() error { return e.error }

// SQSHandler returns a Lambda handler for SQS. stage gets the same Stream as from [SQS].
func SQSHandler[T any](stage func(Stream[events.SQSMessage]) Stream[T], opts ...Option) *Handler {
	return newHandler("SQSHandler", stage, opts, func(ctx context.Context, payload []byte, s settings) (*origin[events.SQSMessage], error) {
		read, err := wire.SQS(payload)
		return sqsOrigin(ctx, read.Records, s).withBad(read.Bad).withUnread(read.Unread), err
	})
}

// KinesisHandler returns a Lambda handler for Kinesis. stage gets the same Stream as from
// [Kinesis]. An event of a tumbling window is a [*PayloadError]; use [KinesisWindowHandler].
func KinesisHandler[T any](stage func(Stream[events.KinesisEventRecord]) Stream[T], opts ...Option) *Handler {
	return newHandler("KinesisHandler", stage, opts, func(ctx context.Context, payload []byte, s settings) (*origin[events.KinesisEventRecord], error) {
		read, err := wire.Kinesis(payload)
		if read.Windowed {
			err = newWindowedError("Kinesis")
		}
		return kinesisOrigin(ctx, read.Records, s).withBad(read.Bad).withUnread(read.Unread), err
	})
}

// DynamoDBHandler returns a Lambda handler for DynamoDB Streams. stage gets the same Stream
// as from [DynamoDB]. An event of a tumbling window is a [*PayloadError]; use
// [DynamoDBWindowHandler].
func DynamoDBHandler[T any](stage func(Stream[events.DynamoDBEventRecord]) Stream[T], opts ...Option) *Handler {
	return newHandler("DynamoDBHandler", stage, opts, func(ctx context.Context, payload []byte, s settings) (*origin[events.DynamoDBEventRecord], error) {
		read, err := wire.DynamoDB(payload)
		if read.Windowed {
			err = newWindowedError("DynamoDB")
		}
		return dynamoDBOrigin(ctx, read.Records, s).withBad(read.Bad).withUnread(read.Unread), err
	})
}

// newWindowedError is the error of an event of a tumbling window. To the service a
// response without a state is a failure, so it would redeliver the batch forever.
func newWindowedError(source string) error {
	return fmt.Errorf("expected a %s event, got one of a tumbling window: use %[1]sWindowHandler", source)
}

// KafkaHandler returns a Lambda handler for Kafka. stage gets the same Stream as from [Kafka],
// which says what the event source mapping needs.
func KafkaHandler[T any](stage func(Stream[events.KafkaRecord]) Stream[T], opts ...Option) *Handler {
	return newHandler("KafkaHandler", stage, opts, func(ctx context.Context, payload []byte, s settings) (*origin[events.KafkaRecord], error) {
		read, err := wire.Kafka(payload)
		var all kafkaRecords
		for _, r := range read.Records {
			offset := r.Offset
			if !r.Located {
				offset = unknownOffset
			}
			all.add(r.KafkaRecord, r.Partition, offset)
		}
		return kafkaOrigin(ctx, all, s).withBad(read.Bad).withUnread(read.Unread), err
	})
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
		o, err := read(ctx, payload, s.withDefaultLogger())
		if err != nil {
			return nil, &PayloadError{err}
		}
		c := newDrivenCollector[T]()
		response, err := c.answer(runPipeline(c, o, stage)).result()
		if err != nil {
			return nil, err
		}
		return response.MarshalJSON()
	}}
}

// runPipeline runs the stage over the batch of o, which it registers with the collector first.
func runPipeline[R, T any](c *collector[T], o *origin[R], stage func(Stream[R]) Stream[T]) ending {
	c.register(o.prepare())
	return c.drive(newPipeline(c, o.stream(), stage))
}

// withDefaultLogger looks up the default logger. Handlers call it per invocation, because
// the program may change the default.
func (s settings) withDefaultLogger() settings {
	if !s.loggerGiven {
		s.logger = slog.Default()
	}
	return s
}
