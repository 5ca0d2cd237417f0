package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

func ExampleOf() {
	show(batch.Of("a", "b"))
	// Output:
	// 0: a
	// 1: b
}

// From makes a batch of anything: here of files that came with an S3 event.
func ExampleFrom() {
	files := []string{"2026/a.csv", "2026/b.csv"}
	describe := func(file string) batch.Record {
		return batch.Record{ID: file, Group: strings.Split(file, "/")[0]}
	}
	stream := batch.From(context.Background(), files, describe, batch.WithPolicy(batch.StopGroup))
	print(batch.Collect(batch.TryEach(stream, func(_ context.Context, file string) error {
		return errors.New("empty")
	})))
	// Output: error: all 2 records failed: 2026/a.csv: empty; 2026/b.csv: blocked by record "2026/a.csv"
}

func ExampleSQS() {
	event := events.SQSEvent{Records: []events.SQSMessage{
		inGroup("m-1", "ada", "bad"), inGroup("m-2", "ada", "good"), inGroup("m-3", "bob", "good"),
	}}
	response, err := batch.Run(batch.SQS(context.Background(), event), batch.Each(func(_ context.Context, m events.SQSMessage) error {
		fmt.Println("processing", m.MessageId)
		if m.Body == "bad" {
			return errors.New("bad body")
		}
		return nil
	}))
	print(response, err)
	// Output:
	// processing m-1
	// processing m-3
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"}]}
}

func kinesisRecord(number, key, data string) events.KinesisEventRecord {
	return events.KinesisEventRecord{Kinesis: events.KinesisRecord{SequenceNumber: number, PartitionKey: key, Data: []byte(data)}}
}

func ExampleKinesis() {
	event := events.KinesisEvent{Records: []events.KinesisEventRecord{
		kinesisRecord("101", "ada", "1"), kinesisRecord("102", "bob", "two"), kinesisRecord("103", "ada", "3"),
	}}
	numbers := batch.Decode[int](batch.Kinesis(context.Background(), event), json.Unmarshal)
	print(batch.Collect(numbers)) // nothing after a failure is acknowledged: it is redelivered anyway
	// Output: {"batchItemFailures":[{"itemIdentifier":"102"},{"itemIdentifier":"103"}]}
}

func ExampleDynamoDB() {
	event := events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{{
		EventName: "INSERT",
		Change: events.DynamoDBStreamRecord{
			SequenceNumber: "4421584500000000017450439091",
			Keys:           map[string]events.DynamoDBAttributeValue{"Id": events.NewNumberAttribute("101")},
		},
	}}}
	names := batch.Map(batch.DynamoDB(context.Background(), event), func(r events.DynamoDBEventRecord) string {
		return r.EventName + " " + r.Change.Keys["Id"].Number()
	})
	show(names)
	// Output: 4421584500000000017450439091: INSERT 101
}

func ExampleKafka() {
	event := events.KafkaEvent{Records: map[string][]events.KafkaRecord{
		"orders-1": {{Topic: "orders", Partition: 1, Offset: 7, Value: "MQ=="}}, // base64 of 1
		"orders-0": {{Topic: "orders", Partition: 0, Offset: 9, Value: "eA=="}}, // of x
	}}
	print(batch.Collect(batch.Decode[int](batch.Kafka(context.Background(), event), json.Unmarshal)))
	// Output: {"batchItemFailures":[{"itemIdentifier":{"partition":"orders-0","offset":9}}]}
}

func ExampleRecordFrom() {
	event := events.SQSEvent{Records: []events.SQSMessage{inGroup("m-1", "ada", "{}")}}
	orders := batch.Decode[Order](batch.SQS(context.Background(), event), json.Unmarshal)
	show(batch.TryMap(orders, func(ctx context.Context, _ Order) (string, error) {
		record, _ := batch.RecordFrom(ctx)
		return fmt.Sprintf("attempt %d in group %s", record.Attempt, record.Group), nil
	}))
	// Output: m-1: attempt 1 in group ada
}

func ExampleSourceFrom() {
	event := events.SQSEvent{Records: []events.SQSMessage{message("m-1", "{}")}}
	orders := batch.Decode[Order](batch.SQS(context.Background(), event), json.Unmarshal)
	show(batch.TryMap(orders, func(ctx context.Context, _ Order) (string, error) {
		original, _ := batch.SourceFrom[events.SQSMessage](ctx)
		return original.Body, nil
	}))
	// Output: m-1: {}
}
