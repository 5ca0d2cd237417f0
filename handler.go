package batch

// Handlers take the payload of an invocation and give back the response.

import (
	"context"
	"fmt"
	"log/slog"

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
// A payload that is no event of the handler's source is a [*PayloadError]. Other errors are
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

// SQSHandler makes a Lambda handler for the messages of a queue; see [SQS].
func SQSHandler[T any](stage func(Stream[events.SQSMessage]) Stream[T], opts ...Option) *Handler {
	return newHandler("SQSHandler", stage, opts, func(ctx context.Context, payload []byte, s settings) (*origin[events.SQSMessage], error) {
		read, err := wire.SQS(payload)
		return sqsOrigin(ctx, read.Records, s).withBad(read.Bad).withUnread(read.Unread), err
	})
}

// KinesisHandler makes a Lambda handler for a Kinesis stream; see [Kinesis]. An event of a
// tumbling window is an error: [KinesisWindowHandler] answers those.
func KinesisHandler[T any](stage func(Stream[events.KinesisEventRecord]) Stream[T], opts ...Option) *Handler {
	return newHandler("KinesisHandler", stage, opts, func(ctx context.Context, payload []byte, s settings) (*origin[events.KinesisEventRecord], error) {
		read, err := wire.Kinesis(payload)
		if err == nil && read.Windowed {
			err = newWindowedError("Kinesis")
		}
		return kinesisOrigin(ctx, read.Records, s).withBad(read.Bad).withUnread(read.Unread), err
	})
}

// DynamoDBHandler makes a Lambda handler for the stream of a table; see
// [DynamoDB]. An event of a tumbling window is an error: [DynamoDBWindowHandler]
// answers those.
func DynamoDBHandler[T any](stage func(Stream[events.DynamoDBEventRecord]) Stream[T], opts ...Option) *Handler {
	return newHandler("DynamoDBHandler", stage, opts, func(ctx context.Context, payload []byte, s settings) (*origin[events.DynamoDBEventRecord], error) {
		read, err := wire.DynamoDB(payload)
		if err == nil && read.Windowed {
			err = newWindowedError("DynamoDB")
		}
		return dynamoDBOrigin(ctx, read.Records, s).withBad(read.Bad).withUnread(read.Unread), err
	})
}

// errWindowed is the error of an event of a tumbling window. The service fails an answer
// without state, and would deliver the batch for ever.
func newWindowedError(source string) error {
	return fmt.Errorf("expected a %s event, got one of a tumbling window: %[1]sWindowHandler answers those", source)
}

// KafkaHandler makes a Lambda handler for Kafka topics; see [Kafka].
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

// process runs the pipeline over a batch that is known already.
func runPipeline[R, T any](c *collector[T], o *origin[R], stage func(Stream[R]) Stream[T]) ending {
	c.register(o.prepare())
	return c.drive(bind(c, o.stream(), stage))
}

// inInvocation looks the default logger up, which the program may have changed.
func (s settings) withDefaultLogger() settings {
	if !s.loggerGiven {
		s.logger = slog.Default()
	}
	return s
}
