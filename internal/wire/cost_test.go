package wire

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/matryer/is"
)

func TestAnEventOfOneRecordTakesFewAllocations(t *testing.T) {
	plain := strings.NewReplacer(`\u00e9`, `é`, `,{}`, ``)
	oneRecord(t, "SQS", 11, plain.Replace(sqsEvent), SQS)
	oneRecord(t, "Kinesis", 4, plain.Replace(kinesisEvent), Kinesis)
	oneRecord(t, "DynamoDB", 32+2*underRace, plain.Replace(dynamodbEvent), DynamoDB)
	oneRecord(t, "Kafka", 15, plain.Replace(kafkaEvent), Kafka)
	oneRecord(t, "Firehose", 8, plain.Replace(firehoseEvent), Firehose)
}

// What remains is the reader and the list of records, and for Kafka the list of topic-partitions.
func TestAPlainValueTakesNoAllocationOfItsOwn(t *testing.T) {
	for _, value := range []string{`0`, `-0`, `7`, `0.5`, `-10.25`, `120.25`, `1507217624`, `"1e9"`, `null`} {
		oneRecord(t, "time "+value, 2, `{"Records":[{"kinesis":{"approximateArrivalTimestamp":`+value+`}}]}`, Kinesis)
	}
	for _, value := range []string{`0`, `-0`, `7`, `10`, `-120`, `1507217624`, `null`} {
		oneRecord(t, "offset "+value, 4, `{"records":{"t-0":[{"offset":`+value+`}]}}`, Kafka)
	}
	for _, value := range []string{`null`, `true`, `false`, `"x"`, `"x\n\"yz\/"`, `"日本語"`, `"` + strings.Repeat("x ~", 401) + `"`} {
		oneRecord(t, "unknown "+clip(value, 20), 2, `{"Records":[{"x":`+value+`}]}        `, SQS)
	}
}

func oneRecord[R any](t *testing.T, name string, most float64, payload string, read func([]byte) (Batch[R], error)) {
	t.Run(name, func(t *testing.T) {
		is := is.New(t)
		var err error
		data := []byte(payload)
		n := testing.AllocsPerRun(20, func() { _, err = read(data) })
		is.NoErr(err)
		is.True(n <= most)
	})
}

func TestAPayloadFromAWSTakesAtMostThreeTimesItsSize(t *testing.T) {
	timesItsSize(t, "SQS", 1.3, sqsPayload(), SQS)
	timesItsSize(t, "Kinesis", 0.8, kinesisPayload(), Kinesis)
	timesItsSize(t, "DynamoDB", 3, dynamodbPayload(), DynamoDB)
	timesItsSize(t, "Kafka", 2.5, kafkaPayload(), Kafka)
	timesItsSize(t, "Firehose", 0.85, firehosePayload(), Firehose)
}

func timesItsSize[R any](t *testing.T, source string, most float64, payload []byte, read func([]byte) (Batch[R], error)) {
	t.Run(source, func(t *testing.T) {
		is := is.New(t)
		var before, after runtime.MemStats
		_, err := read(payload)
		is.NoErr(err)
		runtime.ReadMemStats(&before)
		_, _ = read(payload)
		runtime.ReadMemStats(&after)
		times := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(payload))
		is.True(times < most+0.6*underRace)
	})
}

// Escapes such as \u00e9, numbers with an exponent and values that nobody asks for are left to jsontext.
func TestValuesThatAreLeftToJsontextShareADecoder(t *testing.T) {
	few(t, "SQS", 0.1, event(`{"body":"\u00e9%08d"}`), SQS)
	few(t, "Kinesis", 0.1, event(`{"kinesis":{"approximateArrivalTimestamp":1%08de2}}`), Kinesis)
	few(t, "DynamoDB", 0.1, event(`{"x":["%08d"],"y":{}}`), DynamoDB)
}

func TestAMapIsAsLargeAsTheLastOneFromTheStart(t *testing.T) {
	var attributes []string
	for i := range 14 {
		attributes = append(attributes, fmt.Sprintf(`"name%d":"x"`, i))
	}
	few(t, "SQS", 4.5, event(`{"attributes":{`+strings.Join(attributes, ",")+`}}`), SQS)
}

func TestStringsWithEscapesAreUnescapedInTheSameRoom(t *testing.T) {
	few(t, "short", 0.1, event(`{"body":"%08d\n"}`), SQS)
	few(t, "long", 0.2, event(`{"body":"\n`+strings.Repeat("x", 600)+`"}`), SQS)
}
