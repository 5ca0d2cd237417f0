package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/samber/lo"
)

// listed returns what encoding/json finds in a payload whose records are an array.
func listed(payload []byte) ([]entry, error) {
	var event struct{ Records []json.RawMessage }
	err := json.Unmarshal(payload, &event)
	return lo.Map(event.Records, func(raw json.RawMessage, _ int) entry { return entry{raw: raw} }), err
}

func decodeEntry[R any](e entry) (R, error) { return decode[R](e.raw) }

func decode[R any](raw json.RawMessage) (r R, err error) {
	defer func() {
		// DynamoDBAttributeValue.UnmarshalJSON panics if a binary set contains anything else.
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	err = json.Unmarshal(raw, &r)
	return r, err
}

var sqsTarget = target[events.SQSMessage]{
	read:    SQS,
	records: listed,
	decode:  decodeEntry[events.SQSMessage],
	ids:     func(m events.SQSMessage) []string { return []string{m.MessageId, m.Attributes["MessageGroupId"]} },
	want: func(raw json.RawMessage) ([]string, error) {
		m, err := decode[struct {
			MessageID  string
			Attributes map[string]string
		}](raw)
		return []string{m.MessageID, m.Attributes["MessageGroupId"]}, err
	},
	metadata: []string{"receiptHandle", "attributes." + others, "md5OfMessageAttributes", "md5OfBody", "awsRegion"},
}

var kinesisTarget = target[events.KinesisEventRecord]{
	read:    Kinesis,
	records: listed,
	decode:  decodeEntry[events.KinesisEventRecord],
	ids: func(k events.KinesisEventRecord) []string {
		return []string{k.Kinesis.SequenceNumber, k.Kinesis.PartitionKey}
	},
	want: func(raw json.RawMessage) ([]string, error) {
		k, err := decode[struct {
			Kinesis struct{ SequenceNumber, PartitionKey string }
		}](raw)
		return []string{k.Kinesis.SequenceNumber, k.Kinesis.PartitionKey}, err
	},
	metadata: []string{
		"kinesis.kinesisSchemaVersion", "kinesis.approximateArrivalTimestamp", "kinesis.encryptionType",
		"eventVersion", "eventID", "eventName", "invokeIdentityArn", "awsRegion",
	},
}

var dynamodbTarget = target[events.DynamoDBEventRecord]{
	read:    DynamoDB,
	records: listed,
	decode: func(e entry) (events.DynamoDBEventRecord, error) {
		d, err := decode[events.DynamoDBEventRecord](e.raw)
		if err != nil && strings.Contains(err.Error(), "of type float64") {
			// NULL may have any value, but encoding/json rejects numbers that do not fit into a float64.
			d, err = decode[events.DynamoDBEventRecord](smallNumbers(e.raw))
		}
		return d, err
	},
	ids: func(d events.DynamoDBEventRecord) []string { return []string{d.Change.SequenceNumber} },
	want: func(raw json.RawMessage) ([]string, error) {
		d, err := decode[struct {
			Dynamodb struct{ SequenceNumber string }
		}](raw)
		return []string{d.Dynamodb.SequenceNumber}, err
	},
	metadata: []string{
		"dynamodb.ApproximateCreationDateTime", "dynamodb.SizeBytes", "dynamodb.StreamViewType",
		"eventID", "eventVersion", "awsRegion", "userIdentity", "userIdentity.type", "userIdentity.principalId",
	},
}

// smallNumbers replaces the numbers that are too large for a float64.
func smallNumbers(raw json.RawMessage) json.RawMessage {
	return replaceNumbers(raw, func(n jsontext.Token) jsontext.Token {
		if _, err := strconv.ParseFloat(n.String(), 64); err != nil {
			return jsontext.Int(1)
		}
		return n
	})
}

func replaceNumbers(raw json.RawMessage, by func(jsontext.Token) jsontext.Token) json.RawMessage {
	var out bytes.Buffer
	d, e := newDecoder(raw), jsontext.NewEncoder(&out, leniency...)
	for {
		t, err := d.ReadToken()
		if err != nil {
			return out.Bytes()
		}
		if t.Kind() == jsontext.KindNumber {
			t = by(t)
		}
		if err := e.WriteToken(t); err != nil {
			return raw
		}
	}
}

var kafkaTarget = target[KafkaRecord]{
	read: Kafka,
	records: func(payload []byte) (all []entry, err error) {
		var event struct{ Records map[string][]json.RawMessage }
		err = json.Unmarshal(payload, &event)
		for _, name := range slices.Sorted(maps.Keys(event.Records)) {
			for _, raw := range event.Records[name] {
				all = append(all, entry{name, raw})
			}
		}
		return all, err
	},
	decode: func(e entry) (k KafkaRecord, err error) {
		k, err = decodeKafka(e)
		k.Partition = e.partition
		return k, err
	},
	ids: func(k KafkaRecord) []string {
		return []string{k.Topic, fmt.Sprint(k.KafkaRecord.Partition), fmt.Sprint(k.Offset)}
	},
	want: func(raw json.RawMessage) ([]string, error) {
		k, err := decode[struct {
			Topic             string
			Partition, Offset int64
		}](raw)
		return []string{k.Topic, fmt.Sprint(k.Partition), fmt.Sprint(k.Offset)}, err
	},
	metadata: []string{"timestamp", "timestampType"},
}

func decodeKafka(e entry) (k KafkaRecord, err error) {
	if k.KafkaRecord, err = decode[events.KafkaRecord](e.raw); err != nil {
		if k.KafkaRecord, err = decode[events.KafkaRecord](signedBytes(e.raw)); err != nil {
			return k, err
		}
	}
	given, err := decode[struct{ Offset *int64 }](e.raw)
	k.Located = given.Offset != nil
	return k, err
}

// signedBytes replaces header bytes from 128 to 255 by the negative numbers that encoding/json accepts.
func signedBytes(raw json.RawMessage) json.RawMessage {
	all, ok := rawMembers(raw)
	if !ok {
		return raw
	}
	var members []string
	for _, m := range all {
		if matchesName([]byte(m.name), "headers") {
			m.value = replaceNumbers(m.value, func(n jsontext.Token) jsontext.Token {
				if b, err := strconv.Atoi(n.String()); err == nil && b >= 128 && b <= 255 {
					return jsontext.Int(int64(b - 256))
				}
				return n
			})
		}
		members = append(members, string(m.quoted)+":"+string(m.value))
	}
	return json.RawMessage("{" + strings.Join(members, ",") + "}")
}

var firehoseTarget = target[events.KinesisFirehoseEventRecord]{
	read:    Firehose,
	records: listed,
	decode: func(e entry) (events.KinesisFirehoseEventRecord, error) {
		return decode[events.KinesisFirehoseEventRecord](withData(e.raw))
	},
	ids: func(k events.KinesisFirehoseEventRecord) []string { return []string{k.RecordID} },
	want: func(raw json.RawMessage) ([]string, error) {
		k, err := decode[struct{ RecordID string }](raw)
		return []string{k.RecordID}, err
	},
	metadata: []string{
		"approximateArrivalTimestamp", "kinesisRecordMetadata", "kinesisRecordMetadata.shardId",
		"kinesisRecordMetadata.partitionKey", "kinesisRecordMetadata.approximateArrivalTimestamp",
		"kinesisRecordMetadata.sequenceNumber", "kinesisRecordMetadata.subsequenceNumber",
	},
}

// withData renames the value of an MSK record to the name that encoding/json looks for. It leaves out a null under the other
// name.
func withData(raw json.RawMessage) json.RawMessage {
	all, ok := rawMembers(raw)
	if !ok {
		return raw
	}
	var members []string
	msk := false
	for _, m := range all {
		null := string(m.value) == "null"
		switch {
		case matchesName([]byte(m.name), "data") && null && msk, matchesName([]byte(m.name), "kafkaRecordValue") && null:
			continue
		case matchesName([]byte(m.name), "kafkaRecordValue"):
			m.quoted, msk = []byte(`"data"`), true
		case matchesName([]byte(m.name), "mskRecordMetadata"):
			msk = msk || !null
		}
		members = append(members, string(m.quoted)+":"+string(m.value))
	}
	return json.RawMessage("{" + strings.Join(members, ",") + "}")
}
