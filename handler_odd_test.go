package batch_test

// Events in which one thing is odd: a value, an identifier, a member or the event itself.

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
)

// forms say how the event of a source is written, and a record with an identifier, a content and a number.
var forms = map[string]struct{ event, record string }{
	"SQS": {`{"Records":[%s]}`, `{"messageId":%s,"body":%s,"awsRegion":%s}`},
	"Kinesis": {
		`{"Records":[%s]}`, `{"kinesis":{"sequenceNumber":%s,"data":%s,"approximateArrivalTimestamp":%s}}`,
	},
	"DynamoDB": {`{"Records":[%s]}`, `{"dynamodb":{"SequenceNumber":%s,"NewImage":{"a":%s},"SizeBytes":%s}}`},
	"Kafka":    {`{"records":{"t-0":[%s]}}`, `{"offset":%s,"value":%s,"timestamp":%s}`},
	"Firehose": {
		`{"deliveryStreamArn":"d","records":[%s]}`, `{"recordId":%s,"data":%s,"approximateArrivalTimestamp":%s}`,
	},
	"Kinesis window": {
		`{"window":{"start":"2026-11-23T12:00:00Z"},"Records":[%s]}`,
		`{"kinesis":{"sequenceNumber":%s,"data":%s,"approximateArrivalTimestamp":%s}}`,
	},
	"DynamoDB window": {
		`{"window":{"start":"2026-11-23T12:00:00Z"},"Records":[%s]}`,
		`{"dynamodb":{"SequenceNumber":%s,"NewImage":{"a":%s},"SizeBytes":%s}}`,
	},
}

// An odd record, the second of three. What is empty is as it should be.
type odd struct{ id, content, number string }

// event writes an event of three records, and returns what identifies them.
func (o odd) event(source string) (payload []byte, ids []string) {
	form := forms[source]
	content := `"YQ=="`
	if strings.HasPrefix(source, "DynamoDB") {
		content = `{"S":"a"}`
	}
	var records []string
	for i, r := range []odd{{}, o, {}} {
		id := strconv.Itoa(i + 1)
		if source != "Kafka" {
			id = `"` + id + `"`
		}
		records = append(records, fmt.Sprintf(form.record, cmp.Or(r.id, id), cmp.Or(r.content, content), cmp.Or(r.number, "1")))
		ids = append(ids, lonely(source, i+1))
	}
	return fmt.Appendf(nil, form.event, strings.Join(records, ",")), ids
}

// lonely is the ID of a record with this number.
func lonely(source string, n int) string {
	if source == "Kafka" {
		return fmt.Sprint("t-0/", n)
	}
	return strconv.Itoa(n)
}

// outcome invokes a handler under the policy Continue, and says which records were not acknowledged.
func (w *witness) outcome(t *testing.T, source string, payload []byte) string {
	t.Helper()
	_, err := w.invoke(t, source, payload, batch.WithPolicy(batch.Continue), batch.WithoutAllFailedError())
	var refused *batch.PayloadError
	switch {
	case errors.As(err, &refused):
		return "no event"
	case errors.Is(err, batch.ErrNoID):
		return "no identifier"
	case err != nil:
		return err.Error()
	}
	return fmt.Sprint(failedIDs(w.reports[0].Failures))
}

// second is the outcome in which only the second record is not acknowledged.
const second = "second"

func TestAnOddContentFailsItsRecordOrIsProcessed(t *testing.T) {
	text := []string{"SQS", "Kafka"}
	data := []string{"Kinesis", "Kinesis window", "Firehose"}
	images := []string{"DynamoDB", "DynamoDB window"}
	all := slices.Concat(text, data, images)
	digits := strings.Repeat("9", 10_000)
	for _, c := range []struct {
		name    string
		odd     odd
		sources []string
		want    string
	}{
		{"a number", odd{content: `17`}, all, second},
		{"an array", odd{content: `["a"]`}, all, second},
		{"an object", odd{content: `{"a":"b"}`}, all, second},
		{"a boolean", odd{content: `true`}, all, second},
		{"null", odd{content: `null`}, slices.Concat(text, data), "[]"},
		{"null", odd{content: `null`}, images, second},
		{"broken base64", odd{content: `"Y%=="`}, data, second},
		{"broken base64", odd{content: `"Y%=="`}, text, "[]"}, // it is text here, and Decode fails it
		{"broken base64", odd{content: `{"B":"Y%=="}`}, images, second},
		{"cut base64", odd{content: `"YQ="`}, data, second},
		{"cut base64", odd{content: `{"BS":["YQ==","YQ="]}`}, images, second},
		{"invalid UTF-8", odd{content: "\"\xff\xc0\xed\xa0\x80\""}, text, "[]"},
		{"invalid UTF-8", odd{content: "\"\xff\xc0\xed\xa0\x80\""}, data, second},
		{"invalid UTF-8", odd{content: "{\"S\":\"\xff\xc0\xed\xa0\x80\"}"}, images, "[]"},
		{"escapes", odd{content: `"` + strings.Repeat(`\u0000\n\ud800\"\\`, 1000) + `"`}, text, "[]"},
		{"a literal control character", odd{content: "\"\x00\""}, all, "no event"},
		{"two types", odd{content: `{"S":"a","N":"1"}`}, images, second},
		{"no type", odd{content: `{}`}, images, second},
		{"an unknown type", odd{content: `{"s":"a"}`}, images, second},
		{"a set with null", odd{content: `{"BS":[null]}`}, images, second},
		{"a number as text", odd{content: `{"N":"1e999"}`}, images, "[]"},
		{"a number as number", odd{content: `{"N":1e999}`}, images, second},
		{"990 levels", odd{content: nestedList(990, `{"S":"a"}`)}, images, "[]"},
		{"1,100 levels", odd{content: nestedList(1100, `{"S":"a"}`)}, images, second},
		{"6,000 levels of type and list", odd{content: nestedList(6000, `{"S":"a"}`)}, images, "no event"},
		{"9,000 arrays", odd{content: strings.Repeat("[", 9000) + strings.Repeat("]", 9000)}, all, second},
		{"11,000 arrays", odd{content: strings.Repeat("[", 11000) + strings.Repeat("]", 11000)}, all, "no event"},
		// Numbers are metadata here.
		{"beyond float64", odd{number: `1e999`}, all, "[]"},
		{"beyond int64", odd{number: `9223372036854775808`}, all, "[]"},
		{"10,000 digits", odd{number: digits}, all, "[]"},
		{"an exponent of 10,000 digits", odd{number: `-1e-` + digits}, all, "[]"},
		{"10,000 digits after the point", odd{number: `0.` + digits}, all, "[]"},
		{"no JSON number", odd{number: `01`}, all, "no event"},
		{"NaN", odd{number: `NaN`}, all, "no event"},
	} {
		for _, source := range c.sources {
			t.Run(c.name+"/"+source, func(t *testing.T) {
				is := is.New(t)
				payload, ids := c.odd.event(source)
				want := c.want
				if want == second {
					want = fmt.Sprint(ids[1:2])
				}
				var w witness
				is.Equal(w.outcome(t, source, payload), want)
			})
		}
	}
}

func TestARecordWithoutAUsableIdentifierIsAcknowledgedOrFailsTheBatch(t *testing.T) {
	never := func(int) bool { return false }
	for source := range forms {
		missing, wrong := []string{`null`, `""`}, []string{`17`, `{}`, `["1"]`, `true`, `1e999`}
		if source == "Kafka" {
			missing = []string{`null`, `-1`}
			wrong = []string{`"2"`, `{}`, `2.0`, `1e999`, `9223372036854775808`, `-9223372036854775809`, strings.Repeat("9", 10_000)}
		}
		for _, id := range slices.Concat(missing, wrong) {
			t.Run(source+"/"+id[:min(len(id), 20)], func(t *testing.T) {
				is := is.New(t)
				payload, _ := odd{id: id}.event(source)
				finished := "[]"
				if source == "Firehose" || slices.Contains(wrong, id) {
					finished = "no identifier" // the response must list it
				}
				w := witness{failing: never}
				is.Equal(w.outcome(t, source, payload), finished)
				w = witness{failing: func(i int) bool { return i == 1 }}
				is.Equal(w.outcome(t, source, payload), "no identifier")
			})
		}
		for _, record := range []string{`null`, `17`, `"x"`, `[]`, `[{}]`} {
			t.Run(source+"/no object/"+record, func(t *testing.T) {
				var w witness
				is.New(t).Equal(w.outcome(t, source, fmt.Appendf(nil, forms[source].event, record)), "no identifier")
			})
		}
	}
}

func TestAnIdentifierThatIsGivenTwiceIsReportedForBothRecords(t *testing.T) {
	for source := range forms {
		for failing := range 3 {
			t.Run(fmt.Sprint(source, "/", failing), func(t *testing.T) {
				is := is.New(t)
				id := `"1"`
				if source == "Kafka" {
					id = `1`
				}
				payload, ids := odd{id: id}.event(source) // the identifiers are 1, 1 and 3
				w := witness{failing: func(i int) bool { return i == failing }}
				want := fmt.Sprint([]string{ids[0], ids[0]})
				if failing == 2 {
					want = fmt.Sprint(ids[2:])
				}
				is.Equal(w.outcome(t, source, payload), want)
				is.Equal(w.called, 3)
			})
		}
	}
}

func TestAnIdentifierOfAnyCharactersComesBackUnchanged(t *testing.T) {
	for source := range forms {
		if source == "Kafka" {
			continue // numbers
		}
		for _, id := range []string{"\x00\x01\x1f", "\r\n\t", "\x7f\u0080\u009f\u2028", `"\/<&>'`, "é😀", strings.Repeat("i", 100_000)} {
			is := is.New(t)
			quoted, err := json.Marshal(id)
			is.NoErr(err)
			payload, _ := odd{id: string(quoted)}.event(source)
			w := witness{failing: func(i int) bool { return i == 1 }}
			is.Equal(w.outcome(t, source, payload), fmt.Sprint([]string{id})) // the witness compares the report with the response
		}
	}
}

func TestAMemberThatIsGivenTwiceCountsOnceOrFails(t *testing.T) {
	for _, c := range []struct{ source, payload, want string }{
		{"SQS", `{"Records":[{"messageId":"1","messageId":"2","body":5,"body":"a"}]}`, "[2]"},
		{"SQS", `{"Records":[{"messageId":"1","MESSAGEID":"2","body":"a","body":5}]}`, "[2]"},
		{"SQS", `{"Records":[{"messageId":5,"messageId":"2"}]}`, "[2]"},
		{"SQS", `{"Records":[{"messageId":"1","body":"a","body":"b"}]}`, "[]"},
		{"Kinesis", `{"Records":[{"kinesis":{"sequenceNumber":"1","data":"%"},"kinesis":{"data":"YQ=="}}]}`, "[1]"},
		{"DynamoDB", `{"Records":[{"dynamodb":{"SequenceNumber":"1","NewImage":{"a":{"X":1},"a":{"S":""}}}}]}`, "[1]"},
		{"Kafka", `{"records":{"t-0":[{"offset":1,"offset":2,"value":5}]}}`, "[t-0/2]"},
		{"Kafka", `{"records":{"t-0":[{"offset":1,"offset":"2"}]}}`, "no identifier"},
		{"Kafka", `{"records":{"t-0":[{"offset":1}],"t-0":[{"offset":2}]}}`, "no event"},
		{"Firehose", `{"deliveryStreamArn":"d","records":[{"recordId":"1","data":"%","data":"YQ=="}]}`, "[1]"},
		{"Kinesis window", `{"window":{"start":"2026-11-23T12:00:00Z"},"state":1,"state":2,"Records":[],"Records":[]}`, "no event"},
	} {
		t.Run(c.source+"/"+c.payload, func(t *testing.T) {
			var w witness
			is.New(t).Equal(w.outcome(t, c.source, []byte(c.payload)), c.want)
		})
	}
	for source := range forms {
		payload, _ := odd{}.event(source)
		twice := strings.TrimSuffix(string(payload), "}") + "," + strings.TrimPrefix(string(payload), "{")
		var w witness
		is.New(t).Equal(w.outcome(t, source, []byte(twice)), "no event")
	}
}

// realEvents returns an event per source, from the tests of aws-lambda-go.
func realEvents(t *testing.T) map[string][]byte {
	events := map[string][]byte{}
	for source, name := range map[string]string{
		"SQS": "sqs-event", "Kinesis": "kinesis-event", "DynamoDB": "dynamodb-event", "Kafka": "kafka-event", "Firehose": "kinesis-firehose-event",
		"Kinesis window": "kinesis-time-window-event", "DynamoDB window": "dynamodb-time-window-event",
	} {
		events[source] = bytes.TrimSpace(testdata(t, name+".json"))
	}
	return events
}

func TestWhatIsNoEventOfTheSourceIsAPayloadErrorWhateverItIs(t *testing.T) {
	all := realEvents(t)
	for source, own := range all {
		payloads := map[string][]byte{
			"nothing": nil, "space": []byte(" \n"), "null": []byte("null"), "a number": []byte("5"), "a string": []byte(`"Records"`), "true": []byte("true"),
			"an array": []byte("[" + string(own) + "]"), "an object": []byte("{}"), "no list": []byte(`{"Records":5}`), "null records": []byte(`{"Records":null}`),
			"two events": slices.Concat(own, own), "a byte after it": append(slices.Clip(own), 0), "a byte order mark": append([]byte("\xef\xbb\xbf"), own...),
			"UTF-16": []byte("{\x00}\x00"), "bytes": []byte("\x00\xff\xfe"), "deep": []byte(strings.Repeat("[", 100_000)), "deep objects": []byte(strings.Repeat(`{"":`, 100_000)),
		}
		for name, event := range all {
			if name != source {
				payloads["the event of "+name] = event
			}
		}
		for name, payload := range payloads {
			t.Run(source+"/"+name, func(t *testing.T) {
				var w witness
				is.New(t).Equal(w.outcome(t, source, payload), "no event")
			})
		}
	}
}

// nestedList is a DynamoDB list in a list and so on, with a value at the innermost level.
func nestedList(depth int, value string) string {
	return strings.Repeat(`{"L":[`, depth) + value + strings.Repeat(`]}`, depth)
}
