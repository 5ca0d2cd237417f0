package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/matryer/is"
)

func refusals(payload string) map[string]error {
	all := map[string]error{}
	_, all["SQS"] = SQS([]byte(payload))
	_, all["Kinesis"] = Kinesis([]byte(payload))
	_, all["DynamoDB"] = DynamoDB([]byte(payload))
	_, all["Kafka"] = Kafka([]byte(payload))
	_, all["Firehose"] = Firehose([]byte(payload))
	_, _, all["Kinesis window"] = KinesisWindow([]byte(payload))
	_, _, all["DynamoDB window"] = DynamoDBWindow([]byte(payload))
	return all
}

func TestAllReadersRefuseAPayloadThatIsNotAnEventInTheSameWords(t *testing.T) {
	for payload, want := range map[string]string{
		``:                            `an empty payload`,
		" \n":                         `an empty payload`,
		`null`:                        `null`,
		`[{"eventSource":"aws:sqs"}]`: `an array`,
		`"Records"`:                   `a string`,
		`-1`:                          `a number`,
		`{}`:                          `an empty object`,
		`{"Records":null}`:            `records that are null`,
		`{"records": null,"a":1}`:     `records that are null`,
		`{"Records":true}`:            `records that are a boolean`,
		`{"foo":1,"b\u0061\n":{}}`:    `an object with the keys "foo", "ba\n"`,
		`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1}`: `an object with the keys "a", "b", "c", "d", "e", …`,
		`{"Records":"x"}`:                    `records that are a string`,
		`{"records":7}`:                      `records that are a number`,
		`{"Records":[]`:                      `JSON that is cut off after byte 13`,
		`{"Records":[{"eventSource":"aws:sq`: `JSON that is cut off after byte 34`,
		`{"Records":[],}`:                    `no JSON: …`,
		`{"Records":[{]}`:                    `no JSON: …`,
		`{"Records":[{"body"]}`:              `no JSON: …`,
		`{"Records":[{"a":01}]}`:             `no JSON: …`,
		`{"Records":[{"a":nuLL}]}`:           `no JSON: …`,
		"{\"Records\":\"a\x00\"}":            `no JSON: …`,
		"{\"Records\":[]} \x00":              `JSON, but with more text after byte 14`,
		`{"Records":"x"} {}`:                 `JSON, but with more text after byte 15`,
		"\ufeff{}":                           `no JSON: …`,
	} {
		for source, err := range refusals(payload) {
			t.Run(source+" "+payload, func(t *testing.T) {
				is := is.New(t)
				is.True(err != nil)
				_, got, _ := strings.Cut(err.Error(), ", got ")
				if why, cut := strings.CutSuffix(want, ": …"); cut {
					is.True(strings.HasPrefix(got, why)) // what follows is jsontext's
					return
				}
				is.Equal(got, want)
			})
		}
	}
}

func TestARefusalOfWhatIsNoJSONSaysWhereItEnds(t *testing.T) {
	for payload, at := range map[string]int{
		`{"Records":[],}`:            13,
		`{"Records":[{"a":01}]}`:     18,
		`{"Records":[{"body":"\x"}]`: 21,
		"\ufeff{}":                   0,
	} {
		is := is.New(t)
		for _, err := range refusals(payload) {
			is.True(strings.HasSuffix(err.Error(), fmt.Sprintf(" after byte %d", at)))
			_, why, _ := strings.Cut(err.Error(), "got no JSON: ")
			is.True(strings.HasPrefix(why, "invalid ")) // what follows is jsontext's
		}
	}
}

func TestAnEventOfAnotherSourceIsRefusedByName(t *testing.T) {
	sources := map[string]struct{ event, got string }{
		"SQS":      {`{"Records":[{"messageId":"1","eventSource":"aws:sqs"}]}`, `records of "aws:sqs"`},
		"Kinesis":  {`{"Records":[{},{"eventSource":"aws:kinesis"}]}`, `records of "aws:kinesis"`},
		"DynamoDB": {`{"Records":[{"eventSource":"aws:dynamodb"}],"window":{}}`, `records of "aws:dynamodb"`},
		"Kafka":    {`{"eventSource":"aws:kafka","records":{"t-0":[{}]}}`, `an event of "aws:kafka"`},
		"Firehose": {`{"deliveryStreamArn":"a","records":[{"recordId":"1"}]}`, `a Firehose event`},
		"SNS":      {`{"Records":[{"EventSource":"aws:sns","Sns":{}}]}`, `records of "aws:sns"`},
		"S3":       {`{"Records":[{"s3":{},"eventSource":"aws:s3"}]}`, `records of "aws:s3"`},
		"MQ":       {`{"eventSource":"aws:mq","messages":[]}`, `an event of "aws:mq"`},
		"hostile":  {`{"Records":[{"eventSource":"\u007f\r\n` + strings.Repeat("é", 1000) + `"}]}`, `records of "\x7f\r\n` + strings.Repeat("é", 18) + `…"`},
	}
	for source, s := range sources {
		for reader, err := range refusals(s.event) {
			t.Run(source+" by "+reader, func(t *testing.T) {
				is := is.New(t)
				switch reader {
				case source, source + " window":
					if err != nil {
						_, got, _ := strings.Cut(err.Error(), ", got ")
						is.Equal(got, "records without a window")
					}
				case "Kafka":
					is.True(err != nil)
					if source != "Kinesis" && source != "Firehose" && source != "MQ" {
						is.Equal(err.Error(), "expected a Kafka event, got "+s.got)
					}
				default:
					is.True(err != nil)
					_, got, _ := strings.Cut(err.Error(), ", got ")
					is.Equal(got, s.got)
				}
			})
		}
	}
}

func TestAListOfRecordsInAKafkaEventIsNamedByItsSourceIfItHasOne(t *testing.T) {
	for records, want := range map[string]string{
		`[{"eventSource":"aws:sqs"}]`: `records of "aws:sqs"`,
		`[{"eventSource":""}]`:        "records that are an array",
		`[{"a":1}]`:                   "records that are an array",
		`[7]`:                         "records that are an array",
		`[]`:                          "records that are an array",
	} {
		is := is.New(t)
		_, err := Kafka([]byte(`{"records":` + records + `}`))
		is.True(err != nil)
		is.Equal(err.Error(), "expected a Kafka event, got "+want)
	}
}

func TestARefusalSaysWhatIsWrong(t *testing.T) {
	for payload, want := range map[string]string{
		`{"Records":[],"Records":[]}`: "expected an SQS event, got two lists of records",
		`{"Records":{}}`:              "expected an SQS event, got records that are an object",
		`{"Records":[` + strings.Repeat("0,", manyRecords) + `0]}`: "expected an SQS event, got more records than its size allows for",
	} {
		is := is.New(t)
		_, err := SQS([]byte(payload))
		is.True(err != nil)
		is.Equal(err.Error(), want)
	}
	for payload, want := range map[string]string{
		`{"records":{"t-0":[],"t-0":[]}}`:                                  `topic-partition "t-0" twice`,
		`{"records":{"t-0":{}}}`:                                           `topic-partition "t-0" that is an object`,
		`{"records":{},"records":{}}`:                                      "two lists of records",
		`{"records":{"t-0":[` + strings.Repeat("0,", manyRecords) + `0]}}`: "more records than its size allows for",
	} {
		is := is.New(t)
		_, err := Kafka([]byte(payload))
		is.True(err != nil)
		is.Equal(err.Error(), "expected a Kafka event, got "+want)
	}
}

func TestARefusalSaysWhatWasExpected(t *testing.T) {
	is := is.New(t)
	for reader, err := range refusals("7") {
		want := map[string]string{
			"SQS": "an SQS event", "Kinesis": "a Kinesis event", "DynamoDB": "a DynamoDB event", "Kafka": "a Kafka event",
			"Firehose": "a Firehose event", "Kinesis window": "a Kinesis event of a tumbling window",
			"DynamoDB window": "a DynamoDB event of a tumbling window",
		}[reader]
		is.Equal(err.Error(), "expected "+want+", got a number")
	}
}

func TestAKafkaEventMayComeFromEachKindOfCluster(t *testing.T) {
	for _, from := range []string{"aws:kafka", "SelfManagedKafka", "aws:SelfManagedKafka", ""} {
		is := is.New(t)
		b, err := Kafka([]byte(`{"eventSource":"` + from + `","records":{"t-0":[{}]}}`))
		is.NoErr(err)
		is.Equal(len(b.Records), 1)
	}
}
