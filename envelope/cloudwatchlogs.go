package envelope

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/aws/aws-lambda-go/events"
)

// MaxDecompressed is the maximum size of the data of one record after decompression: 32 MiB.
//
// Real data is much smaller. A call to CloudWatch Logs takes at most 1 MiB of messages, which
// become at most 6 MiB of JSON. But a record of 1 MiB, the default limit of a stream, could
// decompress to a thousand times as much. A function with 128 MB of memory, the least there is,
// can process 32 MiB.
const MaxDecompressed = 32 << 20

// ErrTooLarge is the error of a record whose data exceeds [MaxDecompressed].
var ErrTooLarge = errors.New("more than 32 MiB of data when decompressed")

// CloudWatchLogs returns the log events that a subscription filter has written to the stream as one
// compressed record.
//
// To check the stream, CloudWatch Logs sometimes writes a record whose MessageType is
// CONTROL_MESSAGE instead of DATA_MESSAGE. It has one log event, which is not yours. Filter such
// records out.
//
// Decompression stops at [MaxDecompressed], and the record fails with [ErrTooLarge].
func CloudWatchLogs(ctx context.Context, r events.KinesisEventRecord) (events.CloudwatchLogsData, error) {
	at := locate(ctx, r.Kinesis.SequenceNumber, "kinesis.data")
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
