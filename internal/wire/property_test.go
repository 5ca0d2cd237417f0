package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

// corruption puts JSON in place of a record's member, or of the record itself where path is empty.
type corruption struct {
	path  string // names, joined by dots
	json  string
	field string // what Bad must name; path if empty
	id    bool   // the identifier or the group is lost
}

// whole is what may stand in place of a record.
var whole = []corruption{{json: `7`, id: true}, {json: `null`, id: true}, {json: `"x"`, id: true}, {json: `[{}]`, id: true}}

// property draws events of good and corrupted records.
func (f target[R]) property(t *testing.T, record *rapid.Generator[string], event func(*rapid.T, []string) string, corruptions ...corruption) {
	corruptions = append(corruptions, whole...)
	rapid.Check(t, func(t *rapid.T) {
		var records, fields []string
		var want []R
		var lost []bool
		for range rapid.IntRange(0, 12).Draw(t, "records") {
			raw, field, id := record.Draw(t, "record"), "-", false
			r, err := f.decode(entry{raw: json.RawMessage(raw)})
			if err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 3).Draw(t, "corrupt") == 0 {
				c := rapid.SampledFrom(corruptions).Draw(t, "corruption")
				if field, id = c.field, c.id; field == "" {
					field = c.path
				}
				raw = replace(raw, strings.FieldsFunc(c.path, func(r rune) bool { return r == '.' }), c.json)
			}
			records = append(records, shuffled(t, raw, 2))
			fields, want, lost = append(fields, field), append(want, r), append(lost, id)
		}
		payload := []byte(event(t, records))
		b, err := f.read(payload)
		if err != nil {
			t.Fatalf("%v: %s", err, payload)
		}
		clear(payload)
		if len(b.Records) != len(records) {
			t.Fatalf("%d records of %d", len(b.Records), len(records))
		}
		for i, got := range b.Records {
			if fields[i] == "-" {
				if !reflect.DeepEqual(got, want[i]) {
					t.Fatalf("record %d is\n%+v, want\n%+v", i, got, want[i])
				}
				continue
			}
			if len(b.Bad) == 0 || b.Bad[0].Index != i {
				t.Fatalf("record %d is not bad: %s", i, records[i])
			}
			bad := b.Bad[0]
			b.Bad = b.Bad[1:]
			if bad.Field != fields[i] || bad.Err == nil || string(bad.Raw) != records[i] {
				t.Fatalf("record %d is bad in %q: %v: %s, want %q", i, bad.Field, bad.Err, bad.Raw, fields[i])
			}
			if !lost[i] && !slices.Equal(f.ids(got), f.ids(want[i])) {
				t.Fatalf("bad record %d has ids %q, want %q", i, f.ids(got), f.ids(want[i]))
			}
		}
		if len(b.Bad) > 0 {
			t.Fatalf("bad too: %+v", b.Bad)
		}
	})
}

func marshalled[R any](draw func(*rapid.T) R) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		raw, err := json.Marshal(draw(t))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	})
}

type memberOf struct{ name, json string }

// members takes an object apart; ok is false if it is none.
func members(object string) (all []memberOf, ok bool) {
	d := newDecoder([]byte(object))
	if d.PeekKind() != jsontext.KindBeginObject {
		return nil, false
	}
	d.ReadToken()
	for d.PeekKind() == jsontext.KindString {
		name, _ := d.ReadToken()
		m := memberOf{name: name.String()}
		value, _ := d.ReadValue()
		m.json = string(value)
		all = append(all, m)
	}
	return all, true
}

func join(all []memberOf, space string) string {
	var parts []string
	for _, m := range all {
		name, _ := jsontext.AppendQuote(nil, m.name)
		parts = append(parts, string(name)+space+":"+space+m.json)
	}
	return "{" + strings.Join(parts, space+",") + space + "}"
}

func replace(in string, path []string, by string) string {
	if len(path) == 0 {
		return by
	}
	all, _ := members(in)
	i := slices.IndexFunc(all, func(m memberOf) bool { return m.name == path[0] })
	if i < 0 {
		i, all = len(all), append(all, memberOf{name: path[0], json: "{}"})
	}
	all[i].json = replace(all[i].json, path[1:], by)
	return join(all, "")
}

// shuffled orders the members of an object and its objects anew and spaces them.
func shuffled(t *rapid.T, in string, depth int) string {
	all, ok := members(in)
	if !ok || depth == 0 {
		return in
	}
	for i := range all {
		all[i].json = shuffled(t, all[i].json, depth-1)
	}
	if len(all) > 1 {
		all = rapid.Permutation(all).Draw(t, "order")
	}
	return join(all, rapid.SampledFrom([]string{"", " ", "\r\n\t"}).Draw(t, "space"))
}

// listUnder makes an event of records under a name, with members around it that mean nothing.
func listUnder(name string) func(*rapid.T, []string) string {
	return func(t *rapid.T, records []string) string {
		return shuffled(t, fmt.Sprintf(`{"x":{"y":[1,null]},%q:[%s],"":"\ud83d"}`, name, strings.Join(records, ",")), 1)
	}
}

func epoch(t *rapid.T) time.Time {
	return time.UnixMilli(rapid.Int64Range(0, 1<<41).Draw(t, "time"))
}

func maybe(t *rapid.T, source string) string {
	return rapid.SampledFrom([]string{source, ""}).Draw(t, "source")
}

var (
	anyText = rapid.String()
	anyData = rapid.SliceOfN(rapid.Byte(), 0, 20)
)

func TestExactlyTheCorruptedSQSMessagesAreBad(t *testing.T) {
	record := marshalled(func(t *rapid.T) events.SQSMessage {
		return events.SQSMessage{
			MessageId:     anyText.Draw(t, "id"),
			ReceiptHandle: anyText.Draw(t, "receipt"),
			Body:          anyText.Draw(t, "body"),
			Attributes:    rapid.MapOf(rapid.SampledFrom([]string{"MessageGroupId", "a", "b"}), anyText).Draw(t, "attributes"),
			MessageAttributes: rapid.MapOf(anyText, rapid.Custom(func(t *rapid.T) events.SQSMessageAttribute {
				return events.SQSMessageAttribute{
					StringValue:      rapid.Ptr(anyText, true).Draw(t, "string"),
					BinaryValue:      anyData.Draw(t, "binary"),
					StringListValues: rapid.SliceOf(anyText).Draw(t, "strings"),
					BinaryListValues: rapid.SliceOf(anyData).Draw(t, "binaries"),
					DataType:         anyText.Draw(t, "type"),
				}
			})).Draw(t, "message attributes"),
			EventSource: maybe(t, "aws:sqs"),
			AWSRegion:   anyText.Draw(t, "region"),
		}
	})
	sqsTarget.property(t, record, listUnder("Records"),
		corruption{path: "body", json: `5`},
		corruption{path: "body", json: `{"a":[{}]}`},
		corruption{path: "BODY", json: `true`},
		corruption{path: "receiptHandle", json: `[]`},
		corruption{path: "messageId", json: `1e9`, id: true},
		corruption{path: "messageAttributes", json: `"x"`},
		corruption{path: "messageAttributes.k", json: `{"binaryValue":"%"}`, field: "messageAttributes.k.binaryValue"},
		corruption{path: "messageAttributes.k", json: `{"binaryListValues":["","="]}`, field: "messageAttributes.k.binaryListValues.1"},
		corruption{path: "messageAttributes.k", json: `{"stringListValues":["a"],"stringlistvalues":["b"]}`, field: "messageAttributes.k.stringlistvalues"},
		corruption{path: "attributes.SentTimestamp", json: `1`},
		corruption{path: "attributes", json: `0`, id: true},
		corruption{path: "eventSource", json: `{}`},
	)
}

func TestExactlyTheCorruptedKinesisRecordsAreBad(t *testing.T) {
	record := marshalled(func(t *rapid.T) events.KinesisEventRecord {
		return events.KinesisEventRecord{
			EventID:     anyText.Draw(t, "id"),
			EventSource: maybe(t, "aws:kinesis"),
			Kinesis: events.KinesisRecord{
				ApproximateArrivalTimestamp: events.SecondsEpochTime{Time: epoch(t)},
				Data:                        anyData.Draw(t, "data"),
				EncryptionType:              rapid.SampledFrom([]string{"", "KMS"}).Draw(t, "encryption"),
				PartitionKey:                anyText.Draw(t, "key"),
				SequenceNumber:              anyText.Draw(t, "number"),
			},
		}
	})
	kinesisTarget.property(t, record, listUnder("Records"),
		corruption{path: "kinesis.data", json: `"%%%%"`},
		corruption{path: "kinesis.data", json: `[1]`},
		corruption{path: "kinesis.approximateArrivalTimestamp", json: `"1"`},
		corruption{path: "kinesis.approximateArrivalTimestamp", json: `-1e999`},
		corruption{path: "kinesis.sequenceNumber", json: `49590338`, id: true},
		corruption{path: "kinesis", json: `"x"`, id: true},
		corruption{path: "eventName", json: `false`},
	)
}

// attributeValue draws a value of any DynamoDB type.
func attributeValue(depth int) *rapid.Generator[events.DynamoDBAttributeValue] {
	return rapid.Custom(func(t *rapid.T) events.DynamoDBAttributeValue {
		kinds := 9
		if depth == 0 {
			kinds = 7
		}
		number := rapid.Map(rapid.Int64(), func(n int64) string { return fmt.Sprint(n) })
		switch rapid.IntRange(0, kinds).Draw(t, "type") {
		case 0:
			return events.NewStringAttribute(anyText.Draw(t, "S"))
		case 1:
			return events.NewNumberAttribute(number.Draw(t, "N"))
		case 2:
			return events.NewBooleanAttribute(rapid.Bool().Draw(t, "BOOL"))
		case 3:
			return events.NewNullAttribute()
		case 4:
			return events.NewBinaryAttribute(anyData.Draw(t, "B"))
		case 5:
			return events.NewStringSetAttribute(rapid.SliceOf(anyText).Draw(t, "SS"))
		case 6:
			return events.NewNumberSetAttribute(rapid.SliceOf(number).Draw(t, "NS"))
		case 7:
			return events.NewBinarySetAttribute(rapid.SliceOf(anyData).Draw(t, "BS"))
		case 8:
			return events.NewListAttribute(rapid.SliceOfN(attributeValue(depth-1), 0, 3).Draw(t, "L"))
		default:
			return events.NewMapAttribute(rapid.MapOfN(anyText, attributeValue(depth-1), 0, 3).Draw(t, "M"))
		}
	})
}

func TestExactlyTheCorruptedDynamoDBRecordsAreBad(t *testing.T) {
	image := rapid.MapOfN(rapid.StringMatching(`[a-z]{1,3}`), attributeValue(2), 0, 4)
	record := marshalled(func(t *rapid.T) events.DynamoDBEventRecord {
		return events.DynamoDBEventRecord{
			EventID:      anyText.Draw(t, "id"),
			EventSource:  maybe(t, "aws:dynamodb"),
			UserIdentity: rapid.Ptr(rapid.Just(events.DynamoDBUserIdentity{Type: "Service"}), true).Draw(t, "user"),
			Change: events.DynamoDBStreamRecord{
				ApproximateCreationDateTime: events.SecondsEpochTime{Time: epoch(t)},
				Keys:                        image.Draw(t, "keys"),
				NewImage:                    image.Draw(t, "new"),
				OldImage:                    image.Draw(t, "old"),
				SequenceNumber:              anyText.Draw(t, "number"),
				SizeBytes:                   rapid.Int64().Draw(t, "size"),
			},
		}
	})
	withKeys := dynamodbTarget
	withKeys.ids = func(d events.DynamoDBEventRecord) []string {
		keys, _ := json.Marshal(d.Change.Keys)
		return []string{d.Change.SequenceNumber, string(keys)}
	}
	price := func(json string) corruption {
		return corruption{path: "dynamodb.NewImage.price", json: json}
	}
	withKeys.property(t, record, listUnder("Records"),
		price(`5`), price(`null`), price(`{}`), price(`{"X":"1"}`), price(`{"s":"1"}`), price(`{"S":null}`),
		price(`{"N":"1","S":"1"}`), price(`{"S":"1","S":"1"}`), price(`{"NULL":true,"BOOL":true}`),
		price(`{"N":1}`), price(`{"BOOL":"true"}`), price(`{"B":"%"}`), price(`{"BS":["","%"]}`), price(`{"BS":[1]}`),
		price(`{"SS":"a"}`), price(`{"NS":["1",2]}`), price(`{"L":{}}`), price(`{"M":[]}`),
		corruption{path: "dynamodb.OldImage.a", json: `{"M":{"in":{"L":[{"S":"x"},{"S":1}]}}}`, field: "dynamodb.OldImage.a.M.in.L.1"},
		corruption{path: "dynamodb.OldImage", json: `[]`},
		corruption{path: "dynamodb.Keys", json: `"x"`, id: true},
		corruption{path: "dynamodb.SizeBytes", json: `1.5`},
		corruption{path: "dynamodb.SizeBytes", json: `9223372036854775808`},
		corruption{path: "dynamodb.SequenceNumber", json: `1`, id: true},
		corruption{path: "userIdentity", json: `"x"`},
	)
}

func TestExactlyTheCorruptedKafkaRecordsAreBad(t *testing.T) {
	encoded := rapid.Map(anyData, base64.StdEncoding.EncodeToString)
	record := marshalled(func(t *rapid.T) events.KafkaRecord {
		var headers []map[string]events.JSONNumberBytes
		for _, value := range rapid.SliceOfN(anyData, 0, 3).Draw(t, "headers") {
			headers = append(headers, map[string]events.JSONNumberBytes{anyText.Draw(t, "header"): value})
		}
		return events.KafkaRecord{
			Topic:     anyText.Draw(t, "topic"),
			Partition: rapid.Int64().Draw(t, "partition"),
			Offset:    rapid.Int64().Draw(t, "offset"),
			Timestamp: events.MilliSecondsEpochTime{Time: epoch(t)},
			Key:       encoded.Draw(t, "key"),
			Value:     encoded.Draw(t, "value"),
			Headers:   headers,
		}
	})
	plain := kafkaTarget
	plain.read = func(payload []byte) (Batch[KafkaRecord], error) {
		b, err := Kafka(payload)
		for i := range b.Records {
			b.Records[i].Partition = ""
		}
		return b, err
	}
	plain.decode = decodeKafka
	event := func(t *rapid.T, records []string) string {
		n := rapid.IntRange(0, len(records)).Draw(t, "in b-0")
		return fmt.Sprintf(`{"eventSource":"aws:kafka","records":%s}`, shuffled(t, fmt.Sprintf(`{"b-10":[%s],"b-0":[%s],"a":null}`,
			strings.Join(records[n:], ","), strings.Join(records[:n], ",")), 1))
	}
	plain.property(t, record, event,
		corruption{path: "value", json: `1`},
		corruption{path: "timestamp", json: `1.5`},
		corruption{path: "timestamp", json: `"now"`},
		corruption{path: "headers", json: `{}`},
		corruption{path: "headers", json: `[{"h":[1]},{"h":[1,128]}]`, field: "headers.1.h.1"},
		corruption{path: "headers", json: `[{"h":"AQ=="}]`, field: "headers.0.h"},
		corruption{path: "offset", json: `-9223372036854775809`, id: true},
		corruption{path: "partition", json: `"0"`, id: true},
	)
}

func TestExactlyTheCorruptedFirehoseRecordsAreBad(t *testing.T) {
	record := marshalled(func(t *rapid.T) events.KinesisFirehoseEventRecord {
		return events.KinesisFirehoseEventRecord{
			RecordID:                    anyText.Draw(t, "id"),
			ApproximateArrivalTimestamp: events.MilliSecondsEpochTime{Time: epoch(t)},
			Data:                        anyData.Draw(t, "data"),
			KinesisFirehoseRecordMetadata: events.KinesisFirehoseRecordMetadata{
				ShardID:           anyText.Draw(t, "shard"),
				SubsequenceNumber: rapid.Int64().Draw(t, "number"),
			},
		}
	})
	firehoseTarget.property(t, record, listUnder("records"),
		corruption{path: "data", json: `"A"`},
		corruption{path: "approximateArrivalTimestamp", json: `1e3`},
		corruption{path: "kinesisRecordMetadata.subsequenceNumber", json: `"1"`},
		corruption{path: "recordId", json: `1`, id: true},
	)
}
