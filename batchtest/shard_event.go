package batchtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/samber/lo"
)

type recordsEvent struct {
	Records []json.RawMessage `json:"Records"`
	*windowEvent
}

func shardEvent(batch []*streamRecord, w *windowEvent) any {
	records := lo.Map(batch, func(r *streamRecord, _ int) json.RawMessage { return r.json })
	return recordsEvent{Records: records, windowEvent: w}
}

func (s Source) shardID() string {
	if s == DynamoDB {
		return "shardId-00000001405400000000-a1b2c3d4"
	}
	return "shardId-000000000000"
}

func (s Source) arn() string {
	if s == DynamoDB {
		return "arn:aws:dynamodb:" + region + ":" + account + ":table/table/stream/2026-01-01T00:00:00.000"
	}
	return "arn:aws:kinesis:" + region + ":" + account + ":stream/stream"
}

func (s Source) sequenceNumber(n int) string {
	if s == DynamoDB {
		return fmt.Sprintf("14054000000000000%08d", n)
	}
	return fmt.Sprintf("4959033827149025660855969253836157109592157598%010d", n)
}

func (s Source) encode(r Record) json.RawMessage {
	if s == DynamoDB {
		return marshal(dynamoDBRecord(r))
	}
	return marshal(kinesisRecord(r))
}

func kinesisRecord(r Record) events.KinesisEventRecord {
	return events.KinesisEventRecord{
		AwsRegion:         region,
		EventID:           Kinesis.shardID() + ":" + r.ID,
		EventName:         "aws:kinesis:record",
		EventSource:       "aws:kinesis",
		EventSourceArn:    Kinesis.arn(),
		EventVersion:      "1.0",
		InvokeIdentityArn: "arn:aws:iam::" + account + ":role/function",
		Kinesis: events.KinesisRecord{
			ApproximateArrivalTimestamp: events.SecondsEpochTime{Time: r.Arrived.Truncate(time.Millisecond)},
			Data:                        notNil(r.Data),
			PartitionKey:                r.Key,
			SequenceNumber:              r.ID,
			KinesisSchemaVersion:        "1.0",
		},
	}
}

// orderingKey returns what all records have in common whose order the service keeps.
func (s Source) orderingKey(r Record) []byte {
	if s == DynamoDB {
		return marshal(itemKey(r))
	}
	return []byte(r.Key)
}

func itemKey(r Record) image {
	if r.Keys != nil {
		return r.Keys
	}
	return image{"id": events.NewStringAttribute(r.Key)}
}

func dynamoDBRecord(r Record) events.DynamoDBEventRecord {
	r.Keys, r.Old, r.New = asSent("Keys", itemKey(r)), asSent("Old", r.Old), asSent("New", r.New)
	if r.Old == nil && r.New == nil {
		r.New = insertedItem(r)
	}
	name := "MODIFY"
	switch {
	case r.Old == nil:
		name = "INSERT"
	case r.New == nil:
		name = "REMOVE"
	}
	return events.DynamoDBEventRecord{
		AWSRegion:      region,
		EventID:        digest([]byte(r.ID)),
		EventName:      name,
		EventSource:    "aws:dynamodb",
		EventSourceArn: DynamoDB.arn(),
		EventVersion:   "1.1",
		Change: events.DynamoDBStreamRecord{
			ApproximateCreationDateTime: events.SecondsEpochTime{Time: r.Arrived.Truncate(time.Second)},
			Keys:                        r.Keys,
			NewImage:                    r.New,
			OldImage:                    r.Old,
			SequenceNumber:              r.ID,
			SizeBytes:                   int64(len(marshal(r.Keys)) + len(marshal(r.New)) + len(marshal(r.Old))),
			StreamViewType:              string(events.DynamoDBStreamViewTypeNewAndOldImages),
		},
	}
}

func insertedItem(r Record) image {
	item := image{"data": events.NewBinaryAttribute(notNil(r.Data))}
	maps.Copy(item, r.Keys)
	return item
}

// notNil makes nil empty. JSON encodes nil as null, where the service writes "".
func notNil(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}
