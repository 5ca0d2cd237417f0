package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

// A corruption replaces a member of a record, or the record itself if path is empty, by JSON.
type corruption struct {
	path  string // names joined by dots
	json  string
	field string // what Bad.Field must be; "": the same as path
	id    bool   // the record loses its identifier or group

	// For metadata, which does not make the record bad:
	means  string // JSON for which encoding/json reads the same value
	unread bool   // it cannot be read
}

// whole are the corruptions of a whole record.
var whole = []corruption{{json: `7`, id: true}, {json: `null`, id: true}, {json: `"x"`, id: true}, {json: `[{}]`, id: true}}

// property checks that exactly the corrupted records of drawn events are bad.
func (f target[R]) property(t *testing.T, record *rapid.Generator[string], event func(*rapid.T, []string) string, corruptions ...corruption) {
	corruptions = append(corruptions, whole...)
	rapid.Check(t, func(t *rapid.T) {
		var records, fields []string
		var want []R
		var lost []bool
		var unread [][]string
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
				path := strings.FieldsFunc(c.path, func(r rune) bool { return r == '.' })
				if c.means != "" || c.unread {
					field = "-"
					if r, err = f.decode(entry{raw: json.RawMessage(replace(raw, path, c.means))}); err != nil {
						t.Fatal(err)
					}
				}
				if c.unread {
					unread = append(unread, path)
				}
				raw = replace(raw, path, c.json)
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
		if got := fieldsOf(b.Unread); !slices.Equal(got, uniqueFields(unread)) {
			t.Fatalf("unread are %q, want %q", got, unread)
		}
	})
}

func fieldsOf(unread []Unread) []string {
	fields := lo.Map(unread, func(u Unread, _ int) string { return u.Field })
	slices.Sort(fields)
	return fields
}

func uniqueFields(paths [][]string) []string {
	fields := lo.UniqMap(paths, func(path []string, _ int) string { return strings.Join(path, ".") })
	slices.Sort(fields)
	return fields
}

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
		corruption{path: "receiptHandle", json: `[]`, unread: true},
		corruption{path: "md5OfBody", json: `-1.50e+1`, means: `"-1.50e+1"`},
		corruption{path: "md5OfMessageAttributes", json: `{"a":[1]}`, unread: true},
		corruption{path: "awsRegion", json: `true`, means: `"true"`},
		corruption{path: "eventSourceARN", json: `1`},
		corruption{path: "messageId", json: `1e9`, id: true},
		corruption{path: "messageAttributes", json: `"x"`},
		corruption{path: "messageAttributes.k", json: `{"binaryValue":"%"}`, field: "messageAttributes.k.binaryValue"},
		corruption{path: "messageAttributes.k", json: `{"binaryListValues":["","="]}`, field: "messageAttributes.k.binaryListValues.1"},
		corruption{path: "messageAttributes.k", json: `{"stringListValues":["a"],"stringlistvalues":["b"]}`, field: "messageAttributes.k.stringlistvalues"},
		corruption{path: "attributes.SentTimestamp", json: `1`, means: `"1"`},
		corruption{path: "attributes.SenderId", json: `{"S":"x"}`, unread: true},
		corruption{path: "attributes.ApproximateReceiveCount", json: `1`},
		corruption{path: "attributes.MessageGroupId", json: `1`, id: true},
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
		corruption{path: "kinesis.approximateArrivalTimestamp", json: `"1"`, means: `1`},
		corruption{path: "kinesis.approximateArrivalTimestamp", json: `"1.607497475e9"`, means: `1607497475`},
		corruption{path: "kinesis.approximateArrivalTimestamp", json: `"2020-12-09T08:04:35.5+01:00"`, means: `1607497475.5`},
		corruption{path: "kinesis.approximateArrivalTimestamp", json: `-1e999`, unread: true},
		corruption{path: "kinesis.approximateArrivalTimestamp", json: `"yesterday"`, unread: true},
		corruption{path: "kinesis.kinesisSchemaVersion", json: `1.0`, means: `"1.0"`},
		corruption{path: "kinesis.encryptionType", json: `[]`, unread: true},
		corruption{path: "kinesis.partitionKey", json: `1`, id: true},
		corruption{path: "kinesis.sequenceNumber", json: `49590338`, id: true},
		corruption{path: "kinesis", json: `"x"`, id: true},
		corruption{path: "eventName", json: `false`, means: `"false"`},
		corruption{path: "eventID", json: `{}`, unread: true},
		corruption{path: "eventSourceARN", json: `{}`},
	)
}

// attributeValue draws a value of any DynamoDB type, nested up to a depth.
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
		corruption{path: "dynamodb.SizeBytes", json: `1.5`, unread: true},
		corruption{path: "dynamodb.SizeBytes", json: `9223372036854775808`, unread: true},
		corruption{path: "dynamodb.SizeBytes", json: `"-26"`, means: `-26`},
		corruption{path: "dynamodb.SizeBytes", json: `2.60E1`, means: `26`},
		corruption{path: "dynamodb.SizeBytes", json: `true`, unread: true},
		corruption{path: "dynamodb.ApproximateCreationDateTime", json: `"2016-12-02T01:18:43Z"`, means: `1480641523`},
		corruption{path: "dynamodb.ApproximateCreationDateTime", json: `[1480641523]`, unread: true},
		corruption{path: "dynamodb.StreamViewType", json: `0`, means: `"0"`},
		corruption{path: "eventName", json: `0`},
		corruption{path: "dynamodb.SequenceNumber", json: `1`, id: true},
		corruption{path: "userIdentity", json: `"x"`, unread: true},
		corruption{path: "userIdentity", json: `{"type":1}`, means: `{"type":"1"}`},
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
		corruption{path: "timestamp", json: `2.0`, means: `2`},
		corruption{path: "timestamp", json: `"1595035749700"`, means: `1595035749700`},
		corruption{path: "timestamp", json: `"2020-07-18T01:29:09.7Z"`, means: `1595035749700`},
		corruption{path: "timestamp", json: `"now"`, unread: true},
		corruption{path: "timestampType", json: `0`, means: `"0"`},
		corruption{path: "topic", json: `0`, id: true},
		corruption{path: "key", json: `0`},
		corruption{path: "headers", json: `{}`},
		corruption{path: "headers", json: `[{"h":[1]},{"h":[1,256]}]`, field: "headers.1.h.1"},
		corruption{path: "headers", json: `[{"h":[1]},{"h":[1,-129]}]`, field: "headers.1.h.1"},
		corruption{path: "headers", json: `[{"h":[127,128,255]}]`, means: `[{"h":[127,-128,-1]}]`},
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
		corruption{path: "approximateArrivalTimestamp", json: `1e3`, means: `1000`},
		corruption{path: "approximateArrivalTimestamp", json: `false`, unread: true},
		corruption{path: "kinesisRecordMetadata.subsequenceNumber", json: `"1"`, means: `1`},
		corruption{path: "kinesisRecordMetadata.subsequenceNumber", json: `""`, means: `0`},
		corruption{path: "kinesisRecordMetadata.subsequenceNumber", json: `"0x1"`, unread: true},
		corruption{path: "kinesisRecordMetadata.approximateArrivalTimestamp", json: `"2017-10-05T15:33:44.302Z"`, means: `1507217624302`},
		corruption{path: "kinesisRecordMetadata.sequenceNumber", json: `4954698668`, means: `"4954698668"`},
		corruption{path: "kinesisRecordMetadata", json: `"x"`, unread: true},
		corruption{path: "recordId", json: `1`, id: true},
		corruption{path: "kafkaRecordValue", json: `"A"`},
		corruption{path: "kafkaRecordValue", json: `1`},
	)
}
