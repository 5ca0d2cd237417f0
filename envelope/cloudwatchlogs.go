package envelope

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-lambda-go/events"
)

// MaxDecompressed is the maximum size of the data of one record after decompression: 32 MiB.
//
// Real data is much smaller. A call to CloudWatch Logs takes at most 1 MiB of messages, which
// become at most 6 MiB of JSON. But a record of 1 MiB, the default limit of a stream, could
// decompress to a thousand times as much. Decoding a record takes twice the memory of the
// decompressed data, four times if the compressed data lies about its size or has several gzip
// members, and up to 8 MiB more.
const MaxDecompressed = 32 << 20

// CloudWatchLogs returns the log events that a subscription filter has written to the stream as one
// compressed record.
//
// To check the stream, CloudWatch Logs sometimes writes a record whose MessageType is
// CONTROL_MESSAGE instead of DATA_MESSAGE. It has one log event, which is not yours. Filter such
// records out.
//
// Decompression stops at [MaxDecompressed], and the record fails with [ErrTooLarge]. So does a
// record with more than 100,000 log events. A call to CloudWatch Logs takes at most 10,000.
func CloudWatchLogs(ctx context.Context, r events.KinesisEventRecord) (events.CloudwatchLogsData, error) {
	at := locate(ctx, r.Kinesis.SequenceNumber, "kinesis.data")
	zr, err := gzip.NewReader(bytes.NewReader(r.Kinesis.Data))
	if err != nil {
		return events.CloudwatchLogsData{}, at.contentError(logsMessage, r.Kinesis.Data, err)
	}
	text, err := readBounded(zr, claimedSize(r.Kinesis.Data))
	if err != nil {
		return events.CloudwatchLogsData{}, at.decodeError(err)
	}
	var data struct {
		events.CloudwatchLogsData
		SubscriptionFilters boundedList[string]                        `json:"subscriptionFilters"`
		LogEvents           boundedList[events.CloudwatchLogsLogEvent] `json:"logEvents"`
	}
	err = json.Unmarshal(text, &data)
	if errors.Is(err, ErrTooLarge) {
		return events.CloudwatchLogsData{}, at.decodeError(err)
	}
	if err != nil || data.MessageType == "" {
		return events.CloudwatchLogsData{}, at.contentError(logsMessage, text, err)
	}
	data.CloudwatchLogsData.SubscriptionFilters = data.SubscriptionFilters
	data.CloudwatchLogsData.LogEvents = data.LogEvents
	return data.CloudwatchLogsData, nil
}

// claimedSize is what compressed data says at its end about the size of its last member, as far as
// that is possible. Deflate makes at most 1032 bytes of one.
func claimedSize(compressed []byte) int {
	if len(compressed) < 4 {
		return 0
	}
	claimed := uint64(binary.LittleEndian.Uint32(compressed[len(compressed)-4:]))
	return int(min(claimed, MaxDecompressed, 1032*uint64(len(compressed))))
}

// readBounded reads up to MaxDecompressed bytes. If size is right, it allocates once.
func readBounded(r io.Reader, size int) ([]byte, error) {
	text := bytes.NewBuffer(make([]byte, 0, size+1+bytes.MinRead))
	_, err := text.ReadFrom(io.LimitReader(r, MaxDecompressed+1))
	if text.Len() > MaxDecompressed {
		return nil, fmt.Errorf("%w: more than %d MiB when decompressed", ErrTooLarge, MaxDecompressed>>20)
	}
	return text.Bytes(), err
}
