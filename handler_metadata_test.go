package batch_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// unreadableMetadata has an event per source, whose metadata has unexpected types.
var unreadableMetadata = map[string]struct {
	handler func(...batch.Option) *batch.Handler
	payload string
	answer  string
	fields  string
}{
	"SQS": {
		accepting[events.SQSMessage](batch.SQSHandler),
		`{"Records":[
			{"messageId":"1","attributes":{"SenderId":{"name":"x"},"SentTimestamp":1},"awsRegion":5},
			{"messageId":"2","attributes":{"SenderId":[]},"awsRegion":{}}]}`,
		`{"batchItemFailures":[]}`, "attributes.SenderId: an object, awsRegion: an object",
	},
	"Kinesis": {
		accepting[events.KinesisEventRecord](batch.KinesisHandler),
		`{"Records":[
			{"kinesis":{"sequenceNumber":"1","approximateArrivalTimestamp":"yesterday\u007f"}},
			{"kinesis":{"sequenceNumber":"2","approximateArrivalTimestamp":"2020-12-09T07:04:35Z"}}]}`,
		`{"batchItemFailures":[]}`, `kinesis.approximateArrivalTimestamp: "yesterday\u007f"`,
	},
	"DynamoDB": {
		accepting[events.DynamoDBEventRecord](batch.DynamoDBHandler),
		`{"Records":[
			{"dynamodb":{"SequenceNumber":"1","SizeBytes":1.5}},
			{"dynamodb":{"SequenceNumber":"2","ApproximateCreationDateTime":"1480641523.477"}}]}`,
		`{"batchItemFailures":[]}`, "dynamodb.SizeBytes: 1.5",
	},
	"Kafka": {
		accepting[events.KafkaRecord](batch.KafkaHandler),
		`{"records":{"b-0":[{"offset":1,"timestamp":[1]}],"a-0":[{"offset":1,"timestamp":1.5}]}}`,
		`{"batchItemFailures":[]}`, "timestamp: an array",
	},
	"Firehose": {
		func(opts ...batch.Option) *batch.Handler { return batch.FirehoseHandler(upper, opts...) },
		`{"deliveryStreamArn":"d","records":[
			{"recordId":"1","data":"YQ==","kinesisRecordMetadata":"x"},
			{"recordId":"2","data":"YQ==","kinesisRecordMetadata":{"subsequenceNumber":"0"}}]}`,
		`{"records":[{"recordId":"1","result":"Ok","data":"QQ=="},{"recordId":"2","result":"Ok","data":"QQ=="}]}`,
		`kinesisRecordMetadata: "x"`,
	},
	"window": {
		func(opts ...batch.Option) *batch.Handler {
			return batch.KinesisWindowHandler(batch.Each(func(context.Context, events.KinesisEventRecord) error { return nil }),
				func(n int, _ events.KinesisEventRecord) int { return n + 1 },
				func(context.Context, batch.Window, int) error { return nil }, opts...)
		},
		`{"window":{"start":"2020-12-09T07:04:00Z"},"eventSourceARN":[],"Records":[{"kinesis":{"sequenceNumber":"1"},"eventVersion":{}}]}`,
		`{"state":1,"batchItemFailures":[]}`, "eventSourceARN: an array, eventVersion: an object",
	},
}

// accepting makes a handler whose function succeeds.
func accepting[R any](handler func(func(batch.Stream[R]) batch.Stream[R], ...batch.Option) *batch.Handler) func(...batch.Option) *batch.Handler {
	return func(opts ...batch.Option) *batch.Handler {
		return handler(batch.Each(func(context.Context, R) error { return nil }), opts...)
	}
}

func TestRecordsWithUnreadableMetadataAreProcessedAndOneLogLineSaysSo(t *testing.T) {
	for name, test := range unreadableMetadata {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var j journal
			answer, err := test.handler(batch.WithLogger(slog.New(&j))).Invoke(t.Context(), []byte(test.payload))
			is.NoErr(err)
			is.Equal(string(answer), test.answer)
			is.Equal(j.lines, []string{"WARN () metadata that cannot be read: records were processed without it fields=" + test.fields})
			_, err = test.handler(batch.WithLogger(nil)).Invoke(t.Context(), []byte(test.payload))
			is.NoErr(err)
		})
	}
}

func TestTheLineAboutMetadataIsLoggedWithTheFailures(t *testing.T) {
	is := is.New(t)
	var j journal
	h := batch.SQSHandler(batch.Each(func(_ context.Context, m events.SQSMessage) error {
		return failingOn("b")(context.Background(), m.Body)
	}), batch.WithLogger(slog.New(&j)))
	answer, err := h.Invoke(t.Context(), []byte(`{"Records":[{"messageId":"1","body":"a","awsRegion":[]},{"messageId":"2","body":"b"}]}`))
	is.NoErr(err)
	is.Equal(string(answer), `{"batchItemFailures":[{"itemIdentifier":"2"}]}`)
	is.Equal(len(j.lines), 2)
	is.True(strings.HasPrefix(j.lines[0], "ERROR (2) record failed"))
	is.True(strings.HasSuffix(j.lines[1], "fields=awsRegion: an array"))
}
