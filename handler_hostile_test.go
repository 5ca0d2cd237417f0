package batch_test

// Payloads that a stranger has written, through every handler.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

// belongings are what the functions of an invocation have kept of its records.
type belongings []any

func (b *belongings) text() string {
	text, err := json.Marshal(b)
	return fmt.Sprint(string(text), err)
}

// keepAll keeps every record, and the JSON of those that do not decode.
func keepAll[R any](kept *belongings) func(batch.Stream[R]) batch.Stream[R] {
	return func(s batch.Stream[R]) batch.Stream[R] {
		s = batch.TryEach(s, func(_ context.Context, r R) error {
			*kept = append(*kept, r)
			return nil
		})
		return batch.Catch(s, func(ctx context.Context, err error) error {
			raw, _ := batch.SourceFrom[json.RawMessage](ctx)
			*kept = append(*kept, raw, err.Error())
			return err
		})
	}
}

func keepFirehose(kept *belongings) *batch.Handler {
	return batch.FirehoseHandler(func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		return batch.Map(keepAll[events.KinesisFirehoseEventRecord](kept)(s), func(r events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
			return batch.FirehoseRecord{Data: r.Data}
		})
	}, quiet)
}

func keepWindow(kept *belongings) *batch.Handler {
	count := func(n int, _ events.KinesisEventRecord) int { return n + 1 }
	end := func(context.Context, batch.Window, int) error { return nil }
	return batch.KinesisWindowHandler(keepAll[events.KinesisEventRecord](kept), count, end, quiet)
}

func TestNoPayloadMakesAHandlerPanicOrRetainTheBuffer(t *testing.T) {
	for name, c := range map[string]struct {
		payload []byte
		handler func(*belongings) *batch.Handler
	}{
		"SQS": {fifo.payload(recordSpecs("1:a@g 2:b@h 3:c@g", 2)), func(kept *belongings) *batch.Handler {
			return batch.SQSHandler(keepAll[events.SQSMessage](kept), quiet)
		}},
		"Kinesis": {kinesis.payload(recordSpecs("1:a 2:b 3:c", 1)), func(kept *belongings) *batch.Handler {
			return batch.KinesisHandler(keepAll[events.KinesisEventRecord](kept), quiet)
		}},
		"DynamoDB": {dynamoDB.payload(recordSpecs("1:a 2:b 3:c", 1)), func(kept *belongings) *batch.Handler {
			return batch.DynamoDBHandler(keepAll[events.DynamoDBEventRecord](kept), quiet)
		}},
		"Kafka": {kafkaPayload("Yg=="), func(kept *belongings) *batch.Handler {
			return batch.KafkaHandler(keepAll[events.KafkaRecord](kept), quiet)
		}},
		"Firehose": {[]byte(`{"invocationId":"i","deliveryStreamArn":"a","records":[{"recordId":"1","data":"YQ=="},{"recordId":"2","data":"Yg=="}]}`), keepFirehose},
		"a window": {windowPayload(t, "1", false, "a", "b"), keepWindow},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				payload := corrupted(t, c.payload)
				var kept belongings
				response, err := c.handler(&kept).Invoke(context.Background(), payload)
				before := kept.text()
				for i := range payload {
					payload[i] = 'x'
				}
				if after := kept.text(); after != before {
					t.Fatalf("the records were\n%s, and with another payload in the buffer they are\n%s", before, after)
				}
				if err == nil && !json.Valid(response) {
					t.Fatalf("no JSON: %q", response)
				}
			})
		})
	}
}

// corrupted writes drawn bits of JSON and other bytes over parts of a payload.
func corrupted(t *rapid.T, payload []byte) []byte {
	bits := rapid.OneOf(
		rapid.SampledFrom([]string{
			"", "null", "{}", "[]", "[", "}", `"`, `"a`, `,`, `:5`, "1e999", "-1", `"\u007f\n"`, "\x7f", "\xff", `"\ud800"`, `{"S":[]}`, `"%"`, `"Records"`,
		}),
		rapid.String(),
	)
	for range rapid.IntRange(0, 4).Draw(t, "corruptions") {
		from := rapid.IntRange(0, len(payload)).Draw(t, "from")
		to := min(len(payload), from+rapid.IntRange(0, 12).Draw(t, "length"))
		payload = bytes.Join([][]byte{payload[:from], payload[to:]}, []byte(bits.Draw(t, "bits")))
	}
	return bytes.Clone(payload)
}

// plainMessages fails the test where a message has what came with a record. The handler of package log, which is
// slog's default, writes messages as they are, and escapes attributes only.
type plainMessages struct {
	slog.Handler
	t *testing.T
}

func (h plainMessages) Handle(ctx context.Context, r slog.Record) error {
	if strings.ContainsFunc(r.Message, unicode.IsControl) {
		h.t.Errorf("message with control characters: %q", r.Message)
	}
	return h.Handler.Handle(ctx, r)
}

func TestNoRecordOrErrorForgesALineOfTheLog(t *testing.T) {
	const forged = "x\nlevel=ERROR msg=forged\r\n\x1b[31m"
	id, err := json.Marshal(forged)
	is.New(t).NoErr(err)
	payload := fmt.Appendf(nil, `{"Records":[
		{"messageId":%[1]s,"attributes":{"MessageGroupId":%[1]s},"body":"a","eventSourceARN":"queue.fifo"},
		{"messageId":"b","body":5,%[1]s:5,"awsRegion":[%[1]s]},
		{"messageId":"c","body":"panics"}]}`, id)
	var text, structured bytes.Buffer
	for name, c := range map[string]struct {
		log     *bytes.Buffer
		handler slog.Handler
	}{
		"text": {&text, slog.NewTextHandler(&text, nil)},
		"JSON": {&structured, slog.NewJSONHandler(&structured, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			_, err := batch.SQSHandler(batch.Each(func(_ context.Context, m events.SQSMessage) error {
				if m.Body == "panics" {
					panic(forged)
				}
				return errors.New(forged)
			}), batch.WithLogger(slog.New(plainMessages{c.handler, t}))).Invoke(t.Context(), payload)
			is.True(err != nil)
			lines := strings.Split(strings.TrimSuffix(c.log.String(), "\n"), "\n")
			is.Equal(len(lines), 4) // three failures and the metadata
			for _, line := range lines {
				is.True(!strings.ContainsFunc(line, unicode.IsControl))
			}
		})
	}
}
