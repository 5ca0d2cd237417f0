package otelbatch

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// attempt is how often the message was received. The conventions have no attribute for it.
const attempt = attribute.Key("batch.record.attempt")

// mostOwn is how many attributes a message has of its own, at most.
const mostOwn = 6

// attributesOf returns the attributes of the span of a record.
func (d *destination) attributesOf(r batch.Record) []attribute.KeyValue {
	all := append(make([]attribute.KeyValue, 0, len(d.attributes)+mostOwn), d.attributes...)
	if r.ID != "" {
		all = append(all, semconv.MessagingMessageID(valid(r.ID)))
	}
	if r.Attempt > 0 {
		all = append(all, attempt.Int(r.Attempt))
	}
	switch m := r.Source.(type) {
	case *events.SQSMessage:
		all = append(all, semconv.MessagingMessageBodySize(len(m.Body)))
	case *events.KinesisEventRecord:
		all = append(all, semconv.MessagingMessageBodySize(len(m.Kinesis.Data)))
		if shard, _, ok := strings.Cut(m.EventID, ":"); ok {
			all = append(all, semconv.MessagingDestinationPartitionID(valid(shard)))
		}
	case *events.DynamoDBEventRecord:
		all = append(all, semconv.MessagingMessageBodySize(int(m.Change.SizeBytes)))
	case *events.KinesisFirehoseEventRecord:
		all = append(all, semconv.MessagingMessageBodySize(len(m.Data)))
	case *events.KafkaRecord:
		all = appendKafka(all, m)
	}
	return all
}

func appendKafka(all []attribute.KeyValue, m *events.KafkaRecord) []attribute.KeyValue {
	all = append(all,
		semconv.MessagingDestinationPartitionID(strconv.FormatInt(m.Partition, 10)),
		semconv.MessagingKafkaOffset(int(m.Offset)),
		semconv.MessagingMessageBodySize(decodedLength(m.Value)),
	)
	if m.Value == "" {
		all = append(all, semconv.MessagingKafkaMessageTombstone(true))
	}
	// A key that is no text has no form that everybody would know.
	if key, err := base64.StdEncoding.DecodeString(m.Key); err == nil && len(key) > 0 && utf8.Valid(key) {
		all = append(all, semconv.MessagingKafkaMessageKey(string(key)))
	}
	return all
}

// decodedLength is the length of what a base64 text stands for.
func decodedLength(text string) int {
	return base64.RawStdEncoding.DecodedLen(len(strings.TrimRight(text, "=")))
}
