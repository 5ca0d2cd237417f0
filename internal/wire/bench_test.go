package wire

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

const benchRecords = 1000

func event(template string) []byte {
	records := make([]string, benchRecords)
	for i := range records {
		records[i] = strings.NewReplacer("%08d", fmt.Sprintf("%08d", i), "%04d", fmt.Sprintf("%04d", i%100)).Replace(template)
	}
	return []byte(`{"Records":[` + strings.Join(records, ",") + `]}`)
}

func sqsPayload() []byte {
	return event(`{"messageId":"059f36b4-87a3-44ab-83d2-%08dabcd","receiptHandle":"AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a+JvL2xGxlPYF1CZMDK1kuHVL5PNQ5lCMr1DLQ%08d","body":"{\"id\":\"order-%08d\",\"customer\":\"customer-%04d\",\"total\":12.5,\"items\":[{\"sku\":\"sku-1\",\"quantity\":2},{\"sku\":\"sku-2\",\"quantity\":1}]}","attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"15451859%08d","SequenceNumber":"188496%08d","MessageGroupId":"group-%04d","SenderId":"AIDAIENQZJOLO23YVJ4VO","MessageDeduplicationId":"dedup-%08d","ApproximateFirstReceiveTimestamp":"15451859%08d"},"messageAttributes":{},"md5OfBody":"e4e68fb7bd0e697a0ae8f1bb342846b3","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-2:123456789012:my-queue","awsRegion":"us-east-2"}`)
}

func kinesisPayload() []byte {
	return event(`{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"key-%04d","sequenceNumber":"495903382714902566085596925383615710959215759891365%08d","data":"eyJpZCI6Im9yZGVyLTEiLCJjdXN0b21lciI6ImN1c3RvbWVyLTEiLCJ0b3RhbCI6MTIuNSwiaXRlbXMiOlt7InNrdSI6InNrdS0xIiwicXVhbnRpdHkiOjJ9XX0=","approximateArrivalTimestamp":1607497475.123},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"shardId-000000000006:495903382714902566085596925383615710959215759891365%08d","eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::123456789012:role/lambda-kinesis-role","awsRegion":"us-east-1","eventSourceARN":"arn:aws:kinesis:us-east-1:123456789012:stream/lambda-stream"}`)
}

func dynamodbPayload() []byte {
	return event(`{"eventID":"f07f8ca4b0b26cb9c4e5e77e%08d","eventName":"MODIFY","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"us-east-1","dynamodb":{"ApproximateCreationDateTime":1480642020.0,"Keys":{"id":{"S":"order-%08d"}},"NewImage":{"id":{"S":"order-%08d"},"customer":{"S":"customer-%04d"},"total":{"N":"12.5"},"paid":{"BOOL":true},"tags":{"SS":["a","b"]},"items":{"L":[{"M":{"sku":{"S":"sku-1"},"quantity":{"N":"2"}}}]}},"OldImage":{"id":{"S":"order-%08d"},"customer":{"S":"customer-%04d"},"total":{"N":"12.5"},"paid":{"BOOL":false}},"SequenceNumber":"14054000000000020%08d","SizeBytes":154,"StreamViewType":"NEW_AND_OLD_IMAGES"},"eventSourceARN":"arn:aws:dynamodb:us-east-1:123456789012:table/Example-Table/stream/2016-12-01T00:00:00.000"}`)
}

func kafkaPayload() []byte {
	all := event(`{"topic":"orders","partition":0,"offset":1%08d,"timestamp":1595035749700,"timestampType":"CREATE_TIME","key":"OGQ1NTk2YjQtMTgxMy00MjM4LWIyNGItNmRhZDhlM2QxYzBj","value":"eyJpZCI6Im9yZGVyLTEiLCJjdXN0b21lciI6ImN1c3RvbWVyLTEiLCJ0b3RhbCI6MTIuNX0=","headers":[{"trace":[118,-36,0,127,-128,1,2,3]}]}`)
	list := strings.TrimSuffix(strings.TrimPrefix(string(all), `{"Records":`), "}")
	return []byte(`{"eventSource":"aws:kafka","eventSourceArn":"arn:aws:kafka:us-west-2:012345678901:cluster/c/1","bootstrapServers":"b-1:9092","records":{"orders-0":` + list + `}}`)
}

func firehosePayload() []byte {
	all := event(`{"recordId":"495466499999999999%08d","approximateArrivalTimestamp":1507217624302,"data":"eyJpZCI6Im9yZGVyLTEiLCJjdXN0b21lciI6ImN1c3RvbWVyLTEiLCJ0b3RhbCI6MTIuNX0=","kinesisRecordMetadata":{"shardId":"shardId-000000000000","partitionKey":"4d1ad2b9-24f8-4b9d-a088-%08d","approximateArrivalTimestamp":1507217624302,"sequenceNumber":"4954698668313554428650745793632162567570019247%08d","subsequenceNumber":12}}`)
	list := strings.TrimSuffix(strings.TrimPrefix(string(all), `{"Records":`), "}")
	return []byte(`{"invocationId":"i","deliveryStreamArn":"arn:aws:firehose:x","region":"us-west-2","records":` + list + `}`)
}

// compare measures the cost per record of this package and of encoding/json.
func compare[R, E any](b *testing.B, payload []byte, read func([]byte) (Batch[R], error)) {
	run := func(name string, f func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(payload)) / benchRecords)
			for i := 0; i < b.N; i += benchRecords {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("wire", func() error {
		_, err := read(payload)
		return err
	})
	run("encoding-json", func() error {
		var e E
		return json.Unmarshal(payload, &e)
	})
}

func BenchmarkSQS(b *testing.B) { compare[events.SQSMessage, events.SQSEvent](b, sqsPayload(), SQS) }

func BenchmarkKinesis(b *testing.B) {
	compare[events.KinesisEventRecord, events.KinesisEvent](b, kinesisPayload(), Kinesis)
}

func BenchmarkDynamoDB(b *testing.B) {
	compare[events.DynamoDBEventRecord, events.DynamoDBEvent](b, dynamodbPayload(), DynamoDB)
}

func BenchmarkKafka(b *testing.B) {
	compare[KafkaRecord, events.KafkaEvent](b, kafkaPayload(), Kafka)
}

func BenchmarkFirehose(b *testing.B) {
	compare[events.KinesisFirehoseEventRecord, events.KinesisFirehoseEvent](b, firehosePayload(), Firehose)
}
