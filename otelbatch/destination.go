package otelbatch

// Queues, streams, tables and topics, and what their messages have in common.

import (
	"encoding/json"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// process is the name of the operation.
const process = "process"

// The conventions have no names for these systems. They follow those of aws.sns and of the
// databases of AWS; aws_sqs is older.
const (
	kinesis         = "aws.kinesis"
	dynamoDBStreams = "aws.dynamodb_streams"
	firehose        = "aws.firehose"
)

// An origin says where a record came from.
type origin struct {
	system string // messaging.system, "" if the record does not say
	entity string // an ARN, or the name of a topic
}

func originOf(r batch.Record) origin {
	switch m := r.Source.(type) {
	case *events.SQSMessage:
		return origin{semconv.MessagingSystemAWSSQS.Value.AsString(), m.EventSourceARN}
	case *events.KinesisEventRecord:
		return origin{kinesis, m.EventSourceArn}
	case *events.DynamoDBEventRecord:
		return origin{dynamoDBStreams, m.EventSourceArn}
	case *events.KafkaRecord:
		return origin{semconv.MessagingSystemKafka.Value.AsString(), m.Topic}
	case *events.KinesisFirehoseEventRecord:
		return origin{system: firehose}
	case *json.RawMessage:
		return originOfBroken(*m)
	}
	return origin{}
}

// originOfBroken reads what there is to read in a record that could not be decoded.
func originOfBroken(raw json.RawMessage) origin {
	var m struct{ EventSource, EventSourceARN, Topic, RecordID string }
	_ = json.Unmarshal(raw, &m) // each member that is broken stays empty
	switch {
	case m.EventSource == "aws:sqs":
		return origin{semconv.MessagingSystemAWSSQS.Value.AsString(), m.EventSourceARN}
	case m.EventSource == "aws:kinesis":
		return origin{kinesis, m.EventSourceARN}
	case m.EventSource == "aws:dynamodb":
		return origin{dynamoDBStreams, m.EventSourceARN}
	case m.Topic != "":
		return origin{semconv.MessagingSystemKafka.Value.AsString(), m.Topic}
	case m.RecordID != "":
		return origin{system: firehose}
	}
	return origin{}
}

// A destination is what the messages of one origin have in common.
type destination struct {
	origin
	spanName   string
	attributes []attribute.KeyValue

	measured attribute.Set // the attributes of metrics, of which there are fewer
	counted  metric.MeasurementOption
}

// destinations keeps the one that was asked for last: a function has one as a rule, and the
// records of a topic follow each other.
type destinations struct{ last atomic.Pointer[destination] }

func (all *destinations) of(r batch.Record) *destination {
	from := originOf(r)
	if d := all.last.Load(); d != nil && d.origin == from {
		return d
	}
	from.entity = strings.Clone(from.entity) // it may be a part of the whole event
	d := newDestination(from)
	all.last.Store(d)
	return d
}

// latest is the one that was asked for last.
func (all *destinations) latest() *destination {
	if d := all.last.Load(); d != nil {
		return d
	}
	return newDestination(origin{})
}

func newDestination(from origin) *destination {
	d := &destination{origin: from, spanName: process}
	name, more := from.details()
	all := []attribute.KeyValue{semconv.MessagingOperationName(process)}
	if from.system != "" {
		all = append(all, semconv.MessagingSystemKey.String(from.system))
	}
	if name != "" {
		all = append(all, semconv.MessagingDestinationName(name))
		d.spanName += " " + name
	}
	d.measured = attribute.NewSet(all...)
	d.counted = metric.WithAttributeSet(d.measured)
	d.attributes = append(append(all, semconv.MessagingOperationTypeProcess), more...)
	return d
}

// details returns the destination's name and what else the conventions have.
func (o origin) details() (name string, more []attribute.KeyValue) {
	switch o.system {
	case "":
		return "", nil
	case firehose:
		return "", []attribute.KeyValue{semconv.FaaSTriggerPubSub}
	case semconv.MessagingSystemKafka.Value.AsString():
		return valid(o.entity), []attribute.KeyValue{semconv.FaaSTriggerPubSub}
	}
	arn := arnOf(valid(o.entity))
	if arn.region != "" {
		more = append(more, semconv.CloudRegion(arn.region))
	}
	switch o.system {
	case dynamoDBStreams:
		name = arn.part("table/")
		return name, append(more, semconv.FaaSTriggerDatasource)
	case kinesis:
		if name = arn.part("stream/"); name != "" {
			more = append(more, semconv.AWSKinesisStreamName(name))
		}
	default:
		name = arn.resource
		if url := arn.queueURL(); url != "" {
			more = append(more, semconv.AWSSQSQueueURL(url))
		}
	}
	return name, append(more, semconv.FaaSTriggerPubSub)
}

type arn struct{ partition, region, account, resource string }

// arnOf reads an ARN. All is empty if the text is none.
func arnOf(text string) arn {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return arn{}
	}
	return arn{partition: parts[1], region: parts[3], account: parts[4], resource: parts[5]}
}

// part returns what follows the prefix of the resource, up to the next slash.
func (a arn) part(prefix string) string {
	rest, ok := strings.CutPrefix(a.resource, prefix)
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// queueURL is the URL of the queue, "" where the domain is not known.
func (a arn) queueURL() string {
	domain := map[string]string{"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}[a.partition]
	if domain == "" || a.region == "" || a.account == "" || a.resource == "" {
		return ""
	}
	return "https://sqs." + a.region + "." + domain + "/" + a.account + "/" + a.resource
}

// valid replaces what is not UTF-8, since exporters refuse everything that they have then.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
