package batch_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// The position of a value is its ID.
func ExampleOf() {
	printResults(batch.Of(Order{ID: "o-1", Cents: 4200}, Order{ID: "o-2", Cents: 700}))
	// Output:
	// 0 Ready: {ID:o-1 Cents:4200}
	// 1 Ready: {ID:o-2 Cents:700}
}

// The records are the files of an S3 event. Files of one folder form a group, so that a failure holds back
// the later files of its folder.
func ExampleFrom() {
	files := []string{"ada/1.csv", "ada/2.csv", "bob/1.csv"}
	describe := func(file string) batch.Record {
		return batch.Record{ID: file, Group: path.Dir(file)}
	}
	source := batch.From(context.Background(), files, describe, batch.WithPolicy(batch.StopGroup))
	printResults(batch.TryEach(source, func(_ context.Context, file string) error {
		if file == "ada/1.csv" {
			return errors.New("no header")
		}
		return nil
	}))
	// Output:
	// ada/1.csv Failed: no header
	// ada/2.csv Failed: blocked by record "ada/1.csv"
	// bob/1.csv Ready: bob/1.csv
}

// On a FIFO queue a failure holds back the later messages of its group, and no other message.
func ExampleSQS() {
	event := events.SQSEvent{Records: []events.SQSMessage{
		messageInGroup("m-1", "ada", "bad"),
		messageInGroup("m-2", "ada", "good"),
		messageInGroup("m-3", "bob", "good"),
	}}
	printResponse(batch.Run(batch.SQS(context.Background(), event), batch.Each(func(_ context.Context, m events.SQSMessage) error {
		fmt.Println("processing", m.MessageId)
		if m.Body == "bad" {
			return errors.New("bad body")
		}
		return nil
	})))
	// Output:
	// processing m-1
	// processing m-3
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"}]}
}

// On a shard, everything from the first failure on is reported, because Lambda redelivers it in any case.
func ExampleKinesis() {
	event := events.KinesisEvent{Records: []events.KinesisEventRecord{
		kinesisRecord("101", "ada", `{"ID":"o-1","Cents":4200}`),
		kinesisRecord("102", "bob", "not JSON"),
		kinesisRecord("103", "ada", `{"ID":"o-3","Cents":700}`),
	}}
	orders := batch.Decode[Order](batch.Kinesis(context.Background(), event), json.Unmarshal)
	printResponse(batch.Collect(orders))
	// Output: {"batchItemFailures":[{"itemIdentifier":"102"},{"itemIdentifier":"103"}]}
}

func ExampleDynamoDB() {
	event := events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{{
		EventName: "INSERT",
		Change: events.DynamoDBStreamRecord{
			SequenceNumber: "4421584500000000017450439091",
			Keys:           map[string]events.DynamoDBAttributeValue{"OrderID": events.NewStringAttribute("o-1")},
		},
	}}}
	changes := batch.Map(batch.DynamoDB(context.Background(), event), func(r events.DynamoDBEventRecord) string {
		return r.EventName + " of " + r.Change.Keys["OrderID"].String()
	})
	printResults(changes)
	// Output: 4421584500000000017450439091 Ready: INSERT of o-1
}

// The value of a Kafka record is base64, which Decode decodes. Partitions are processed in sorted order.
func ExampleKafka() {
	value := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	event := events.KafkaEvent{Records: map[string][]events.KafkaRecord{
		"orders-1": {{Topic: "orders", Partition: 1, Offset: 7, Value: value(`{"ID":"o-1","Cents":4200}`)}},
		"orders-0": {{Topic: "orders", Partition: 0, Offset: 9, Value: value("not JSON")}},
	}}
	printResults(batch.Decode[Order](batch.Kafka(context.Background(), event), json.Unmarshal))
	// Output:
	// orders-0/9 Failed: value: invalid character 'o' in literal null (expecting 'u')
	// orders-1/7 Ready: {ID:o-1 Cents:4200}
}

// A function learns from its context which record it works on, and which attempt this is.
func ExampleRecordFrom() {
	event := events.SQSEvent{Records: []events.SQSMessage{messageInGroup("m-1", "ada", `{"ID":"o-1","Cents":4200}`)}}
	orders := batch.Decode[Order](batch.SQS(context.Background(), event), json.Unmarshal)
	printResponse(batch.Collect(batch.TryEach(orders, func(ctx context.Context, o Order) error {
		record, _ := batch.RecordFrom(ctx)
		fmt.Printf("charging %s: record %s, group %s, attempt %d\n", o.ID, record.ID, record.Group, record.Attempt)
		return nil
	})))
	// Output:
	// charging o-1: record m-1, group ada, attempt 1
	// {"batchItemFailures":[]}
}

// After Decode the function receives an Order. SourceFrom returns the message that it was decoded from.
func ExampleSourceFrom() {
	original := message("m-1", `{"ID":"o-1","Cents":4200}`)
	original.Attributes = map[string]string{"SentTimestamp": "1763884800000"}
	event := events.SQSEvent{Records: []events.SQSMessage{original}}
	orders := batch.Decode[Order](batch.SQS(context.Background(), event), json.Unmarshal)
	printResponse(batch.Collect(batch.TryEach(orders, func(ctx context.Context, o Order) error {
		if m, ok := batch.SourceFrom[events.SQSMessage](ctx); ok {
			fmt.Println(o.ID, "was sent at", m.Attributes["SentTimestamp"])
		}
		return nil
	})))
	// Output:
	// o-1 was sent at 1763884800000
	// {"batchItemFailures":[]}
}
