package batch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

func ExampleSQSHandler() {
	// In a function: lambda.Start(batch.SQSHandler(process))
	invoke(batch.SQSHandler(process), `{"Records":[
		{"messageId":"m-1","eventSource":"aws:sqs","body":"{\"ID\":\"o-1\",\"Cents\":4200}"},
		{"messageId":"m-2","eventSource":"aws:sqs","body":42}]}`) // a body that is no string fails alone
	// Output:
	// stored o-1
	// {"batchItemFailures":[{"itemIdentifier":"m-2"}]}
}

func ExampleKinesisHandler() {
	print := batch.Each(func(_ context.Context, r events.KinesisEventRecord) error {
		fmt.Printf("%s\n", r.Kinesis.Data)
		return nil
	})
	invoke(batch.KinesisHandler(print), `{"Records":[{"eventSource":"aws:kinesis",
		"kinesis":{"sequenceNumber":"101","partitionKey":"ada","data":"aGVsbG8="}}]}`)
	// Output:
	// hello
	// {"batchItemFailures":[]}
}

func ExampleDynamoDBHandler() {
	print := batch.Each(func(_ context.Context, r events.DynamoDBEventRecord) error {
		fmt.Println(r.EventName, r.Change.Keys["Id"].Number())
		return nil
	})
	invoke(batch.DynamoDBHandler(print), `{"Records":[{"eventSource":"aws:dynamodb","eventName":"REMOVE",
		"dynamodb":{"SequenceNumber":"111","Keys":{"Id":{"N":"101"}}}}]}`)
	// Output:
	// REMOVE 101
	// {"batchItemFailures":[]}
}

func ExampleKafkaHandler() {
	numbers := func(s batch.Stream[events.KafkaRecord]) batch.Stream[int] {
		return batch.Decode[int](s, json.Unmarshal)
	}
	invoke(batch.KafkaHandler(numbers), `{"eventSource":"aws:kafka","records":{"orders-0":[
		{"topic":"orders","partition":0,"offset":15,"value":"MQ=="},
		{"topic":"orders","partition":0,"offset":16,"value":"eA=="}]}}`)
	// Output: {"batchItemFailures":[{"itemIdentifier":{"partition":"orders-0","offset":16}}]}
}

// Count the records of each window.
func ExampleKinesisWindowHandler() {
	pass := func(s batch.Stream[events.KinesisEventRecord]) batch.Stream[events.KinesisEventRecord] { return s }
	count := func(n map[string]int, r events.KinesisEventRecord) map[string]int {
		if n == nil {
			n = map[string]int{}
		}
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

// Any type that JSON carries can be the state: here a plain number.
func ExampleDynamoDBWindowHandler() {
	pass := func(s batch.Stream[events.DynamoDBEventRecord]) batch.Stream[events.DynamoDBEventRecord] { return s }
	count := func(n int, _ events.DynamoDBEventRecord) int { return n + 1 }
	report := func(_ context.Context, _ batch.Window, n int) error {
		fmt.Println(n, "changes")
		return nil
	}
	invoke(batch.DynamoDBWindowHandler(pass, count, report), `{"Records":[
		{"eventSource":"aws:dynamodb","eventName":"INSERT","dynamodb":{"SequenceNumber":"111","Keys":{"Id":{"N":"101"}}}}],
		"window":{"start":"2026-11-23T12:00:00Z","end":"2026-11-23T12:02:00Z"},"state":41,
		"shardId":"shardId-000000000006","isFinalInvokeForWindow":true,"isWindowTerminatedEarly":false}`)
	// Output:
	// 42 changes
	// {"state":42,"batchItemFailures":[]}
}
