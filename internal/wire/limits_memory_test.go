//go:build !race

package wire

// How much memory a payload takes. Not with the race detector, which allocates memory of its own and makes this slow.

import (
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/matryer/is"
)

// fill repeats part between head and tail until the payload has 6 MB. A # in part is replaced by a counter.
func fill(head, part, tail string) []byte {
	var b strings.Builder
	b.WriteString(head)
	before, after, counted := strings.Cut(part, "#")
	for i := 0; b.Len() < 6<<20; i++ {
		b.WriteString(before)
		if counted {
			b.WriteString(strconv.Itoa(i))
			b.WriteString(after)
		}
	}
	return []byte(b.String() + tail)
}

// Kafka headers are the most expensive: each is a map, and a map of one member has room for eight.
const mostBytesPerByte = 64

func TestNoPayloadCostsMoreThanAMultipleOfItsSize(t *testing.T) {
	sqs := func(p []byte) error { _, err := SQS(p); return err }
	kinesis := func(p []byte) error { _, err := Kinesis(p); return err }
	dynamodb := func(p []byte) error { _, err := DynamoDB(p); return err }
	kafka := func(p []byte) error { _, err := Kafka(p); return err }
	message := `{"Records":[{"messageId":"1",`
	values := `{"Records":[{"dynamodb":{"NewImage":{"a":{"L":[`
	headers := `{"records":{"t-0":[{"headers":[`
	for name, c := range map[string]struct {
		read    func([]byte) error
		payload []byte
	}{
		"no records":          {sqs, fill(`{"Records":[`, `0,`, `0]}`)},
		"no records for all":  {kafka, fill(`{"Records":[`, `0,`, `0]}`)},
		"empty records":       {dynamodb, fill(`{"Records":[`, `{},`, `{}]}`)},
		"short records":       {sqs, fill(`{"Records":[`, `{"messageId":"abcdefghijklmnopq"},`, `{}]}`)},
		"bad records":         {dynamodb, fill(`{"Records":[`, `{"dynamodb":5,"eventID":"abcdefg"},`, `{}]}`)},
		"bad data":            {kinesis, fill(`{"Records":[`, `{"kinesis":{"data":"%"},"x":1234},`, `{}]}`)},
		"bad after much":      {sqs, fill(`{"Records":[{"x":[`, `0,`, `0],"messageId":0}]}`)},
		"large map and small": {sqs, fill(`{"Records":[`, `{"attributes":{"a":"","b":"","c":"","d":"","e":"","f":"","g":"","h":"","i":""}},{"attributes":{}},`, `{}]}`)},
		"attributes":          {sqs, fill(message+`"attributes":{`, `"#":"",`, `"":""}}]}`)},
		"message attributes":  {sqs, fill(message+`"messageAttributes":{`, `"#":{},`, `"":{}}}]}`)},
		"strings":             {sqs, fill(message+`"messageAttributes":{"a":{"stringListValues":[`, `"",`, `""]}}}]}`)},
		"nulls":               {sqs, fill(message+`"messageAttributes":{"a":{"binaryListValues":[`, `null,`, `null]}}}]}`)},
		"escapes":             {sqs, fill(message+`"body":"`, `\n`, `"}]}`)},
		"unicode escapes":     {sqs, fill(message+`"body":"`, `\ud800`, `"}]}`)},
		"invalid UTF-8":       {sqs, fill(message+`"body":"`, "\xff", `"}]}`)},
		"odd strings":         {sqs, fill(message+`"attributes":{`, `"\u0061#":"\u00e9",`, `"":""}}]}`)},
		"unknown":             {sqs, fill(message+`"x":[`, `{"a":[]},`, `0]}]}`)},
		"unknown fields":      {sqs, fill(message, `"x#":[],`, `"x":0}]}`)},
		"unknown at the top":  {sqs, fill(`{`, `"#":[],`, `"Records":[]}`)},
		"deep":                {sqs, fill(message+`"x":`, `[`, ``)},
		"deep objects":        {sqs, fill(message+`"x":`, `{"":`, ``)},
		"digits":              {kinesis, fill(`{"Records":[{"kinesis":{"approximateArrivalTimestamp":`, `9`, `}}]}`)},
		"exponent":            {kinesis, fill(`{"Records":[{"kinesis":{"approximateArrivalTimestamp":1e`, `9`, `}}]}`)},
		"space":               {sqs, fill(`{"Records":[`, ` `, `]}`)},
		"cut off":             {sqs, fill(`{"Records":[`, `{"messageId":"abcdefghijklmnopq"},`, ``)},
		"values":              {dynamodb, fill(values, `{"NULL":0},`, `{"NULL":0}]}}}}]}`)},
		"lists":               {dynamodb, fill(values, `{"L":[]},`, `{"NULL":0}]}}}}]}`)},
		"maps":                {dynamodb, fill(values, `{"M":{}},`, `{"NULL":0}]}}}}]}`)},
		"bad values":          {dynamodb, fill(values, `{"X":0},`, `{"NULL":0}]}}}}]}`)},
		"wide map":            {dynamodb, fill(values+`{"M":{`, `"#":{"S":"a"},`, `"":{"S":""}}}]}}}}]}`)},
		"deep values":         {dynamodb, fill(values, `{"L":[`, ``)},
		"deep maps":           {dynamodb, fill(values, `{"M":{"a":`, ``)},
		"empty headers":       {kafka, fill(headers, `{},`, `{}]}]}}`)},
		"headers":             {kafka, fill(headers, `{"":[]},`, `{}]}]}}`)},
		"header bytes":        {kafka, fill(headers+`{"h":[`, `0,`, `0]}]}]}}`)},
		"partitions":          {kafka, fill(`{"records":{`, `"#":[],`, `"":[]}}`)},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := c.read(c.payload)
			runtime.ReadMemStats(&after)
			perByte := (after.TotalAlloc - before.TotalAlloc) / uint64(len(c.payload))
			t.Logf("%d bytes a byte; %v", perByte, err)
			is.True(perByte < mostBytesPerByte)
		})
	}
}
