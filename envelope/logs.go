package envelope

// What CloudWatch Logs writes to a Kinesis stream.

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/aws/aws-lambda-go/events"
)

// MaxDecompressed is how many bytes the data of one record may have once
// decompressed: 32 MiB. A call to CloudWatch Logs takes 1 MiB of messages, for
// which JSON needs six at its worst, and a stream takes records of 1 MiB unless
// told to take more. Gzip can make a thousand times as much of one; 32 MiB are
// what a function with 128 MB of memory, the least there is, still gets through.
const MaxDecompressed = 32 << 20

// ErrTooLarge is the error of a record with more data than [MaxDecompressed].
var ErrTooLarge = errors.New("more than 32 MiB of data when decompressed")

// CloudWatchLogs returns the log events that a subscription filter has written
// to the stream as one compressed record.
//
// From time to time the service writes a record whose MessageType is
// CONTROL_MESSAGE instead of DATA_MESSAGE, to see whether it can. Its one log
// event is none of yours: filter it out.
//
// Decompression stops at [MaxDecompressed].
func CloudWatchLogs(_ context.Context, r events.KinesisEventRecord) (events.CloudwatchLogsData, error) {
	at := place{r.Kinesis.SequenceNumber, "kinesis.data"}
	zr, err := gzip.NewReader(bytes.NewReader(r.Kinesis.Data))
	if err != nil {
		return events.CloudwatchLogsData{}, at.contentError(logsMessage, r.Kinesis.Data, err)
	}
	text, err := readBounded(zr)
	if err != nil {
		return events.CloudwatchLogsData{}, at.decodeError(err)
	}
	var data events.CloudwatchLogsData
	if err := json.Unmarshal(text, &data); err != nil || data.MessageType == "" {
		return events.CloudwatchLogsData{}, at.contentError(logsMessage, text, err)
	}
	return data, nil
}

func readBounded(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxDecompressed+1))
	if len(text) > MaxDecompressed {
		return nil, ErrTooLarge
	}
	return text, err
}
