package wire_test

import (
	"fmt"

	"github.com/lambdabatch/batch/internal/wire"
)

func ExampleSQS() {
	b, _ := wire.SQS([]byte(`{"Records":[
		{"messageId":"1","body":"hello","eventSource":"aws:sqs"},
		{"body":5,"messageId":"2","eventSource":"aws:sqs"}]}`))
	fmt.Println(b.Records[0].Body)
	for _, bad := range b.Bad {
		fmt.Printf("%s: %s: %v\n", b.Records[bad.Index].MessageId, bad.Field, bad.Err)
	}
	_, err := wire.SQS([]byte(`{"Records":[{"eventSource":"aws:kinesis"}]}`))
	fmt.Println(err)
	// Output:
	// hello
	// 2: body: want a string, got a number
	// expected an SQS event, got records of "aws:kinesis"
}

func ExampleKinesis() {
	b, _ := wire.Kinesis([]byte(`{"Records":[{"kinesis":{"data":"aGVsbG8=","sequenceNumber":"1"}}]}`))
	fmt.Printf("%s\n", b.Records[0].Kinesis.Data)
	// Output: hello
}

func ExampleDynamoDB() {
	b, _ := wire.DynamoDB([]byte(`{"Records":[{"dynamodb":{
		"NewImage":{"price":{"N":"1","S":"1"}},
		"SequenceNumber":"1"}}]}`))
	fmt.Println(b.Bad[0].Field)
	fmt.Println(b.Bad[0].Err)
	fmt.Println(b.Records[0].Change.SequenceNumber)
	// Output:
	// dynamodb.NewImage.price
	// want a value of one DynamoDB type
	// 1
}

func ExampleKafka() {
	b, _ := wire.Kafka([]byte(`{"eventSource":"aws:kafka","records":{
		"orders-1":[{"offset":7,"value":"aGVsbG8="}],
		"orders-0":[{"offset":3,"value":"YWdhaW4="}]}}`))
	for _, k := range b.Records {
		fmt.Println(k.Partition, k.Offset, k.Value)
	}
	// Output:
	// orders-0 3 YWdhaW4=
	// orders-1 7 aGVsbG8=
}

func ExampleFirehose() {
	b, _ := wire.Firehose([]byte(`{"deliveryStreamArn":"arn","records":[{"recordId":"1","data":"aGVsbG8="}]}`))
	fmt.Printf("%s %s\n", b.Records[0].RecordID, b.Records[0].Data)
	// Output: 1 hello
}

func ExampleKinesisWindow() {
	b, w, _ := wire.KinesisWindow([]byte(`{
		"window":{"start":"2020-12-09T07:04:00Z","end":"2020-12-09T07:06:00Z"},
		"state":{"1":282},"isFinalInvokeForWindow":true}`))
	fmt.Println(len(b.Records), w.End.Sub(w.Start), string(w.State), w.Final)
	// Output: 0 2m0s {"1":282} true
}

func ExampleDynamoDBWindow() {
	_, _, err := wire.DynamoDBWindow([]byte(`{"Records":[]}`))
	fmt.Println(err)
	// Output: expected a DynamoDB event of a tumbling window, got records without a window
}
