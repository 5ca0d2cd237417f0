package otelbatch

// Queues, streams, tables and topics, and the attributes that their records share.

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

const operationName = "process"

// Values of messaging.system for systems that the conventions do not name. They follow aws.sns
// and aws.dynamodb, which are newer than aws_sqs.
const (
	kinesis         = "aws.kinesis"
	dynamoDBStreams = "aws.dynamodb_streams"
	firehose        = "aws.firehose"
)

// An origin is where a record came from.
type origin struct {
	system     string // messaging.system, "" if unknown
	arnOrTopic string
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
		return originOfUndecoded(*m)
	}
	return origin{}
}

// originOfUndecoded returns the origin of a record that could not be decoded, as far as its JSON
// tells.
func originOfUndecoded(raw json.RawMessage) origin {
	var m struct{ EventSource, EventSourceARN, Topic, RecordID string }
	_ = json.Unmarshal(raw, &m) // a member that does not decode stays empty
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

// A destination is a queue, stream, table or topic. It has the attributes that the spans and
// measurements of its records share.
type destination struct {
	origin
	spanName         string
	spanAttributes   []attribute.KeyValue
	metricAttributes attribute.Set            // fewer, to keep the number of series low
	onSuccess        metric.MeasurementOption // metricAttributes, for acknowledged records
}

// A destinationCache holds the destination used last. One is enough: most functions have a
// single destination, and the records of one topic are adjacent.
type destinationCache struct{ last atomic.Pointer[destination] }

func (c *destinationCache) of(r batch.Record) *destination {
	from := originOf(r)
	if d := c.last.Load(); d != nil && d.origin == from {
		return d
	}
	from.arnOrTopic = strings.Clone(from.arnOrTopic) // the original may keep the whole event in memory
	d := newDestination(from)
	c.last.Store(d)
	return d
}

// latest returns the destination used last.
func (c *destinationCache) latest() *destination {
	if d := c.last.Load(); d != nil {
		return d
	}
	return newDestination(origin{})
}

func newDestination(from origin) *destination {
	d := &destination{origin: from, spanName: operationName}
	name, more := from.nameAndAttributes()
	all := []attribute.KeyValue{semconv.MessagingOperationName(operationName)}
	if from.system != "" {
		all = append(all, semconv.MessagingSystemKey.String(from.system))
	}
	if name != "" {
		all = append(all, semconv.MessagingDestinationName(name))
		d.spanName += " " + name
	}
	d.metricAttributes = attribute.NewSet(all...)
	d.onSuccess = metric.WithAttributeSet(d.metricAttributes)
	d.spanAttributes = append(append(all, semconv.MessagingOperationTypeProcess), more...)
	return d
}

// onFailure returns the attributes for the measurements of reported records.
func (d *destination) onFailure(errorType string) metric.MeasurementOption {
	all := append(d.metricAttributes.ToSlice(), semconv.ErrorTypeKey.String(errorType))
	return metric.WithAttributeSet(attribute.NewSet(all...))
}

// nameAndAttributes returns the destination's name and the attributes that only spans have.
func (o origin) nameAndAttributes() (name string, more []attribute.KeyValue) {
	switch o.system {
	case "":
		return "", nil
	case firehose:
		return "", []attribute.KeyValue{semconv.FaaSTriggerPubSub}
	case semconv.MessagingSystemKafka.Value.AsString():
		return validUTF8(o.arnOrTopic), []attribute.KeyValue{semconv.FaaSTriggerPubSub}
	}
	arn := parseARN(validUTF8(o.arnOrTopic))
	if arn.region != "" {
		more = append(more, semconv.CloudRegion(arn.region))
	}
	switch o.system {
	case dynamoDBStreams:
		name = arn.nameAfter("table/")
		return name, append(more, semconv.FaaSTriggerDatasource)
	case kinesis:
		if name = arn.nameAfter("stream/"); name != "" {
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

// parseARN returns the zero arn if the text is not an ARN.
func parseARN(text string) arn {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return arn{}
	}
	return arn{partition: parts[1], region: parts[3], account: parts[4], resource: parts[5]}
}

// nameAfter returns the part of the resource between the prefix and the next slash.
func (a arn) nameAfter(prefix string) string {
	rest, ok := strings.CutPrefix(a.resource, prefix)
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// queueURL returns the URL of the queue, or "" if the domain of the partition is unknown.
func (a arn) queueURL() string {
	domain := map[string]string{"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}[a.partition]
	if domain == "" || a.region == "" || a.account == "" || a.resource == "" {
		return ""
	}
	return "https://sqs." + a.region + "." + domain + "/" + a.account + "/" + a.resource
}

// validUTF8 replaces invalid bytes. An exporter would refuse them, and all other spans with them.
func validUTF8(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
