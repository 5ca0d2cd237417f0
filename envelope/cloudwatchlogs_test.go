package envelope_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch/envelope"
	"github.com/matryer/is"
	"github.com/samber/lo"
	"pgregory.net/rapid"
)

func kinesis(data []byte) events.KinesisEventRecord {
	return events.KinesisEventRecord{Kinesis: events.KinesisRecord{Data: data, SequenceNumber: "4959"}}
}

func gzipped(parts ...string) []byte {
	var buf bytes.Buffer
	for _, part := range parts {
		zw := gzip.NewWriter(&buf)
		lo.Must(io.WriteString(zw, part))
		lo.Must0(zw.Close())
	}
	return buf.Bytes()
}

const logs = `{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/aws/lambda/shop","logStream":"s",
	"subscriptionFilters":["all"],"logEvents":[{"id":"1","timestamp":1440442987000,"message":"hello"}]}`

func TestLogEventsAreReadFromACompressedRecord(t *testing.T) {
	is := is.New(t)
	got, err := envelope.CloudWatchLogs(t.Context(), kinesis(gzipped(logs)))
	is.NoErr(err)
	is.Equal(got, events.CloudwatchLogsData{
		MessageType:         "DATA_MESSAGE",
		Owner:               "123456789012",
		LogGroup:            "/aws/lambda/shop",
		LogStream:           "s",
		SubscriptionFilters: []string{"all"},
		LogEvents:           []events.CloudwatchLogsLogEvent{{ID: "1", Timestamp: 1440442987000, Message: "hello"}},
	})
}

func TestARealLogsEventIsReadAsTheLambdaTypesParseIt(t *testing.T) {
	is := is.New(t)
	var event struct {
		AWSLogs struct{ Data []byte }
	}
	var raw events.CloudwatchLogsEvent
	text := testdata(t, "cloudwatch-logs-event.json")
	is.NoErr(json.Unmarshal(text, &event))
	is.NoErr(json.Unmarshal(text, &raw))
	want, err := raw.AWSLogs.Parse()
	is.NoErr(err)

	got, err := envelope.CloudWatchLogs(t.Context(), kinesis(event.AWSLogs.Data))
	is.NoErr(err)
	is.Equal(got, want)
	is.Equal(len(got.LogEvents), 2)
}

func TestAControlMessageIsReadLikeAnyOther(t *testing.T) {
	is := is.New(t)
	got, err := envelope.CloudWatchLogs(t.Context(), kinesis(gzipped(`{"messageType":"CONTROL_MESSAGE",
		"owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],
		"logEvents":[{"id":"","timestamp":1510109208016,"message":"CWL CONTROL MESSAGE: Checking health"}]}`)))
	is.NoErr(err)
	is.Equal(got.MessageType, "CONTROL_MESSAGE")
}

func TestSeveralGzipMembersAreOneText(t *testing.T) {
	is := is.New(t)
	got, err := envelope.CloudWatchLogs(t.Context(), kinesis(gzipped(logs[:50], "", logs[50:])))
	is.NoErr(err)
	is.Equal(got.LogGroup, "/aws/lambda/shop")
}

func TestABombInManyMembersIsABombToo(t *testing.T) {
	is := is.New(t)
	member := gzipped(strings.Repeat(" ", 1<<20))
	_, err := envelope.CloudWatchLogs(t.Context(), kinesis(bytes.Repeat(member, 33)))
	is.True(errors.Is(err, envelope.ErrTooLarge))
}

func TestTheSizeThatCompressedDataClaimsDoesNotMatter(t *testing.T) {
	is := is.New(t)
	empty := gzipped("")
	for _, parts := range [][]string{{logs, ""}, {"", logs}, {logs + strings.Repeat(" ", 1<<20), " "}} {
		got, err := envelope.CloudWatchLogs(t.Context(), kinesis(gzipped(parts...)))
		is.NoErr(err)
		is.Equal(got.LogGroup, "/aws/lambda/shop")
	}
	claim := bytes.Clone(empty)
	copy(claim[len(claim)-4:], "\xff\xff\xff\xff")
	var err error
	allocated := allocatedBy(func() { _, err = envelope.CloudWatchLogs(t.Context(), kinesis(claim)) })
	is.True(errors.Is(err, gzip.ErrChecksum))
	is.True(allocated < 1<<20)
}

func array(element string, n int) string {
	return "[" + strings.Repeat(element+",", n-1) + element + "]"
}

// allocatedBy returns how many bytes f allocates.
func allocatedBy(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestDataThatIsNotALogsMessageIsAnErrorThatDescribesIt(t *testing.T) {
	whole := gzipped(logs)
	for _, c := range []struct {
		name string
		data []byte
		text string
	}{
		{"no data", nil, `kinesis.data: nothing, not a CloudWatch Logs message`},
		{"plain JSON", []byte(`{"id":1}`), `kinesis.data: a JSON object with "id", not a CloudWatch Logs message`},
		{"logs not compressed", []byte(logs), `kinesis.data: a CloudWatch Logs message that does not decode: gzip: invalid header`},
		{"bytes", []byte{1, 2, 3}, `kinesis.data: data that is not JSON, not a CloudWatch Logs message`},
		{"other compressed JSON", gzipped(`{"id":1}`), `kinesis.data: a JSON object with "id", not a CloudWatch Logs message`},
		{"compressed text", gzipped(`hello`), `kinesis.data: data that is not JSON, not a CloudWatch Logs message`},
		{"two texts", gzipped(logs, logs), `kinesis.data: data that is not JSON, not a CloudWatch Logs message`},
		{"cut off", whole[:len(whole)-9], `kinesis.data: unexpected EOF`},
		{"cut in the header", whole[:5], `kinesis.data: data that is not JSON, not a CloudWatch Logs message`},
		{"garbage after it", append(gzipped(logs), 7, 7, 7), `kinesis.data: unexpected EOF`},
		{"more garbage after it", append(gzipped(logs), "garbage in length"...), `kinesis.data: gzip: invalid header`},
		{"wrong checksum", changed(whole, len(whole)-8), `kinesis.data: gzip: invalid checksum`},
	} {
		t.Run(c.name, func(t *testing.T) {
			is := is.New(t)
			got, err := envelope.CloudWatchLogs(t.Context(), kinesis(c.data))
			is.True(err != nil)
			is.Equal(err.Error(), c.text)
			is.Equal(got, events.CloudwatchLogsData{})
		})
	}
}

func changed(data []byte, at int) []byte {
	data = bytes.Clone(data)
	data[at] ^= 0xff
	return data
}

func TestDamagedDataNeverPassesAsIntact(t *testing.T) {
	whole := gzipped(logs)
	const headerEnd = 10 // the header has a time and a system, which no checksum covers
	rapid.Check(t, func(t *rapid.T) {
		data := whole[:rapid.IntRange(0, len(whole)).Draw(t, "length")]
		damaged := len(data) < len(whole)
		if rapid.Bool().Draw(t, "change a byte") && len(data) > headerEnd {
			data, damaged = changed(data, rapid.IntRange(headerEnd, len(data)-1).Draw(t, "at")), true
		}
		_, err := envelope.CloudWatchLogs(t.Context(), kinesis(data))
		if damaged != (err != nil) {
			t.Fatalf("damaged %v, error %v", damaged, err)
		}
	})
}
