package wire

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/matryer/is"
)

func TestMetadataIsReadInEveryNotationThatMeansTheSame(t *testing.T) {
	at := time.Unix(1507217624, 302_000_000)
	for text, want := range map[string]time.Time{
		`1507217624302`:                   at,
		`"1507217624302"`:                 at,
		`1507217624302.0`:                 at,
		`1507217624302.25`:                at.Add(250 * time.Microsecond),
		`1.507217624302e12`:               at,
		`"1.507217624302E+12"`:            at,
		`"2017-10-05T15:33:44.302Z"`:      at,
		`"2017-10-05T17:33:44.302+02:00"`: at,
		`-1.5`:                            time.Unix(0, -1_500_000),
		`null`:                            time.Unix(0, 0),
		`""`:                              {},
	} {
		is := is.New(t)
		b, err := Firehose([]byte(`{"records":[{"approximateArrivalTimestamp":` + text + `}]}`))
		is.NoErr(err)
		is.Equal(len(b.Bad)+len(b.Unread), 0)
		is.Equal(b.Records[0].ApproximateArrivalTimestamp.Time, want)
	}
	for text, want := range map[string]time.Time{
		`1507217624.302`:             at,
		` "1507217624.302"`:          at,
		`1507217624`:                 time.Unix(1507217624, 0),
		`1.507217624302E+9`:          at,
		`"2017-10-05T15:33:44.302Z"`: at,
		`-1.5`:                       time.Unix(-1, -500_000_000),
		`-1e-6`:                      time.Unix(0, -1000),
		` null`:                      time.Unix(0, 0),
		`""`:                         {},
	} {
		is := is.New(t)
		b, err := Kinesis([]byte(`{"Records":[{"kinesis":{"approximateArrivalTimestamp":` + text + `}}]}`))
		is.NoErr(err)
		is.Equal(len(b.Bad)+len(b.Unread), 0)
		got := b.Records[0].Kinesis.ApproximateArrivalTimestamp.Time
		is.True(got.Sub(want).Abs() < time.Microsecond) // a float64 is no more precise
		is.Equal(got.Location(), want.Location())
	}
	for text, want := range map[string]int64{
		`26`: 26, `"26"`: 26, `26.0`: 26, `2.6e1`: 26, `"-2.6e1"`: -26, `"026"`: 26, `""`: 0, `null`: 0,
		`9223372036854775807`: 9223372036854775807, `"-9223372036854775808"`: -9223372036854775808, `9007199254740991.0`: 1<<53 - 1,
	} {
		is := is.New(t)
		b, err := DynamoDB([]byte(`{"Records":[{"dynamodb":{"SizeBytes":` + text + `}}]}`))
		is.NoErr(err)
		is.Equal(len(b.Bad)+len(b.Unread), 0)
		is.Equal(b.Records[0].Change.SizeBytes, want)
	}
}

func TestMetadataThatCannotBeReadIsNotedAndStaysZero(t *testing.T) {
	for _, text := range []string{
		`"yesterday"`, `"Infinity"`, `"nan"`, `"0x1p4"`, `"1_000"`, `"1507217624302 "`, `true`, `1e400`, `"1e400"`, `-1e19`,
		`9223372036854775808`, `-9223372036854775808.0`, `"1 5"`, `"1/5"`, `"15:"`, `"1d5"`, `"e"`, `"2017-10-05"`,
	} {
		is := is.New(t)
		b, err := Firehose([]byte(`{"records":[{"approximateArrivalTimestamp":` + text + `,"data":"YQ=="}]}`))
		is.NoErr(err)
		is.Equal(len(b.Bad), 0)
		is.Equal(b.Unread, []Unread{{"approximateArrivalTimestamp", text}})
		is.True(b.Records[0].ApproximateArrivalTimestamp.IsZero())
		is.Equal(string(b.Records[0].Data), "a")
	}
	for _, text := range []string{`1.5`, `"x"`, `false`, `9223372036854775808`, `9007199254740993.0`, `"0x10"`, `1e400`} {
		is := is.New(t)
		b, err := DynamoDB([]byte(`{"Records":[{"dynamodb":{"SizeBytes":` + text + `}}]}`))
		is.NoErr(err)
		is.Equal(b.Unread, []Unread{{"dynamodb.SizeBytes", text}})
		is.Equal(b.Records[0].Change.SizeBytes, int64(0))
	}
}

func TestMetadataThatCannotBeReadLeavesItsFieldAsItIs(t *testing.T) {
	is := is.New(t)
	for _, value := range []string{`[]`, `{}`, `null`} {
		s, err := SQS([]byte(`{"Records":[{"receiptHandle":"h","receiptHandle":` + value + `,"awsRegion":"r","awsRegion":` + value +
			`,"attributes":{"SenderId":"s"},"attributes":{"x":"y","SentTimestamp":` + value + `}}]}`))
		is.NoErr(err)
		is.Equal(s.Records[0].ReceiptHandle, "h")
		is.Equal(s.Records[0].AWSRegion, "r")
		is.Equal(s.Records[0].Attributes["SenderId"], "s")
		_, there := s.Records[0].Attributes["SentTimestamp"]
		is.Equal(there, value == `null`) // as "", like in encoding/json
	}
	for _, value := range []string{`[]`, `"x"`, `true`, `""`} {
		d, err := DynamoDB([]byte(`{"Records":[{"dynamodb":{"SizeBytes":7,"SizeBytes":` + value +
			`,"ApproximateCreationDateTime":60,"ApproximateCreationDateTime":` + value + `}}]}`))
		is.NoErr(err)
		is.Equal(d.Records[0].Change.SizeBytes, int64(7))
		is.Equal(d.Records[0].Change.ApproximateCreationDateTime.Unix(), int64(60))
		f, err := Firehose([]byte(`{"records":[{"approximateArrivalTimestamp":60000,"approximateArrivalTimestamp":` + value + `}]}`))
		is.NoErr(err)
		is.Equal(f.Records[0].ApproximateArrivalTimestamp.Unix(), int64(60))
	}
}

func TestWhatIsNotedOfAnUnreadableFieldBeginsAfterTheWhiteSpace(t *testing.T) {
	is := is.New(t)
	b, err := DynamoDB([]byte(`{"Records":[{"eventID": [] ,"userIdentity":
		"u" ,"dynamodb":{"SizeBytes": "x" ,"ApproximateCreationDateTime": true ,"StreamViewType": {"a":1} }}]}`))
	is.NoErr(err)
	is.Equal(b.Unread, []Unread{
		{"eventID", "an array"}, {"userIdentity", `"u"`}, {"dynamodb.SizeBytes", `"x"`},
		{"dynamodb.ApproximateCreationDateTime", "true"}, {"dynamodb.StreamViewType", "an object"},
	})
	f, err := Firehose([]byte(`{"records":[{"approximateArrivalTimestamp":	"y" }]}`))
	is.NoErr(err)
	is.Equal(f.Unread, []Unread{{"approximateArrivalTimestamp", `"y"`}})
}

func TestAnUnreadableFieldIsNotedOnceWithItsFirstContent(t *testing.T) {
	is := is.New(t)
	b, err := SQS([]byte(`{"Records":[
		{"messageId":"a","awsRegion":{"a":"b"},"attributes":{"SenderId":[1]}},
		{"messageId":"b","awsRegion":[],"attributes":{"SenderId":{}}},
		{"messageId":"c","awsRegion":5}]}`))
	is.NoErr(err)
	is.Equal(len(b.Bad), 0)
	is.Equal(b.Unread, []Unread{{"awsRegion", "an object"}, {"attributes.SenderId", "an array"}})
	is.Equal(b.Records[2].AWSRegion, "5")
	_, there := b.Records[0].Attributes["SenderId"]
	is.True(!there)
}

func TestUnreadableFieldsAreNotedOnlyUpToTheLengthOfALogLine(t *testing.T) {
	is := is.New(t)
	var attributes []string
	for i := range 100 {
		attributes = append(attributes, fmt.Sprintf(`"%d%s":{}`, i, strings.Repeat("é", 500)))
	}
	b, err := SQS([]byte(`{"Records":[{"messageId":"a","attributes":{` + strings.Join(attributes, ",") + `}}]}`))
	is.NoErr(err)
	is.Equal(len(b.Unread), maxUnread+1)
	is.Equal(b.Unread[maxUnread].Field, "…")
	for _, u := range b.Unread {
		is.True(len(u.Field) < maxPath+10)
	}
	long := `"` + strings.Repeat("é", 500) + `"`
	b2, err := Kafka([]byte(`{"records":{"t-1":[{"timestamp":` + long + `}],"t-0":[{}]}}`))
	is.NoErr(err)
	is.Equal(b2.Unread[0].Field, "timestamp") // even if the records are sorted
	is.True(len(b2.Unread[0].Got) < maxGot+10)
}

// The Lambda developer guide once had an event with times in RFC 3339 and an empty string for a number.
func TestAFirehoseEventWithTheMetadataOfTheDeveloperGuideIsRead(t *testing.T) {
	is := is.New(t)
	b, err := Firehose([]byte(`{"deliveryStreamArn":"a","records":[{"recordId":"r","approximateArrivalTimestamp":1510772160000,
		"kinesisRecordMetadata":{"approximateArrivalTimestamp":"2012-04-23T18:25:43.511Z","subsequenceNumber":""}}]}`))
	is.NoErr(err)
	is.Equal(len(b.Bad)+len(b.Unread), 0)
	is.Equal(b.Records[0].KinesisFirehoseRecordMetadata.ApproximateArrivalTimestamp.UTC(), time.Date(2012, 4, 23, 18, 25, 43, 511e6, time.UTC))
}

func TestTheSourceOfAWindowIsMetadataAndItsShardIsNot(t *testing.T) {
	is := is.New(t)
	b, w, err := KinesisWindow([]byte(`{"window":{"start":"2020-07-30T17:00:00Z"},"shardId":"s","eventSourceARN":[]}`))
	is.NoErr(err)
	is.Equal(b.Unread, []Unread{{"eventSourceARN", "an array"}})
	is.Equal(w.EventSourceARN, "")
	_, _, err = KinesisWindow([]byte(`{"window":{"start":"2020-07-30T17:00:00Z"},"shardId":5}`))
	is.True(err != nil)
}
