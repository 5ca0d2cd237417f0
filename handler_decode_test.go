package batch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// undecodable invokes the handler of each source with three records or more, of which one cannot be decoded.
var undecodable = map[string]struct {
	invoke  func(ctx context.Context, look func(context.Context), opts ...batch.Option) ([]byte, error)
	handled int // records that can be decoded
	id      string
}{
	"SQS": {func(ctx context.Context, look func(context.Context), opts ...batch.Option) ([]byte, error) {
		return invokeLooking(ctx, batch.SQSHandler[events.SQSMessage], look, standard.payload(recordSpecs("1:a 2:b 3:c", 1)), `"b"`, `17`, opts)
	}, 2, `"2"`},
	"Kinesis": {func(ctx context.Context, look func(context.Context), opts ...batch.Option) ([]byte, error) {
		return invokeLooking(ctx, batch.KinesisHandler[events.KinesisEventRecord], look, kinesis.payload(recordSpecs("1:a 2:b 3:c", 1)), `"Yg=="`, `"!"`, opts)
	}, 2, `"2"`},
	"DynamoDB": {func(ctx context.Context, look func(context.Context), opts ...batch.Option) ([]byte, error) {
		return invokeLooking(ctx, batch.DynamoDBHandler[events.DynamoDBEventRecord], look, dynamoDB.payload(recordSpecs("1:a 2:b 3:c", 1)), `{"S":"b"}`, `{"X":"b"}`, opts)
	}, 2, `"2"`},
	"Kafka": {func(ctx context.Context, look func(context.Context), opts ...batch.Option) ([]byte, error) {
		return invokeLooking(ctx, batch.KafkaHandler[events.KafkaRecord], look, kafkaPayload("Yg=="), `"Yg=="`, `17`, opts)
	}, 3, `{"partition":"a-0","offset":4}`},
}

// invokeLooking replaces a good value in the payload by a bad one, and calls look with the context of each record.
func invokeLooking[R any](
	ctx context.Context,
	handler func(func(batch.Stream[R]) batch.Stream[R], ...batch.Option) *batch.Handler,
	look func(context.Context),
	payload []byte, good, bad string,
	opts []batch.Option,
) ([]byte, error) {
	if bytes.Count(payload, []byte(good)) != 1 {
		panic("not once in the payload: " + good)
	}
	h := handler(func(s batch.Stream[R]) batch.Stream[R] {
		s = batch.TryEach(s, func(ctx context.Context, r R) error {
			if source, ok := batch.SourceFrom[R](ctx); !ok || source == nil {
				return errors.New("no source")
			}
			look(ctx)
			return nil
		})
		return batch.Catch(s, func(ctx context.Context, err error) error { look(ctx); return err })
	}, append(opts, batch.WithLogger(nil))...)
	return h.Invoke(ctx, bytes.Replace(payload, []byte(good), []byte(bad), 1))
}

func TestARecordThatCannotBeDecodedFailsAlone(t *testing.T) {
	for name, test := range undecodable {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var report batch.Report
			handled, caught := 0, 0
			look := func(ctx context.Context) {
				raw, undecoded := batch.SourceFrom[json.RawMessage](ctx)
				if !undecoded {
					handled++
					return
				}
				caught++
				is.True(json.Valid(*raw))
				r, _ := batch.RecordFrom(ctx)
				is.True(r.Source == any(raw))
			}
			response, err := test.invoke(t.Context(), look, batch.WithPolicy(batch.Continue), reportInto(&report))
			is.NoErr(err)
			is.Equal(string(response), `{"batchItemFailures":[{"itemIdentifier":`+test.id+`}]}`)
			is.Equal(handled, test.handled)
			is.Equal(caught, 1)
			var bad *batch.DecodeError
			is.True(errors.As(report.Failures[0].Err, &bad))
			is.Equal(bad.ID, report.Failures[0].Record.ID)
			is.True(bad.Field != "")
			is.True(strings.HasPrefix(bad.Error(), bad.Field+": "))
			is.True(!strings.Contains(bad.Error(), bad.ID)) // the log line and AllFailedError name the record
		})
	}
}

func TestSettlingAnUndecodableRecordLetsItsShardContinue(t *testing.T) {
	is := is.New(t)
	calls := 0
	h := batch.KinesisHandler(func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[events.KinesisEventRecord] {
		s = batch.Catch(s, func(ctx context.Context, err error) error {
			var bad *batch.DecodeError
			if errors.As(err, &bad) {
				return nil // a real function would send it to a dead-letter queue first
			}
			return err
		})
		return batch.TryEach(s, func(context.Context, events.KinesisEventRecord) error { calls++; return nil })
	})
	response, err := h.Invoke(t.Context(), bytes.Replace(kinesis.payload(recordSpecs("1:a 2:b 3:c", 1)), []byte(`"Yg=="`), []byte(`"!"`), 1))
	is.NoErr(err)
	is.Equal(string(response), `{"batchItemFailures":[]}`)
	is.Equal(calls, 2)
}

func TestAnUndecodableRecordWithoutAnIdentifierIsAnErrorForTheBatch(t *testing.T) {
	is := is.New(t)
	h := standard.handler(func(string) error { return nil })
	_, err := h.Invoke(t.Context(), []byte(`{"Records":[{"eventSource":"aws:sqs","messageId":5,"body":"a"},{"eventSource":"aws:sqs","messageId":"m","body":"b"}]}`))
	is.True(errors.Is(err, batch.ErrNoID))
	_, err = h.Invoke(t.Context(), []byte(`{"Records":[17,{"eventSource":"aws:sqs","messageId":"m","body":"b"}]}`))
	is.True(errors.Is(err, batch.ErrNoID))
}

func TestAKafkaRecordWithoutAnOffsetIsNotReportedAsAnother(t *testing.T) {
	is := is.New(t)
	fail := batch.Each(func(context.Context, events.KafkaRecord) error { return errors.New("no good") })
	for _, offset := range []string{``, `"offset":null,`, `"offset":"7",`, `"offset":1e40,`} {
		_, err := batch.KafkaHandler(fail, quiet).Invoke(t.Context(), fmt.Appendf(nil,
			`{"eventSource":"aws:kafka","records":{"orders-0":[{"offset":6,"value":""},{%s"value":""}]}}`, offset))
		is.True(errors.Is(err, batch.ErrNoID))
	}
}

func TestAPayloadThatIsNotAnEventOfTheSourceIsAnErrorAndCallsNoFunction(t *testing.T) {
	payloads := map[string][]byte{
		"nothing":           nil,
		"not JSON":          []byte("<xml/>"),
		"cut off":           []byte(`{"Records":[{"messageId":"1"`),
		"null":              []byte(`null`),
		"not an object":     []byte(`[1,2]`),
		"no records":        []byte(`{}`),
		"null records":      []byte(`{"Records":null,"records":null}`),
		"another top level": []byte(`{"version":"2.0","rawPath":"/"}`),
		"S3":                []byte(`{"Records":[{"eventSource":"aws:s3","s3":{}}]}`),
		"Firehose":          []byte(`{"invocationId":"i","deliveryStreamArn":"arn","records":[{"recordId":"1","data":"YQ=="}]}`),
		"SQS":               standard.payload(recordSpecs("1:a", 1)),
		"Kinesis":           kinesis.payload(recordSpecs("1:a", 1)),
		"DynamoDB":          dynamoDB.payload(recordSpecs("1:a", 1)),
		"Kafka":             kafkaPayload("Yg=="),
	}
	handlers := map[string]*batch.Handler{
		"SQS":      neverCalled(t, batch.SQSHandler[events.SQSMessage]),
		"Kinesis":  neverCalled(t, batch.KinesisHandler[events.KinesisEventRecord]),
		"DynamoDB": neverCalled(t, batch.DynamoDBHandler[events.DynamoDBEventRecord]),
		"Kafka":    neverCalled(t, batch.KafkaHandler[events.KafkaRecord]),
	}
	for source, h := range handlers {
		for name, payload := range payloads {
			if name == source {
				continue
			}
			t.Run(source+"/"+name, func(t *testing.T) {
				is := is.New(t)
				response, err := h.Invoke(t.Context(), payload)
				is.True(err != nil)
				is.Equal(response, nil)
				is.True(strings.Contains(err.Error(), source))
				is.True(strings.Contains(err.Error(), "got"))
			})
		}
	}
}

func neverCalled[R any](t *testing.T, handler func(func(batch.Stream[R]) batch.Stream[R], ...batch.Option) *batch.Handler) *batch.Handler {
	return handler(batch.Each(func(context.Context, R) error { t.Error("called"); return nil }))
}
