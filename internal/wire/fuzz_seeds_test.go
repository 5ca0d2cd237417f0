package wire

import (
	"slices"
	"strings"
	"testing"

	"github.com/matryer/is"
)

// Events that are small, so that most mutations of the fuzzer hit something, and in which every record has neighbours.
const (
	smallSQS = `{"Records":[` +
		`{"messageId":"a","body" :"1","attributes":{"MessageGroupId":"g","ApproximateReceiveCount":"2"}},` +
		`{"body" :"\u00e9\n","messageId":"b","messageAttributes":{"k":{"stringValue":"v","dataType":"String",` +
		`"binaryValue":"AQ==","stringListValues":["s"],"binaryListValues":["Ag==",null]},"l":null}},` +
		`{"messageId":"c","receiptHandle":"r","md5OfBody":"m","body" :"{}","awsRegion":"e"}]}`

	smallKinesis = `{"Records":[` +
		`{"eventID":"a","kinesis":{"sequenceNumber":"1","partitionKey":"p","data":"MQ==","approximateArrivalTimestamp":1.5}},` +
		`{"kinesis":{"data":"","partitionKey":"\u0070","sequenceNumber":"2","encryptionType":"KMS"}},` +
		`{"kinesis":{"sequenceNumber":"3","data":"Mw\n==","kinesisSchemaVersion":"1.0"},"eventName":"n"}]}`

	smallDynamoDB = `{"Records":[` +
		`{"eventID":"a","eventName":"INSERT","dynamodb":{"SequenceNumber":"1","Keys":{"k":{"S":"a"},"n":{"N":"1"}},"SizeBytes":3,` +
		`"NewImage":{"l":{"L":[{"BOOL":true},{"NULL":true},{"B":"AQ=="}]},"m":{"M":{"x":{"SS":["s","t"]}}}}}},` +
		`{"dynamodb":{"OldImage":{"n":{"NS":["1","2.5"]},"b":{"BS":["AQ==",""]}},"SequenceNumber":"2","Keys":{}}},` +
		`{"dynamodb":{"Keys":{"k":{"B":"/w=="}},"ApproximateCreationDateTime":1e3,"SequenceNumber":"3","StreamViewType":"v"},` +
		`"userIdentity":{"type":"t","principalId":"p"}}]}`

	smallKafka = `{"eventSource":"aws:kafka","bootstrapServers":"h","records":{` +
		`"t-1":[{"topic":"t","partition":1,"offset":7,"key":"aw==","value":"dg==","headers":[{"h":[1,-1,255]},{}]},` +
		`{"topic":"t","partition":1,"offset":8,"value":null}],` +
		`"t-0":[],"s-0":null,` +
		`"s-1":[{"topic":"s","partition":1,"offset":0,"timestamp":1500,"timestampType":"CREATE_TIME","value":""}]}}`

	smallFirehose = `{"invocationId":"i","deliveryStreamArn":"d","records":[` +
		`{"recordId":"a","approximateArrivalTimestamp":1500,"data":"MQ=="},` +
		`{"recordId":"b","kafkaRecordValue":"Mg==","kafkaRecordMetadata":{"topic":"t"}},` +
		`{"recordId":"c","data":"","kinesisRecordMetadata":{"shardId":"s","partitionKey":"p","sequenceNumber":"1",` +
		`"subsequenceNumber":"0","approximateArrivalTimestamp":1500}}]}`

	smallWindow = `{"window":{"start":"2020-07-30T17:00:00Z","end":"2020-07-30T17:05:00Z"},"state":{"1":2},"shardId":"s",` +
		`"isFinalInvokeForWindow":true,"isWindowTerminatedEarly":false,"eventSourceARN":"a",` +
		`"Records":[{"kinesis":{"sequenceNumber":"1","data":"MQ=="}},{"dynamodb":{"SequenceNumber":"2","Keys":{"k":{"S":"a"}}}}]}`
)

func TestEachRecordOfTheSmallEventsIsRead(t *testing.T) {
	is := is.New(t)
	is.Equal(readWhole(t, smallSQS, SQS), 3)
	is.Equal(readWhole(t, smallKinesis, Kinesis), 3)
	is.Equal(readWhole(t, smallDynamoDB, DynamoDB), 3)
	is.Equal(readWhole(t, smallKafka, Kafka), 3)
	is.Equal(readWhole(t, smallFirehose, Firehose), 3)
}

// readWhole reads an event none of whose records is bad, and returns how many there are.
func readWhole[R any](t *testing.T, event string, read func([]byte) (Batch[R], error)) int {
	t.Helper()
	b, err := read([]byte(event))
	if err != nil || len(b.Bad) > 0 || len(b.Unread) > 0 {
		t.Fatalf("%v, bad records %v, unread %v", err, b.Bad, b.Unread)
	}
	return len(b.Records)
}

// addSmall adds a small event, what is left of it if it ends early, and other events that reach code which that does not.
// The fuzzer has found each of the others, or a longer one like it.
func addSmall(f *testing.F, event string, others ...string) {
	all := []string{event, "", "4", "{\"a\":\"\n", `{"eventSource":"aws:x"}`, `{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0}`}
	for _, seed := range slices.Concat(all, brokenOff(event), others) {
		f.Add([]byte(seed))
	}
}

// brokenOff returns events that end early: in each value of the given one, or in another value in its place.
func brokenOff(event string) (all []string) {
	for at := range event {
		if !strings.HasSuffix(event[:at], `":`) {
			continue
		}
		for _, end := range []string{"", event[at : at+1], "n", "t", "f", "2.", "2.6", "00", `""`, "["} {
			all = append(all, event[:at]+end)
		}
	}
	return all
}
