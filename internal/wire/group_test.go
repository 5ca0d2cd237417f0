package wire

import (
	"testing"

	"github.com/matryer/is"
)

func TestARecordWhoseGroupCannotBeReadSaysSo(t *testing.T) {
	sqs, kinesis := reading(SQS, `{"Records":[`, `]}`), reading(Kinesis, `{"Records":[`, `]}`)
	dynamodb := reading(DynamoDB, `{"Records":[`, `]}`)
	kafka, firehose := reading(Kafka, `{"records":{"t-0":[`, `]}}`), reading(Firehose, `{"records":[`, `]}`)
	for _, c := range []struct {
		read   func(string) ([]Bad, []Unread, error)
		record string // has a body or the like of the wrong type, so that it is bad in any case
		unread bool
	}{
		{sqs, `7`, true},
		{sqs, `null`, true},
		{sqs, `{"body":1}`, false},
		{sqs, `{"body":1,"attributes":{"MessageGroupId":"g"}}`, false},
		{sqs, `{"body":1,"attributes":{"MessageGroupId":null}}`, false},
		{sqs, `{"body":1,"attributes":{"MessageGroupId":7}}`, true},
		{sqs, `{"body":1,"attributes":{"MessageGroupId":7,"MessageGroupId":"g"}}`, true},
		{sqs, `{"body":1,"attributes":{"MessageGroupId":7,"ApproximateReceiveCount":7}}`, true},
		{sqs, `{"body":1,"attributes":{"ApproximateReceiveCount":7}}`, false},
		{sqs, `{"body":1,"attributes":{"SenderId":7}}`, false},
		{sqs, `{"body":1,"attributes":[]}`, true},
		{sqs, `{"body":1,"attributes":null}`, true},
		{sqs, `{"body":1,"attributes":[],"attributes":{}}`, true},
		{kinesis, `[]`, true},
		{kinesis, `{"eventSourceARN":1}`, false},
		{kinesis, `{"eventSourceARN":1,"kinesis":{"partitionKey":"p"}}`, false},
		{kinesis, `{"eventSourceARN":1,"kinesis":{"partitionKey":null}}`, false},
		{kinesis, `{"eventSourceARN":1,"kinesis":{"partitionKey":7}}`, true},
		{kinesis, `{"eventSourceARN":1,"kinesis":{"partitionKey":{}}}`, true},
		{kinesis, `{"eventSourceARN":1,"kinesis":{"partitionKey":7,"partitionKey":"p"}}`, true},
		{kinesis, `{"kinesis":{"data":1}}`, false},
		{kinesis, `{"kinesis":"x"}`, true},
		{kinesis, `{"kinesis":7,"kinesis":{}}`, true},
		{dynamodb, `"x"`, true},
		{dynamodb, `{"eventName":1}`, false},
		{dynamodb, `{"eventName":1,"dynamodb":{"Keys":{"k":{"S":"a"}}}}`, false},
		{dynamodb, `{"eventName":1,"dynamodb":{"Keys":null}}`, false},
		{dynamodb, `{"eventName":1,"dynamodb":{"Keys":{"k":{"S":1}}}}`, true},
		{dynamodb, `{"eventName":1,"dynamodb":{"Keys":7,"Keys":{}}}`, true},
		{dynamodb, `{"dynamodb":{"NewImage":7,"Keys":{}}}`, false},
		{dynamodb, `{"dynamodb":{"Keys":{},"NewImage":{"a":7}}}`, false},
		{dynamodb, `{"dynamodb":7}`, true},
		{dynamodb, `{"dynamodb":[],"dynamodb":{"Keys":{}}}`, true},
		{kafka, `7`, true}, // the key of the event says the group all the same
		{kafka, `{"offset":"x"}`, false},
		{firehose, `7`, true}, // no group has an order here
		{firehose, `{"recordId":1}`, false},
	} {
		t.Run(c.record, func(t *testing.T) {
			is := is.New(t)
			bad, _, err := c.read(c.record + `,{"body":1,"eventName":1,"eventSourceARN":1,"key":1,"recordId":1}`)
			is.NoErr(err)
			is.Equal(len(bad), 2)
			is.Equal(bad[0].GroupUnread, c.unread)
			is.True(!bad[1].GroupUnread) // of the next record
		})
	}
}
