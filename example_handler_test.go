package batch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// The body of m-2 is not a string. A handler function with an events.SQSEvent could not be called at all for
// this event; here that message fails alone.
func ExampleSQSHandler() {
	// In a function: lambda.Start(batch.SQSHandler(process))
	invoke(batch.SQSHandler(process), `{"Records":[
		{"messageId":"m-1","eventSource":"aws:sqs","body":"{\"ID\":\"o-1\",\"Cents\":4200}"},
		{"messageId":"m-2","eventSource":"aws:sqs","body":42}]}`)
	// Output:
	// stored the receipt of o-1
	// {"batchItemFailures":[{"itemIdentifier":"m-2"}]}
}

// Invoke makes a Handler a lambda.Handler. Tests may call it with the payload of an event.
func ExampleHandler_Invoke() {
	handler := batch.SQSHandler(process)
	payload := []byte(`{"Records":[{"messageId":"m-1","eventSource":"aws:sqs","body":"{\"ID\":\"o-1\",\"Cents\":4200}"}]}`)
	response, err := handler.Invoke(context.Background(), payload)
	fmt.Printf("%s %v\n", response, err)
	// Output:
	// stored the receipt of o-1
	// {"batchItemFailures":[]} <nil>
}

func ExampleKinesisHandler() {
	greet := batch.Each(func(_ context.Context, r events.KinesisEventRecord) error {
		fmt.Printf("%s says %s\n", r.Kinesis.PartitionKey, r.Kinesis.Data)
		return nil
	})
	invoke(batch.KinesisHandler(greet), `{"Records":[{"eventSource":"aws:kinesis",
		"kinesis":{"sequenceNumber":"101","partitionKey":"ada","data":"aGVsbG8="}}]}`)
	// Output:
	// ada says hello
	// {"batchItemFailures":[]}
}

func ExampleDynamoDBHandler() {
	index := batch.Each(func(_ context.Context, r events.DynamoDBEventRecord) error {
		fmt.Println(r.EventName, r.Change.Keys["OrderID"].String())
		return nil
	})
	invoke(batch.DynamoDBHandler(index), `{"Records":[{"eventSource":"aws:dynamodb","eventName":"REMOVE",
		"dynamodb":{"SequenceNumber":"111","Keys":{"OrderID":{"S":"o-1"}}}}]}`)
	// Output:
	// REMOVE o-1
	// {"batchItemFailures":[]}
}

// The values are base64-encoded: 4200, and a text that is not a number.
func ExampleKafkaHandler() {
	amounts := func(s batch.Stream[events.KafkaRecord]) batch.Stream[int] {
		return batch.Decode[int](s, json.Unmarshal)
	}
	invoke(batch.KafkaHandler(amounts), `{"eventSource":"aws:kafka","records":{"amounts-0":[
		{"topic":"amounts","partition":0,"offset":15,"value":"NDIwMA=="},
		{"topic":"amounts","partition":0,"offset":16,"value":"ZnJlZQ=="}]}}`)
	// Output: {"batchItemFailures":[{"itemIdentifier":{"partition":"amounts-0","offset":16}}]}
}

// Count the records of each customer in windows of two minutes. The partition key is the customer. The first
// invocation counts a record of ada, and the second one ends the window.
func ExampleKinesisWindowHandler() {
	pass := func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[events.KinesisEventRecord] { return s }
	count := func(n map[string]int, r events.KinesisEventRecord) map[string]int {
		n[r.Kinesis.PartitionKey]++
		return n
	}
	report := func(_ context.Context, w batch.Window, n map[string]int) error {
		fmt.Println(w.Start.Format(time.TimeOnly), n)
		return nil
	}
	h := batch.KinesisWindowHandler(pass, count, report)
	invoke(h, `{"Records":[{"eventSource":"aws:kinesis","kinesis":{"sequenceNumber":"101","partitionKey":"ada","data":""}}],
		"window":{"start":"2026-11-23T12:00:00Z","end":"2026-11-23T12:02:00Z"},"state":{"bob":2},
		"shardId":"shardId-000000000006","isFinalInvokeForWindow":false,"isWindowTerminatedEarly":false}`)
	invoke(h, `{"window":{"start":"2026-11-23T12:00:00Z","end":"2026-11-23T12:02:00Z"},"state":{"ada":1,"bob":2},
		"shardId":"shardId-000000000006","isFinalInvokeForWindow":true,"isWindowTerminatedEarly":false}`)
	// Output:
	// {"state":{"ada":1,"bob":2},"batchItemFailures":[]}
	// 12:00:00 map[ada:1 bob:2]
	// {"state":{"ada":1,"bob":2},"batchItemFailures":[]}
}

// The state can be any type that JSON carries. Here it is a number: how many items have changed.
func ExampleDynamoDBWindowHandler() {
	pass := func(s batch.Stream[events.DynamoDBEventRecord]) batch.Stream[events.DynamoDBEventRecord] { return s }
	count := func(n int, _ events.DynamoDBEventRecord) int { return n + 1 }
	report := func(_ context.Context, _ batch.Window, n int) error {
		fmt.Println(n, "changes")
		return nil
	}
	invoke(batch.DynamoDBWindowHandler(pass, count, report), `{"Records":[
		{"eventSource":"aws:dynamodb","eventName":"INSERT","dynamodb":{"SequenceNumber":"111","Keys":{"OrderID":{"S":"o-1"}}}}],
		"window":{"start":"2026-11-23T12:00:00Z","end":"2026-11-23T12:02:00Z"},"state":41,
		"shardId":"shardId-000000000006","isFinalInvokeForWindow":true,"isWindowTerminatedEarly":false}`)
	// Output:
	// 42 changes
	// {"state":42,"batchItemFailures":[]}
}
