//go:build !race

// Data that takes as much memory as it may. Not with the race detector, which takes memory of its own and makes this slow.

package envelope_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/envelope"
	"github.com/matryer/is"
)

func TestDecodingTakesTwiceTheMemoryOfTheData(t *testing.T) {
	is := is.New(t)
	const size = 8 << 20
	message := strings.Repeat("a", size)
	text := `{"messageType":"DATA_MESSAGE","logEvents":[{"message":"` + message + `"}]}`
	for _, c := range []struct {
		compressed []byte
		most       uint64
	}{
		{gzipped(text), 2*size + 1<<20},
		{gzipped(text, " "), 4*size + 1<<20}, // the last member is small
	} {
		var got events.CloudwatchLogsData
		allocated := allocatedBy(func() { got, _ = envelope.CloudWatchLogs(t.Context(), kinesis(c.compressed)) })
		is.Equal(len(got.LogEvents[0].Message), size)
		is.True(allocated < c.most)
	}
}

func TestABombFailsItsRecordAndNoOther(t *testing.T) {
	is := is.New(t)
	bomb := gzipped(strings.Repeat(" ", envelope.MaxDecompressed+1))
	is.True(len(bomb) < 1<<20) // it fits into a record

	_, err := envelope.CloudWatchLogs(t.Context(), kinesis(bomb))
	is.True(errors.Is(err, envelope.ErrTooLarge))
	is.True(strings.HasPrefix(err.Error(), `kinesis.data: `))

	records := batch.Of(kinesis(gzipped(logs)), kinesis(bomb), kinesis(gzipped(logs)))
	response, err := batch.Collect(batch.TryMap(records, envelope.CloudWatchLogs))
	is.NoErr(err)
	is.Equal(response.BatchItemFailures, []batch.ItemFailure{{ItemIdentifier: "1"}})
}

func TestManyShortElementsFailTheirRecordBeforeTheyTakeMemory(t *testing.T) {
	const data = `{"messageType":"DATA_MESSAGE","logEvents":`
	const many = 600_000
	for _, c := range []struct {
		name, text, err string
	}{
		{"empty log events", data + array("{}", many) + `}`, `kinesis.data: too large: a list with 600000 elements`},
		{"log events that are none", data + array("7", many) + `}`, `kinesis.data: too large: a list with 600000 elements`},
		{"filters", `{"subscriptionFilters":` + array(`""`, many) + `}`, `kinesis.data: too large: a list with 600000 elements`},
		{"records of something else", `{"Records":` + array("7", many) + `}`,
			`kinesis.data: a JSON object of 1200013 bytes, not a CloudWatch Logs message`},
	} {
		t.Run(c.name, func(t *testing.T) {
			is := is.New(t)
			record := kinesis(gzipped(c.text))
			var err error
			allocated := allocatedBy(func() { _, err = envelope.CloudWatchLogs(t.Context(), record) })
			is.True(err != nil)
			is.Equal(err.Error(), c.err)
			is.True(allocated < uint64(len(c.text)+8<<20))
		})
	}
}

func TestARecordMayHave100000LogEventsAndNoMore(t *testing.T) {
	is := is.New(t)
	const data = `{"messageType":"DATA_MESSAGE","logEvents":`
	const event = `{"message":"\" } , \\","extractedFields":{"1":["b",2]}}` // one element, whatever is in it
	got, err := envelope.CloudWatchLogs(t.Context(), kinesis(gzipped(data, array(event, 100_000), `}`)))
	is.NoErr(err)
	is.Equal(len(got.LogEvents), 100_000)
	_, err = envelope.CloudWatchLogs(t.Context(), kinesis(gzipped(data, array(event, 100_001), `}`)))
	is.True(errors.Is(err, envelope.ErrTooLarge))
}

func TestDataUpToTheBoundDecompresses(t *testing.T) {
	is := is.New(t)
	got, err := envelope.CloudWatchLogs(t.Context(),
		kinesis(gzipped(logs, strings.Repeat(" ", envelope.MaxDecompressed-len(logs)))))
	is.NoErr(err)
	is.Equal(len(got.LogEvents), 1)
}
