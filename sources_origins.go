package batch

// What the events of each source say about their records.

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/lambdabatch/batch/internal/wire"
)

func sqsOrigin(ctx context.Context, messages []events.SQSMessage, s settings) *origin[events.SQSMessage] {
	policy := Continue
	for i := range messages {
		if strings.HasSuffix(messages[i].EventSourceARN, ".fifo") {
			policy = StopGroup
			break
		}
	}
	o := newOrigin(ctx, messages, s, policy)
	o.batch.identifier = func(m any) identity { return identity{id: m.(*events.SQSMessage).MessageId} }
	for i := range messages {
		if attributes := messages[i].Attributes; len(attributes) > 0 {
			if o.batch.ordered == nil {
				o.batch.ordered = make([]ordering, len(messages))
			}
			o.batch.ordered[i] = sqsOrdering(attributes)
		}
	}
	o.batch.groupsInRecords = true
	return o
}

func sqsOrdering(attributes map[string]string) ordering {
	o := ordering{group: attributes["MessageGroupId"]}
	if count := attributes["ApproximateReceiveCount"]; count != "" { // an error costs an allocation
		attempt, _ := strconv.Atoi(count)
		o.number = int64(attempt)
	}
	return o
}

func kinesisOrigin(ctx context.Context, records []events.KinesisEventRecord, s settings) *origin[events.KinesisEventRecord] {
	o := newOrigin(ctx, records, s, StopBatch)
	o.batch.identifier = func(r any) identity {
		k := &r.(*events.KinesisEventRecord).Kinesis
		return identity{k.SequenceNumber, ordering{group: k.PartitionKey}}
	}
	o.batch.groupsInRecords = true
	return o
}

func dynamoDBOrigin(ctx context.Context, records []events.DynamoDBEventRecord, s settings) *origin[events.DynamoDBEventRecord] {
	o := newOrigin(ctx, records, s, StopBatch)
	o.batch.identifier = func(r any) identity { return identity{id: r.(*events.DynamoDBEventRecord).Change.SequenceNumber} }
	o.batch.groupsAreItemKeys = true
	o.batch.ordered = make([]ordering, len(records))
	var key []byte
	for i := range records {
		key = appendKey(key[:0], records[i].Change.Keys)
		o.batch.ordered[i].group = string(key)
	}
	o.batch.groupsInRecords = true
	return o
}

// appendKey appends a text of the item's key that differs for different keys. Attributes
// are strings, numbers or bytes, so the text contains their types.
func appendKey(b []byte, keys map[string]events.DynamoDBAttributeValue) []byte {
	if len(keys) <= 1 { // most have one attribute
		for name, value := range keys {
			b = appendAttribute(b, name, value)
		}
		return b
	}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		b = appendAttribute(b, name, keys[name])
	}
	return b
}

func appendAttribute(b []byte, name string, value events.DynamoDBAttributeValue) []byte {
	switch value.DataType() {
	case events.DataTypeString:
		b = append(strconv.AppendQuote(b, name), `{"S":`...)
		b, _ = jsontext.AppendQuote(b, value.String())
		return append(b, '}')
	case events.DataTypeNumber:
		b = append(strconv.AppendQuote(b, name), `{"N":`...)
		b, _ = jsontext.AppendQuote(b, value.Number())
		return append(b, '}')
	case events.DataTypeList, events.DataTypeMap: // in no key; MarshalJSON would copy the text at each level of nesting
		return append(strconv.AppendQuote(b, name), `{"M":{}}`...)
	}
	if value == (events.DynamoDBAttributeValue{}) { // without a type, which only an event made by hand has: MarshalJSON panics
		return append(strconv.AppendQuote(b, name), `{}`...)
	}
	text, _ := value.MarshalJSON() // an attribute value contains nothing that it could fail for
	return append(strconv.AppendQuote(b, name), text...)
}

// readableKey turns a text of appendKey into one for people: id=42, or pk=ada sk=7.
func readableKey(key string) string {
	var text []string
	for rest := key; rest != ""; {
		quoted, _ := strconv.QuotedPrefix(rest) // as appendAttribute has written it
		name, _ := strconv.Unquote(quoted)
		decoder := jsontext.NewDecoder(strings.NewReader(rest[len(quoted):]))
		object, _ := decoder.ReadValue() // nil, which does not unmarshal, if there is an error
		var value map[string]string
		if json.Unmarshal(object, &value) != nil {
			return key
		}
		for _, v := range value { // one, by its type
			text = append(text, name+"="+v)
		}
		rest = rest[len(quoted)+int(decoder.InputOffset()):]
	}
	return strings.Join(text, " ")
}

// kafkaRecords are the records of several topic-partitions, with their identities.
type kafkaRecords struct {
	all   []events.KafkaRecord
	known []identity
}

// add adds a record, whose topic-partition is written "<topic>-<n>".
func (r *kafkaRecords) add(record events.KafkaRecord, partition string, offset int64) {
	r.all = append(r.all, record)
	r.known = append(r.known, identity{ordering: ordering{partition, offset}})
}

func kafkaOrigin(ctx context.Context, records kafkaRecords, s settings) *origin[events.KafkaRecord] {
	o := newOrigin(ctx, records.all, s, StopGroup)
	o.batch.kafka = true
	o.batch.known = records.known
	return o
}

// firehoseOrigin has no all-failed error, because the response has a result for each record.
// It copies the data, which is returned unchanged if the record fails.
func firehoseOrigin(ctx context.Context, records []events.KinesisFirehoseEventRecord, s settings, bad []wire.Bad) *origin[events.KinesisFirehoseEventRecord] {
	s.allFailedOK = true
	o := newOrigin(ctx, records, s, Continue).withBad(bad)
	o.batch.identifier = func(r any) identity { return identity{id: r.(*events.KinesisFirehoseEventRecord).RecordID} }
	size := 0
	for i := range records {
		size += len(o.firehoseData(i))
	}
	copies := make([]byte, 0, size)
	o.batch.data = make([][]byte, len(records))
	for i := range records {
		from := len(copies)
		copies = append(copies, o.firehoseData(i)...)
		o.batch.data[i] = copies[from:len(copies):len(copies)]
	}
	return o
}

// firehoseData returns the data of a record. If the record could not be decoded, that is
// the record itself.
func (o *origin[R]) firehoseData(i int) []byte {
	original := o.batch.source(i)
	if unread, ok := original.(*json.RawMessage); ok {
		return *unread
	}
	return original.(*events.KinesisFirehoseEventRecord).Data
}
