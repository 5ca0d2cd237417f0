package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"
	"github.com/samber/lo"
)

// moduleOfEvents returns the folder of aws-lambda-go.
var moduleOfEvents = sync.OnceValues(func() (string, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	return strings.TrimSpace(string(dir)), err
})

// testdata returns an event from the test data of aws-lambda-go.
func testdata(t testing.TB, name string) []byte {
	t.Helper()
	dir, err := moduleOfEvents()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "events", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func unmarshal[E any](t testing.TB, payload []byte) (event E) {
	t.Helper()
	if err := json.Unmarshal(payload, &event); err != nil {
		t.Fatal(err)
	}
	return event
}

func TestEventsDecodeAsEncodingJSONDecodesThem(t *testing.T) {
	same(t, "sqs-event.json", SQS, func(e events.SQSEvent) []events.SQSMessage { return e.Records })
	same(t, "kinesis-event.json", Kinesis, func(e events.KinesisEvent) []events.KinesisEventRecord { return e.Records })
	same(t, "kinesis-time-window-event.json", Kinesis, func(e events.KinesisEvent) []events.KinesisEventRecord { return e.Records })
	same(t, "dynamodb-event.json", DynamoDB, func(e events.DynamoDBEvent) []events.DynamoDBEventRecord { return e.Records })
	same(t, "dynamodb-time-window-event.json", DynamoDB, func(e events.DynamoDBEvent) []events.DynamoDBEventRecord { return e.Records })
	same(t, "kafka-event.json", Kafka, func(e events.KafkaEvent) (all []KafkaRecord) {
		for name, records := range e.Records {
			for _, k := range records {
				all = append(all, KafkaRecord{name, true, k})
			}
		}
		return all
	})
	same(t, "kinesis-firehose-event.json", Firehose, func(e events.KinesisFirehoseEvent) []events.KinesisFirehoseEventRecord { return e.Records })
}

func same[E, R any](t *testing.T, file string, read func([]byte) (Batch[R], error), records func(E) []R) {
	t.Run(file, func(t *testing.T) {
		is := is.New(t)
		payload := testdata(t, file)
		b, err := read(payload)
		is.NoErr(err)
		is.Equal(len(b.Bad), 0)
		is.True(len(b.Records) > 0)
		is.True(reflect.DeepEqual(b.Records, records(unmarshal[E](t, payload))))
	})
}

func TestLenienciesOfEncodingJSONHold(t *testing.T) {
	for _, c := range []struct {
		check  func(*testing.T, []byte)
		record string
	}{
		{sqsTarget.check, `{"MESSAGEID":"a","b\u006fdy":"b","meſſageid":"c"}`},
		{sqsTarget.check, `{"messageId":"a","messageId":"b","body":"x","body":null}`},
		{sqsTarget.check, `{"messageId":null,"attributes":null,"messageAttributes":null}`},
		{sqsTarget.check, `{"attributes":{},"messageAttributes":{"a":{},"b":null}}`},
		{sqsTarget.check, `{"attributes":{"a":"1","b":"2","a":null},"attributes":{"c":"3"}}`},
		{sqsTarget.check, `{"attributes":{"a":"1"},"attributes":null}`},
		{sqsTarget.check, `{"messageAttributes":{"a":{"dataType":"x"},"a":{"stringValue":"y","stringValue":null}}}`},
		{sqsTarget.check, `{"messageAttributes":{"a":{"stringListValues":[null,"b"],"binaryListValues":[null,"","YQ=="],"binaryValue":null}}}`},
		{sqsTarget.check, `{"messageAttributes":{"a":{"stringListValues":["a"],"stringListValues":null,"binaryListValues":[]}}}`},
		{sqsTarget.check, "{\"body\":\"a\xffb\xe2\x82\",\"messageId\":\"\\ud800\\ud83d\\ude00\\udc00\"}"},
		{sqsTarget.check, "{\"attributes\":{\"\xff\":\"1\",\"\xfe\":\"2\"}}"},
		{sqsTarget.check, `{"unknown":[{"":1e999}],"":null,"null":"\ud800"}`},
		{sqsTarget.check, `{"receiptHandle":"a","receiptHandle":null,"awsRegion":"r","awsRegion":null}`},
		{sqsTarget.check, `{"eventSourceARN":"a","eventSourceARN":null,"body":"b","body":null}`},
		{kinesisTarget.check, `{"kinesis":{"data":"YQ\n=="},"kinesis":{"sequenceNumber":"1"},"kinesis":null}`},
		{kinesisTarget.check, `{"kinesis":{"data":"","data":null}}`},
		{kinesisTarget.check, `{"kinesis":{"data":"\r\n"}}`},
		{kinesisTarget.check, `{"kinesis":{"approximateArrivalTimestamp":null}}`},
		{kinesisTarget.check, `{"kinesis":{"approximateArrivalTimestamp":-1.5e-3}}`},
		{kinesisTarget.check, `{"kinesis":{"approximateArrivalTimestamp":1e300}}`},
		{dynamodbTarget.check, `{"userIdentity":{"type":"a"},"userIdentity":{"principalId":"b"}}`},
		{dynamodbTarget.check, `{"userIdentity":{"type":"a"},"userIdentity":null}`},
		{dynamodbTarget.check, `{"dynamodb":{"Keys":{"a":{"S":"1"}},"keys":{"b":{"S":"2"}}}}`},
		{dynamodbTarget.check, `{"dynamodb":{"NewImage":{"a":{"S":"1"}},"newImage":null}}`},
		{dynamodbTarget.check, `{"dynamodb":{"Keys":{"a":{"S":"1"},"a":{"NULL":{}}},"NewImage":{}}}`},
		{dynamodbTarget.check, `{"dynamodb":{"OldImage":{"a":{"S":"1"}},"OldImage":null,"NewImage":null}}`},
		{dynamodbTarget.check, `{"dynamodb":{"NewImage":{"":{"M":{"a":{"SS":[]},"a":{"BS":["",""]}}},"l":{"L":[]}},"SizeBytes":-0}}`},
		{kafkaTarget.check, `{"headers":[null,{},{"a":null,"b":[],"c":[null,-128,-0]}],"offset":null}`},
		{kafkaTarget.check, `{"headers":[],"timestamp":null}`},
		{kafkaTarget.check, `{"headers":null,"timestamp":-1}`},
		{firehoseTarget.check, `{"kinesisRecordMetadata":null,"approximateArrivalTimestamp":9223372036854775807}`},
	} {
		t.Run(c.record, func(t *testing.T) {
			is := is.New(t)
			payload := `{"Records":[` + c.record + `]}`
			c.check(t, []byte(payload))
			c.check(t, []byte(`{"records":{"t-0":[`+c.record+`]}}`))
			for source, bad := range allBad(payload) {
				t.Log(source, bad)
				is.Equal(len(bad), 0)
			}
		})
	}
}

// allBad returns the bad records that each source finds in a payload without an eventSource.
func allBad(payload string) map[string][]Bad {
	all := map[string][]Bad{}
	s, _ := SQS([]byte(payload))
	k, _ := Kinesis([]byte(payload))
	d, _ := DynamoDB([]byte(payload))
	f, _ := Firehose([]byte(payload))
	m, _ := Kafka([]byte(strings.Replace(payload, `"Records":`, `"records":{"t-0":`, 1) + "}"))
	all["SQS"], all["Kinesis"], all["DynamoDB"], all["Firehose"], all["Kafka"] = s.Bad, k.Bad, d.Bad, f.Bad, m.Bad
	return all
}

func TestOnlyTheBrokenRecordIsBadAndItKeepsItsIdentifier(t *testing.T) {
	is := is.New(t)
	b, err := SQS([]byte(`{"Records":[
		{"messageId":"a","body":"x"},
		{"body":5,"messageId":"b","attributes":{"MessageGroupId":"g"}},
		7,
		{"messageId":"d","body":"y"}]}`))
	is.NoErr(err)
	is.Equal(len(b.Records), 4)
	is.Equal(len(b.Bad), 2)
	is.Equal(b.Bad[0].Index, 1)
	is.Equal(b.Bad[0].Field, "body")
	is.Equal(b.Bad[0].Err.Error(), "want a string, got a number")
	is.Equal(string(b.Bad[0].Raw), `{"body":5,"messageId":"b","attributes":{"MessageGroupId":"g"}}`)
	is.Equal(b.Records[1].MessageId, "b")
	is.Equal(b.Records[1].Attributes["MessageGroupId"], "g")
	is.Equal(b.Bad[1].Index, 2)
	is.Equal(b.Bad[1].Field, "")
	is.Equal(b.Records[3].Body, "y")

	d, err := DynamoDB([]byte(`{"Records":[{"dynamodb":{"NewImage":{"a":{"S":"x"},"price":{"N":"1","S":"1"}},
		"Keys":{"id":{"S":"k"}},"SequenceNumber":"9"}}]}`))
	is.NoErr(err)
	is.Equal(d.Bad[0].Field, "dynamodb.NewImage.price")
	is.Equal(d.Records[0].Change.SequenceNumber, "9")
	is.Equal(d.Records[0].Change.Keys["id"].String(), "k")
}

func TestAnAttributeValueMustBeOfTheTypeThatItNames(t *testing.T) {
	for _, value := range []string{`{"BOOL":1}`, `{"L":{}}`, `{"M":[]}`, `{"S":1}`, `{"B":[]}`, `{"NS":1}`, `{"NS":[1,"2"]}`} {
		is := is.New(t)
		b, err := DynamoDB([]byte(`{"Records":[{"dynamodb":{"NewImage":{"a":` + value + `},"SequenceNumber":"9"}}]}`))
		is.NoErr(err)
		is.Equal(len(b.Bad), 1)
		is.Equal(b.Bad[0].Field, "dynamodb.NewImage.a")
	}
}

func TestTheFirstProblemOfARecordIsNamed(t *testing.T) {
	is := is.New(t)
	b, err := SQS([]byte(`{"Records":[{"awsRegion":{},"messageId":1,"body":2},{"body":2,"messageAttributes":{"a":1}}]}`))
	is.NoErr(err)
	is.Equal(len(b.Bad), 2)
	is.Equal(b.Bad[0].Field, "messageId")
	is.Equal(b.Bad[1].Field, "body")
}

func TestNumbersAreThoseOfJSON(t *testing.T) {
	for _, n := range []string{
		"0", "-0", "-0.0", "12", "0.5", "1.50", "1e5", "1E+05", "-1.5e-3", "127", "-128", "128", "1e400",
		"01", "-01", "-", "--1", "+1", "1.", ".5", "1.e1", "1e", "1e+", "0x1", "1_0", "1 0", "1-2", "0.1.2", "00.1", "Infinity", "1a", "1:", "1/",
	} {
		for _, space := range []string{"", " "} {
			n += space
			kinesisTarget.check(t, []byte(`{"Records":[{"kinesis":{"approximateArrivalTimestamp":`+n+`}}]}`))
			firehoseTarget.check(t, []byte(`{"records":[{"approximateArrivalTimestamp":`+n+`}]}`))
			kafkaTarget.check(t, []byte(`{"records":{"t-0":[{"offset":`+n+`,"headers":[{"h":[`+n+`]}]}]}}`))
			sqsTarget.check(t, []byte(`{"Records":[{"x":`+n+`}]}`))
		}
	}
}

func TestStringsWithAnyByteDecodeAsEncodingJSONDecodesThem(t *testing.T) {
	for c := range 256 {
		for pad := range 9 {
			for _, b := range []string{string([]byte{byte(c)}), string([]byte{'\\', byte(c)}), string([]byte{0xe3, byte(c), 0x82})} {
				text := strings.Repeat("a", pad) + b
				sqsTarget.check(t, []byte(`{"Records":[{"body":"`+text+`","receiptHandle":"`+text+`bcdefghi"}]}`))
				sqsTarget.check(t, []byte(`{"Records":[{"body":"`+text+`"}]}`)) // fewer than eight bytes follow
			}
		}
	}
}

func TestAnEmptyListIsAnEmptyBatch(t *testing.T) {
	is := is.New(t)
	b, err := SQS([]byte(` {"Records" : [ ] } `))
	is.NoErr(err)
	is.True(b.Records != nil)
	is.Equal(len(b.Records), 0)
	k, err := Kafka([]byte(`{"records":{"t-1":[],"t-0":null}}`))
	is.NoErr(err)
	is.True(k.Records != nil)
	is.Equal(len(k.Records), 0)
}

func TestRecordsGivenTwiceAreRefused(t *testing.T) {
	for _, payload := range []string{
		`{"Records":[],"Records":[]}`,
		`{"Records":[],"records":null}`,
		`{"records":{},"records":{}}`,
		`{"records":{"t-0":[],"t\u002d0":[]}}`,
	} {
		for _, err := range refusals(payload) {
			is := is.New(t)
			is.True(err != nil)
		}
	}
}

func TestATopicPartitionThatIsNoListIsNamed(t *testing.T) {
	for content, kind := range map[string]string{`7`: "a number", `"a"`: "a string", `{"offset":1}`: "an object", `true`: "a boolean"} {
		is := is.New(t)
		_, err := Kafka([]byte(`{"eventSource":"aws:kafka","records":{"s-0":[],"t-0":` + content + `}}`))
		is.Equal(err.Error(), `expected a Kafka event, got topic-partition "t-0" that is `+kind)
	}
}

func TestAnEventSourceThatIsNoStringNamesNoOtherSource(t *testing.T) {
	for _, source := range []string{`7`, `null`, `["aws:sqs"]`} {
		is := is.New(t)
		b, err := Kafka([]byte(`{"eventSource":` + source + `,"records":{"t-0":[{"offset":3}]}}`))
		is.NoErr(err)
		is.Equal(len(b.Records), 1)
		is.Equal(b.Records[0].Offset, int64(3))
	}
}

func TestKafkaRecordsAreOrderedByTheNameOfTheirPartition(t *testing.T) {
	is := is.New(t)
	b, err := Kafka([]byte(`{"eventSource":"SelfManagedKafka","records":{
		"t-2":[{"offset":20},{"offset":"21"}],
		"t-10":[{"offset":null,"key":1},{"offset":11}],
		"s-0":[7,{"offset":1}]}}`))
	is.NoErr(err)
	order := lo.Map(b.Records, func(k KafkaRecord, _ int) string { return fmt.Sprint(k.Partition, "/", k.Offset) })
	is.Equal(order, []string{"s-0/0", "s-0/1", "t-10/0", "t-10/11", "t-2/20", "t-2/0"})
	bad := lo.Map(b.Bad, func(x Bad, _ int) int { return x.Index })
	is.Equal(bad, []int{0, 2, 5})
	located := lo.Map(b.Records, func(k KafkaRecord, _ int) bool { return k.Located })
	is.Equal(located, []bool{false, true, false, true, true, false})
}

// An identifier repeats the name. So the response for a long name and many records would be many times as large as
// the payload.
func TestATopicPartitionWithAnOverlongNameIsRefused(t *testing.T) {
	is := is.New(t)
	payload := func(topic int) []byte {
		return []byte(`{"records":{"` + strings.Repeat("t", topic) + `-2147483647":[{"offset":1}]}}`)
	}
	b, err := Kafka(payload(249)) // the longest name that Kafka allows
	is.NoErr(err)
	is.Equal(len(b.Records), 1)
	_, err = Kafka(payload(289)) // of 300 bytes with the number
	is.NoErr(err)
	_, err = Kafka(payload(290))
	is.True(err != nil)
	is.True(strings.HasSuffix(err.Error(), "tttttt…\", whose name is too long"))
	is.True(len(err.Error()) < 150)
}

func TestAWindowEventMayHaveNoRecords(t *testing.T) {
	is := is.New(t)
	for _, records := range []string{``, `"Records":[],`, `"Records":null,`} {
		b, w, err := KinesisWindow([]byte(`{` + records + `"window":{"start":"2020-07-30T17:00:00Z"},"state":{"1":282},"isFinalInvokeForWindow":true}`))
		is.NoErr(err)
		is.Equal(len(b.Records), 0)
		is.Equal(string(w.State), `{"1":282}`)
		is.True(w.Final)
		is.True(w.End.IsZero())
	}
	_, _, err := DynamoDBWindow([]byte(`{"Records":[],"window":null}`))
	is.True(err != nil) // no window
	_, _, err = DynamoDBWindow([]byte(`{"window":{"start":"yesterday"}}`))
	is.Equal(err.Error(), `expected a DynamoDB event of a tumbling window, got a bad "window": string is no time of RFC 3339`)
	b, err := Kinesis([]byte(`{"window":5,"state":[],"Records":[{}]}`))
	is.NoErr(err) // Kinesis ignores the window
	is.Equal(len(b.Records), 1)
}

func TestAnImageNestedTooDeeplyIsBad(t *testing.T) {
	is := is.New(t)
	nested := func(n int) []byte {
		return []byte(`{"Records":[{"dynamodb":{"NewImage":{"a":` + strings.Repeat(`{"L":[`, n) + strings.Repeat(`]}`, n) + `},"SequenceNumber":"1"}}]}`)
	}
	dynamodbTarget.check(t, nested(1000))
	b, err := DynamoDB(nested(1000))
	is.NoErr(err)
	is.Equal(len(b.Bad), 0)
	b, err = DynamoDB(nested(1001))
	is.NoErr(err)
	is.Equal(b.Bad[0].Err.Error(), "nested too deeply")
	is.True(len(b.Bad[0].Field) < 300)
	innermost, lists := b.Records[0].Change.NewImage["a"].List(), 1
	for ; len(innermost) > 0; lists++ {
		innermost = innermost[0].List()
	}
	is.Equal(lists, 1000) // the value that is nested too deeply is left out
	is.Equal(b.Records[0].Change.SequenceNumber, "1")
}

func TestNothingPointsIntoThePayload(t *testing.T) {
	is := is.New(t)
	payload := testdata(t, "sqs-event.json")
	want := unmarshal[events.SQSEvent](t, payload).Records
	payload = bytes.Replace(payload, []byte(`"Records": [`), []byte(`"Records": [7,`), 1)
	b, err := SQS(payload)
	is.NoErr(err)
	clear(payload)
	is.True(reflect.DeepEqual(b.Records[1:], want))
	is.Equal(string(b.Bad[0].Raw), "7")
}

func TestDataThatIsAppendedToLeavesItsNeighbourAlone(t *testing.T) {
	is := is.New(t)
	b, err := Kinesis([]byte(`{"Records":[{"kinesis":{"data":"YQ=="}},{"kinesis":{"data":"Yg=="}}]}`))
	is.NoErr(err)
	_ = append(b.Records[0].Kinesis.Data, "overwritten"...)
	is.Equal(string(b.Records[1].Kinesis.Data), "b")
}

func TestARecordTakesFewAllocations(t *testing.T) {
	few(t, "SQS", 3.5, sqsPayload(), SQS)
	few(t, "Kinesis", 0.5, kinesisPayload(), Kinesis)
	few(t, "DynamoDB", 21.5+underRace, dynamodbPayload(), DynamoDB)
	few(t, "Kafka", 3.5, kafkaPayload(), Kafka)
	few(t, "Firehose", 0.5, firehosePayload(), Firehose)
}

func few[R any](t *testing.T, source string, most float64, payload []byte, read func([]byte) (Batch[R], error)) {
	t.Run(source, func(t *testing.T) {
		is := is.New(t)
		var err error
		n := testing.AllocsPerRun(3, func() { _, err = read(payload) })
		is.NoErr(err)
		is.True(n/benchRecords < most)
	})
}
