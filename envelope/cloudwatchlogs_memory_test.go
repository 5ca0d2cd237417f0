//go:build !race

// The race detector adds to the memory that is allocated.

package envelope_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
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
