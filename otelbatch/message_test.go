package otelbatch_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// real is an event from the tests of aws-lambda-go.
func real(t *testing.T, name string) []byte {
	t.Helper()
	is := is.New(t)
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	is.NoErr(err)
	event, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(module)), "events", "testdata", name))
	is.NoErr(err)
	return event
}

// first is the span of the first record of an event.
func first(t *testing.T, spans tracer, h *batch.Handler, event []byte) sdktrace.ReadOnlySpan {
	t.Helper()
	is := is.New(t)
	_, err := h.Invoke(t.Context(), event)
	is.NoErr(err)
	is.True(len(spans.Ended()) > 0)
	return spans.Ended()[0]
}

func passing[R any]() batch.Stage[R, R] {
	return batch.Each(func(context.Context, R) error { return nil })
}

// with adds what every span has.
func with(attributes map[string]string) map[string]string {
	attributes["messaging.operation.name"] = "process"
	attributes["messaging.operation.type"] = "process"
	return attributes
}

func TestTheSpanOfAnSQSMessage(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	span := first(t, spans, batch.SQSHandler(passing[events.SQSMessage](), spans.option()), real(t, "sqs-event.json"))
	is.Equal(span.Name(), "process SQSQueue")
	is.Equal(attributesOf(span), with(map[string]string{
		"messaging.system": "aws_sqs", "messaging.destination.name": "SQSQueue", "messaging.message.id": "MessageID_1",
		"messaging.message.body.size": "12", "batch.record.attempt": "2", "cloud.region": "us-west-2", "faas.trigger": "pubsub",
		"aws.sqs.queue.url": "https://sqs.us-west-2.amazonaws.com/123456789012/SQSQueue",
	}))
}

func TestTheSpanOfAKinesisRecord(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	span := first(t, spans, batch.KinesisHandler(passing[events.KinesisEventRecord](), spans.option()), real(t, "kinesis-event.json"))
	is.Equal(span.Name(), "process simple-stream")
	is.Equal(attributesOf(span), with(map[string]string{
		"messaging.system": "aws.kinesis", "messaging.destination.name": "simple-stream", "aws.kinesis.stream_name": "simple-stream",
		"messaging.destination.partition.id": "shardId-000000000000",
		"messaging.message.id":               "49568167373333333333333333333333333333333333333333333333",
		"messaging.message.body.size":        "11", "cloud.region": "us-east-1", "faas.trigger": "pubsub",
	}))
}

func TestTheSpanOfADynamoDBRecord(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	span := first(t, spans, batch.DynamoDBHandler(passing[events.DynamoDBEventRecord](), spans.option()), real(t, "dynamodb-event.json"))
	is.Equal(span.Name(), "process Example-Table")
	is.Equal(attributesOf(span), with(map[string]string{
		"messaging.system": "aws.dynamodb_streams", "messaging.destination.name": "Example-Table",
		"messaging.message.id": "1405400000000002063282832", "messaging.message.body.size": "54",
		"cloud.region": "us-east-1", "faas.trigger": "datasource",
	}))
}

func TestTheSpanOfAKafkaRecord(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	span := first(t, spans, batch.KafkaHandler(passing[events.KafkaRecord](), spans.option()), real(t, "kafka-event.json"))
	is.Equal(span.Name(), "process AWSKafkaTopic")
	is.Equal(attributesOf(span), with(map[string]string{
		"messaging.system": "kafka", "messaging.destination.name": "AWSKafkaTopic", "messaging.destination.partition.id": "0",
		"messaging.kafka.offset": "0", "messaging.kafka.message.key": "8d5596b4-1813-4238-b24b-6dad8e3d1c0c",
		"messaging.message.id": "AWSKafkaTopic-0/0", "messaging.message.body.size": "36", "faas.trigger": "pubsub",
	}))
}

func TestTheSpanOfAFirehoseRecord(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	process := func(s batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		return batch.Map(s, func(r events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
			return batch.FirehoseRecord{Data: r.Data}
		})
	}
	span := first(t, spans, batch.FirehoseHandler(process, spans.option()), real(t, "kinesis-firehose-event.json"))
	is.Equal(span.Name(), "process") // the record does not say of which delivery stream it is
	is.Equal(attributesOf(span), with(map[string]string{
		"messaging.system": "aws.firehose", "messaging.message.id": "record1",
		"messaging.message.body.size": "11", "faas.trigger": "pubsub",
	}))
}

// kafkaSpan is the span of one record.
func kafkaSpan(t *testing.T, record events.KafkaRecord) map[string]string {
	t.Helper()
	spans := newTracer()
	event := events.KafkaEvent{Records: map[string][]events.KafkaRecord{"topic-7": {record}}}
	_, err := batch.Run(batch.Kafka(t.Context(), event, spans.option()), passing[events.KafkaRecord]())
	is.New(t).NoErr(err)
	return attributesOf(spans.Ended()[0])
}

func TestATombstoneSaysSoAndABinaryKeyIsLeftOut(t *testing.T) {
	is := is.New(t)
	tombstone := kafkaSpan(t, events.KafkaRecord{Topic: "topic", Partition: 7, Key: base64.StdEncoding.EncodeToString([]byte{0xff, 0})})
	is.Equal(tombstone["messaging.kafka.message.tombstone"], "true")
	is.Equal(tombstone["messaging.message.body.size"], "0")
	for name := range maps.Keys(tombstone) {
		is.True(name != "messaging.kafka.message.key")
	}
	other := kafkaSpan(t, events.KafkaRecord{Topic: "topic", Partition: 7, Value: "YQ=="})
	is.Equal(other["messaging.message.body.size"], "1")
	is.Equal(other["messaging.kafka.message.tombstone"], "")
	is.Equal(other["messaging.destination.partition.id"], "7")
}

// TestTheDestinationIsReadFromTheARN has the names of spans by ARN, and the URLs of queues.
func TestTheDestinationIsReadFromTheARN(t *testing.T) {
	is := is.New(t)
	for arn, want := range map[string][2]string{
		"arn:aws-cn:sqs:cn-north-1:1:q.fifo":   {"process q.fifo", "https://sqs.cn-north-1.amazonaws.com.cn/1/q.fifo"},
		"arn:aws-us-gov:sqs:us-gov-west-1:1:q": {"process q", "https://sqs.us-gov-west-1.amazonaws.com/1/q"},
		"arn:aws-new:sqs:moon-1:1:q":           {"process q", ""},
		"arn:aws:sqs:::q":                      {"process q", ""},
		"orders":                               {"process", ""},
		"arn:aws:sqs":                          {"process", ""},
		"":                                     {"process", ""},
		"arn:aws:sqs:r:1:\xff":                 {"process \uFFFD", "https://sqs.r.amazonaws.com/1/\uFFFD"},
	} {
		spans := newTracer()
		_, err := batch.Run(batch.SQS(t.Context(), messages(arn, ""), spans.option()), each(nothing))
		is.NoErr(err)
		span := spans.Ended()[0]
		is.Equal([2]string{span.Name(), attributesOf(span)["aws.sqs.queue.url"]}, want)
	}
	for arn, want := range map[string]string{
		"arn:aws:kinesis:r:1:stream/s/consumer/c:1": "process s", // enhanced fan-out
		"arn:aws:kinesis:r:1:stream/s":              "process s",
		"arn:aws:kinesis:r:1:other/s":               "process",
	} {
		spans := newTracer()
		event := events.KinesisEvent{Records: []events.KinesisEventRecord{{EventSourceArn: arn}}}
		event.Records[0].Kinesis.SequenceNumber = "1"
		_, err := batch.Run(batch.Kinesis(t.Context(), event, spans.option()), passing[events.KinesisEventRecord]())
		is.NoErr(err)
		is.Equal(spans.Ended()[0].Name(), want)
	}
}

func TestEachMessageHasTheDestinationThatItCameFrom(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	event := messages(queue, "", "", "")
	event.Records[1].EventSourceARN = "arn:aws:sqs:eu-west-1:123456789012:refunds"
	_, err := batch.Run(batch.SQS(t.Context(), event, spans.option()), each(nothing))
	is.NoErr(err)
	var names []string
	for _, span := range spans.Ended() {
		names = append(names, span.Name())
	}
	is.Equal(names, []string{"process orders", "process refunds", "process orders"})
}

// TestARecordThatDidNotDecodeIsKnownByWhatCanBeRead has records that cannot be decoded, of each source.
func TestARecordThatDidNotDecodeIsKnownByWhatCanBeRead(t *testing.T) {
	for payload, want := range map[string][2]string{
		`{"eventSource":"aws:kinesis","eventSourceARN":"arn:aws:kinesis:r:1:stream/s","kinesis":7}`: {"process s", "aws.kinesis"},
		`{"eventSource":"aws:dynamodb","eventSourceARN":"arn:aws:dynamodb:r:1:table/t/stream/1"}`:   {"process t", "aws.dynamodb_streams"},
		`{"topic":"orders","partition":0,"offset":7,"value":{}}`:                                    {"process orders", "kafka"},
		`{"recordId":"r","data":7}`: {"process", "aws.firehose"},
		`{"something":"else"}`:      {"process", ""},
	} {
		is := is.New(t)
		spans := newTracer()
		source := batch.From(t.Context(), []json.RawMessage{json.RawMessage(payload)},
			func(json.RawMessage) batch.Record { return batch.Record{ID: "r"} }, spans.option())
		_, err := batch.Run(source, passing[json.RawMessage]())
		is.NoErr(err)
		span := spans.Ended()[0]
		is.Equal([2]string{span.Name(), attributesOf(span)["messaging.system"]}, want)
	}
}
