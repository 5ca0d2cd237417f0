package otelbatch_test

import (
	"context"
	"encoding/base64"
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

// sampleEvent returns an event from the tests of aws-lambda-go.
func sampleEvent(t *testing.T, name string) []byte {
	t.Helper()
	is := is.New(t)
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	is.NoErr(err)
	event, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(module)), "events", "testdata", name))
	is.NoErr(err)
	return event
}

// firstSpan returns the span of the first record of an event.
func firstSpan(t *testing.T, spans tracer, h *batch.Handler, event []byte) sdktrace.ReadOnlySpan {
	t.Helper()
	is := is.New(t)
	_, err := h.Invoke(t.Context(), event)
	is.NoErr(err)
	is.True(len(spans.Ended()) > 0)
	return spans.Ended()[0]
}

func succeeding[R any]() batch.Stage[R, R] {
	return batch.Each(func(context.Context, R) error { return nil })
}

// withCommon adds the attributes that every span has.
func withCommon(attributes map[string]string) map[string]string {
	attributes["messaging.operation.name"] = "process"
	attributes["messaging.operation.type"] = "process"
	return attributes
}

func TestTheSpanOfAnSQSMessage(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	span := firstSpan(t, spans, batch.SQSHandler(succeeding[events.SQSMessage](), spans.option()), sampleEvent(t, "sqs-event.json"))
	is.Equal(span.Name(), "process SQSQueue")
	is.Equal(attributesOf(span), withCommon(map[string]string{
		"messaging.system": "aws_sqs", "messaging.destination.name": "SQSQueue", "messaging.message.id": "MessageID_1",
		"messaging.message.body.size": "12", "batch.record.attempt": "2", "cloud.region": "us-west-2", "faas.trigger": "pubsub",
		"aws.sqs.queue.url": "https://sqs.us-west-2.amazonaws.com/123456789012/SQSQueue",
	}))
}

func TestTheSpanOfAKinesisRecord(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	span := firstSpan(t, spans, batch.KinesisHandler(succeeding[events.KinesisEventRecord](), spans.option()), sampleEvent(t, "kinesis-event.json"))
	is.Equal(span.Name(), "process simple-stream")
	is.Equal(attributesOf(span), withCommon(map[string]string{
		"messaging.system": "aws.kinesis", "messaging.destination.name": "simple-stream", "aws.kinesis.stream_name": "simple-stream",
		"messaging.destination.partition.id": "shardId-000000000000",
		"messaging.message.id":               "49568167373333333333333333333333333333333333333333333333",
		"messaging.message.body.size":        "11", "cloud.region": "us-east-1", "faas.trigger": "pubsub",
	}))
}

func TestTheSpanOfADynamoDBRecord(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	span := firstSpan(t, spans, batch.DynamoDBHandler(succeeding[events.DynamoDBEventRecord](), spans.option()), sampleEvent(t, "dynamodb-event.json"))
	is.Equal(span.Name(), "process Example-Table")
	is.Equal(attributesOf(span), withCommon(map[string]string{
		"messaging.system": "aws.dynamodb_streams", "messaging.destination.name": "Example-Table",
		"messaging.message.id": "1405400000000002063282832", "messaging.message.body.size": "54",
		"cloud.region": "us-east-1", "faas.trigger": "datasource",
	}))
}

func TestTheSpanOfAKafkaRecord(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	span := firstSpan(t, spans, batch.KafkaHandler(succeeding[events.KafkaRecord](), spans.option()), sampleEvent(t, "kafka-event.json"))
	is.Equal(span.Name(), "process AWSKafkaTopic")
	is.Equal(attributesOf(span), withCommon(map[string]string{
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
	span := firstSpan(t, spans, batch.FirehoseHandler(process, spans.option()), sampleEvent(t, "kinesis-firehose-event.json"))
	is.Equal(span.Name(), "process") // the record does not name its delivery stream
	is.Equal(attributesOf(span), withCommon(map[string]string{
		"messaging.system": "aws.firehose", "messaging.message.id": "record1",
		"messaging.message.body.size": "11", "faas.trigger": "pubsub",
	}))
}

// kafkaAttributes returns the attributes of the record's span.
func kafkaAttributes(t *testing.T, record events.KafkaRecord) map[string]string {
	t.Helper()
	spans := newTracer()
	event := events.KafkaEvent{Records: map[string][]events.KafkaRecord{"topic-7": {record}}}
	_, err := batch.Run(batch.Kafka(t.Context(), event, spans.option()), succeeding[events.KafkaRecord]())
	is.New(t).NoErr(err)
	return attributesOf(spans.Ended()[0])
}

func TestATombstoneIsMarkedAndABinaryKeyIsOmitted(t *testing.T) {
	is := is.New(t)
	tombstone := kafkaAttributes(t, events.KafkaRecord{Topic: "topic", Partition: 7, Key: base64.StdEncoding.EncodeToString([]byte{0xff, 0})})
	is.Equal(tombstone["messaging.kafka.message.tombstone"], "true")
	is.Equal(tombstone["messaging.message.body.size"], "0")
	for name := range maps.Keys(tombstone) {
		is.True(name != "messaging.kafka.message.key")
	}
	other := kafkaAttributes(t, events.KafkaRecord{Topic: "topic", Partition: 7, Value: "YQ=="})
	is.Equal(other["messaging.message.body.size"], "1")
	is.Equal(other["messaging.kafka.message.tombstone"], "")
	is.Equal(other["messaging.destination.partition.id"], "7")
}
