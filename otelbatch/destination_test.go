package otelbatch_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

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
		_, err := batch.Run(batch.SQS(t.Context(), messages(arn, ""), spans.option()), each(succeed))
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
		_, err := batch.Run(batch.Kinesis(t.Context(), event, spans.option()), succeeding[events.KinesisEventRecord]())
		is.NoErr(err)
		is.Equal(spans.Ended()[0].Name(), want)
	}
}

func TestEachMessageHasTheDestinationThatItCameFrom(t *testing.T) {
	is := is.New(t)
	spans := newTracer()
	event := messages(queue, "", "", "")
	event.Records[1].EventSourceARN = "arn:aws:sqs:eu-west-1:123456789012:refunds"
	_, err := batch.Run(batch.SQS(t.Context(), event, spans.option()), each(succeed))
	is.NoErr(err)
	var names []string
	for _, span := range spans.Ended() {
		names = append(names, span.Name())
	}
	is.Equal(names, []string{"process orders", "process refunds", "process orders"})
}

func TestAnUndecodableRecordIsDescribedByItsReadableFields(t *testing.T) {
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
		_, err := batch.Run(source, succeeding[json.RawMessage]())
		is.NoErr(err)
		span := spans.Ended()[0]
		is.Equal([2]string{span.Name(), attributesOf(span)["messaging.system"]}, want)
	}
}
