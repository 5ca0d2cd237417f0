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

// attemptKey is how often the record has been received. The conventions have no attribute for it.
const attemptKey = attribute.Key("batch.record.attempt")

// maxRecordAttributes is how many attributes a record adds to those of its destination at most.
const maxRecordAttributes = 6

// attributesOf returns the attributes of the record's span.
func (d *destination) attributesOf(r batch.Record) []attribute.KeyValue {
	all := append(make([]attribute.KeyValue, 0, len(d.spanAttributes)+maxRecordAttributes), d.spanAttributes...)
	if r.ID != "" {
		all = append(all, semconv.MessagingMessageID(validUTF8(r.ID)))
	}
	if r.Attempt > 0 {
		all = append(all, attemptKey.Int(r.Attempt))
	}
	switch m := r.Source.(type) {
	case *events.SQSMessage:
		all = append(all, semconv.MessagingMessageBodySize(len(m.Body)))
	case *events.KinesisEventRecord:
		all = append(all, semconv.MessagingMessageBodySize(len(m.Kinesis.Data)))
		if shard, _, ok := strings.Cut(m.EventID, ":"); ok {
			all = append(all, semconv.MessagingDestinationPartitionID(validUTF8(shard)))
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
	// The conventions define no form for a binary key.
	if key, err := base64.StdEncoding.DecodeString(m.Key); err == nil && len(key) > 0 && utf8.Valid(key) {
		all = append(all, semconv.MessagingKafkaMessageKey(string(key)))
	}
	return all
}

// decodedLength returns how many bytes the base64 text encodes.
func decodedLength(text string) int {
	return base64.RawStdEncoding.DecodedLen(len(strings.TrimRight(text, "=")))
}
