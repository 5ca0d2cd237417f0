package wire

import "testing"

// Short events with every member that a reader knows.
const (
	sqsEvent = `{"Records":[{"messageId":"a","receiptHandle":"b","body":"c\n\u00e9","attributes":{"MessageGroupId":"g","x":"1"},` +
		`"messageAttributes":{"k":{"stringValue":"s","binaryValue":"YQ==","stringListValues":["l"],"binaryListValues":["Yg=="],"dataType":"t"}},` +
		`"md5OfMessageAttributes":"m","md5OfBody":"n","eventSource":"aws:sqs","eventSourceARN":"q","awsRegion":"r"},{}]}`
	kinesisEvent = `{"Records":[{"kinesis":{"kinesisSchemaVersion":"1","partitionKey":"p","sequenceNumber":"2","data":"YWI=",` +
		`"approximateArrivalTimestamp":-16.5,"encryptionType":"K"},"eventSource":"aws:kinesis","eventVersion":"v","eventID":"i",` +
		`"eventName":"n","invokeIdentityArn":"a","awsRegion":"r","eventSourceARN":"s"},{}]}`
	dynamodbEvent = `{"Records":[{"eventID":"i","eventName":"n","eventVersion":"v","eventSource":"aws:dynamodb","awsRegion":"r",` +
		`"dynamodb":{"ApproximateCreationDateTime":16,"Keys":{"k":{"S":"1"}},"NewImage":{"n":{"N":"2"},"t":{"BOOL":true},` +
		`"f":{"BOOL":false},"z":{"NULL":true},"b":{"B":"YQ=="},"s":{"SS":["a","b"]},"o":{"NS":["1"]},"d":{"BS":["Yg=="]},` +
		`"l":{"L":[{"S":"x"},{"M":{"m":{"S":"y"}}}]}},"OldImage":{},"SequenceNumber":"9","SizeBytes":26,"StreamViewType":"w"},` +
		`"eventSourceARN":"a","userIdentity":{"type":"t","principalId":"p"}},{}]}`
	kafkaEvent = `{"eventSource":"aws:kafka","records":{"t-1":[{"topic":"t","partition":1,"offset":-15,"timestamp":1500,` +
		`"timestampType":"C","key":"a","value":"b","headers":[{"h":[118,-36,0]}]},{}],"t-0":[{"offset":7}]}}`
	firehoseEvent = `{"deliveryStreamArn":"d","records":[{"recordId":"1","approximateArrivalTimestamp":1507,"data":"YQ==",` +
		`"kinesisRecordMetadata":{"shardId":"s","partitionKey":"p","approximateArrivalTimestamp":150,"sequenceNumber":"4",` +
		`"subsequenceNumber":12}},{"mskRecordMetadata":{},"kafkaRecordValue":"Yg=="}]}`
)

var shortEvents = map[string]func(*testing.T, []byte){
	sqsEvent:      sqsTarget.check,
	kinesisEvent:  kinesisTarget.check,
	dynamodbEvent: dynamodbTarget.check,
	kafkaEvent:    kafkaTarget.check,
	firehoseEvent: firehoseTarget.check,
}
