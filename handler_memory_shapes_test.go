//go:build !race

package batch_test

import "strings"

const (
	oneMessage   = `{"Records":[{"messageId":"1",`
	firehoseHead = `{"deliveryStreamArn":"d","records":[`
	windowHead   = `{"window":{"start":"2026-11-23T12:00:00Z","end":"2026-11-23T12:02:00Z"},"Records":[`
	newImage     = `{"Records":[{"dynamodb":{"SequenceNumber":"1","NewImage":{"a":`
	offsets      = `{"records":{"t-0":[{"offset":1,`
)

// A shape is a payload made by repeating part between head and tail. A # in part is replaced by a counter.
type shape struct{ source, name, head, part, tail string }

// expensive are payloads whose parts cost the most, and the bounds on what they take, in bytes per byte of payload.
// docs/hostile.md has the bounds, too.
var expensive = []struct {
	kind      string
	allocated float64 // from payload to response, including what is freed on the way
	live      float64 // in use at the same time
	shapes    []shape
}{
	{"one record of 6 MB", 24, 4, []shape{
		{"SQS", "one body", oneMessage + `"body":"`, `a`, `"}]}`},
		{"SQS", "one body with escapes", oneMessage + `"body":"`, `\n`, `"}]}`},
		{"SQS", "one body with halves of surrogates", oneMessage + `"body":"`, `\ud800`, `"}]}`},
		{"SQS", "one body of invalid UTF-8", oneMessage + `"body":"`, "\xff", `"}]}`},
		{"Kinesis", "one record", `{"Records":[{"kinesis":{"sequenceNumber":"1","data":"`, `AAAA`, `"}}]}`},
		{"Kinesis", "one record with broken base64", `{"Records":[{"kinesis":{"sequenceNumber":"1","data":"%`, `AAAA`, `"}}]}`},
		{"DynamoDB", "one string", newImage + `{"S":"`, `a`, `"}}}}]}`},
		{"Kafka", "one value", offsets + `"value":"`, `AAAA`, `"}]}}`},
		{"Firehose", "one record", firehoseHead + `{"recordId":"1","data":"`, `AAAA`, `"}]}`},
		{"Firehose", "one record with broken base64", firehoseHead + `{"recordId":"1","data":"%`, `AAAA`, `"}]}`},
		{"Kinesis window", "one record", windowHead + `{"kinesis":{"sequenceNumber":"1","data":"`, `AAAA`, `"}}]}`},
		{"Kinesis window", "state", windowHead + `],"state":"`, `a`, `"}`},
	}},
	{"as many records as possible", 192, 40, []shape{
		{"SQS", "many records", `{"Records":[`, `{"messageId":"#345678","body":""},`, `{"messageId":"a"}]}`},
		{"Kinesis", "many records", `{"Records":[`, `{"kinesis":{"sequenceNumber":"#"}},`, `{"kinesis":{"sequenceNumber":"a"}}]}`},
		{"DynamoDB", "many records", `{"Records":[`, `{"dynamodb":{"SequenceNumber":"#"}},`, `{"dynamodb":{"SequenceNumber":"a"}}]}`},
		{"Kafka", "many records of a long topic", `{"records":{"` + strings.Repeat("t", 298) + `-0":[`, `{"offset":#,"value":"AAAAAAAA"},`, `{"offset":1}]}}`},
		{"Firehose", "many records", firehoseHead, `{"recordId":"#","data":"AAAAAA=="},`, `{"recordId":"a"}]}`},
		{"Kinesis window", "many records", windowHead, `{"kinesis":{"sequenceNumber":"#"}},`, `{"kinesis":{"sequenceNumber":"a"}}]}`},
		{"SQS", "many records without an identifier", `{"Records":[`, `{"body":"0123456789012345678901234"},`, `{"messageId":"a"}]}`},
		{"SQS", "many bad records", `{"Records":[`, `{"messageId":"#","body":{}       },`, `{"messageId":"a"}]}`},
		{"Kafka", "many bad records", `{"records":{"t-0":[`, `{"offset":#,"value":{}         },`, `{"offset":1}]}}`},
		{"Firehose", "many bad records", firehoseHead, `{"recordId":"#","data":{}       },`, `{"recordId":"a"}]}`},
		{"SQS", "many groups", `{"Records":[`, `{"messageId":"#","attributes":{"MessageGroupId":"#"},"eventSourceARN":".fifo"},`, `{"messageId":"a"}]}`},
		{"Kafka", "many partitions", `{"records":{`, `"t-#":[{"offset":1}],`, `"":[]}}`},
		{"SQS", "numbers instead of records", `{"Records":[`, `0,`, `0]}`},
	}},
	{"as many attributes or elements as possible", 128, 72, []shape{
		{"SQS", "many attributes", oneMessage + `"attributes":{`, `"#":"",`, `"":""}}]}`},
		{"SQS", "many message attributes", oneMessage + `"messageAttributes":{`, `"#":{},`, `"":{}}}]}`},
		{"SQS", "a long list of strings", oneMessage + `"messageAttributes":{"a":{"stringListValues":[`, `"",`, `""]}}}]}`},
		{"SQS", "a long list of data", oneMessage + `"messageAttributes":{"a":{"binaryListValues":[`, `"",`, `""]}}}]}`},
		{"SQS", "a small message attribute in each record", `{"Records":[`, `{"messageId":"#","messageAttributes":{"":{}}},`, `{}]}`},
		{"DynamoDB", "many attributes", newImage + `{"M":{`, `"#":{"S":""},`, `"":{"S":""}}}}}}]}`},
		{"DynamoDB", "many keys", `{"Records":[{"dynamodb":{"SequenceNumber":"1","Keys":{`, `"#":{"S":""},`, `"":{"S":""}}}}]}`},
		{"DynamoDB", "many empty lists", newImage + `{"L":[`, `{"L":[]},`, `{"L":[]}]}}}}]}`},
		{"DynamoDB", "many empty maps", newImage + `{"L":[`, `{"M":{}},`, `{"L":[]}]}}}}]}`},
		{"DynamoDB", "many nulls", newImage + `{"L":[`, `{"NULL":0},`, `{"L":[]}]}}}}]}`},
		{"DynamoDB", "many unknown types", newImage + `{"L":[`, `{"X":0},`, `{"L":[]}]}}}}]}`},
		{"Kafka", "many empty headers", offsets + `"headers":[`, `{},`, `{}]}]}}`},
		{"Kafka", "many headers", offsets + `"headers":[`, `{"":[]},`, `{}]}]}}`},
		{"Kafka", "a long header", offsets + `"headers":[{"h":[`, `0,`, `0]}]}]}}`},
		{"SQS", "unknown members", oneMessage, `"x#":[],`, `"x":0}]}`},
		{"SQS", "one member many times", oneMessage, `"body":"",`, `"body":""}]}`},
		{"SQS", "metadata that cannot be read", oneMessage + `"attributes":{`, `"#":{},`, `"":{}}}]}`},
	}},
	{"nesting", 12, 12, []shape{
		{"DynamoDB", "deeply nested lists", newImage + `{"L":[`, nestedList(990, `{"NULL":true}`) + `,`, `{"L":[]}]}}}}]}`},
		{"DynamoDB", "too deeply nested lists", newImage + `{"L":[`, nestedList(1100, `{"NULL":true}`) + `,`, `{"L":[]}]}}}}]}`},
		{"DynamoDB", "one string deep in a key", `{"Records":[{"dynamodb":{"SequenceNumber":"1","Keys":{"a":` + strings.Repeat(`{"L":[`, 990) + `{"S":"`,
			`a`, `"}` + strings.Repeat(`]}`, 990) + `}}}]}`},
		{"SQS", "deeply nested and unknown", oneMessage + `"x":[`, strings.Repeat(`[`, 9000) + strings.Repeat(`]`, 9000) + `,`, `0]}]}`},
		{"SQS", "too deeply nested", oneMessage + `"x":`, `[`, ``},
	}},
	{"one long identifier, group or key", 24, 4, []shape{
		{"SQS", "one identifier", `{"Records":[{"messageId":"`, `a`, `"}]}`},
		{"SQS", "one identifier of control characters", `{"Records":[{"messageId":"`, `\u0001`, `"}]}`},
		{"SQS", "one group of line breaks", oneMessage + `"attributes":{"MessageGroupId":"`, `\n`, `"}}]}`},
		{"DynamoDB", "one key of control characters", `{"Records":[{"dynamodb":{"SequenceNumber":"1","Keys":{"a":{"S":"`, `\u0001`, `"}}}}]}`},
		{"Firehose", "one identifier", firehoseHead + `{"recordId":"`, `a`, `"}]}`},
		{"Firehose", "one identifier of control characters", firehoseHead + `{"recordId":"`, `\u0001`, `"}]}`},
		{"Kinesis window", "one shard of line breaks", windowHead + `],"shardId":"`, `\n`, `"}`},
	}},
	{"one long number, or no event", 24, 2, []shape{
		{"Kafka", "one offset", `{"records":{"t-0":[{"offset":`, `9`, `}]}}`},
		{"Kinesis", "one time", `{"Records":[{"kinesis":{"sequenceNumber":"1","approximateArrivalTimestamp":`, `9`, `}}]}`},
		{"Kinesis", "one exponent", `{"Records":[{"kinesis":{"sequenceNumber":"1","approximateArrivalTimestamp":1e`, `9`, `}}]}`},
		{"SQS", "space", `{"Records":[`, ` `, `]}`},
		{"SQS", "cut off", `{"Records":[`, `{"messageId":"#345678","body":""},`, ``},
		{"SQS", "another event", `{`, `"#":[],`, `"x":0}`},
	}},
}
