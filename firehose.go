package batch

// Firehose transformations: every record of the batch goes back.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch/internal/wire"
)

// FirehoseRecord is what a stage makes of a record for Firehose to deliver.
type FirehoseRecord struct {
	Data          []byte
	PartitionKeys map[string]string // for dynamic partitioning
	Table         *FirehoseTable    // for delivery to Apache Iceberg; nil: the stream's own
}

// A FirehoseTable is where in Apache Iceberg a record goes, and what it does there. What
// is empty is not in the answer.
//
// See https://docs.aws.amazon.com/firehose/latest/dev/apache-iceberg-format-input-record-different.html.
type FirehoseTable struct {
	Database  string                             `json:"destinationDatabaseName,omitempty"`
	Name      string                             `json:"destinationTableName,omitempty"`
	Operation events.KinesisFirehoseOTFOperation `json:"operation,omitempty"` // "insert", "update" or "delete"
}

// A FirehoseResponse answers a transformation: every record of the batch once, in
// its order.
type FirehoseResponse struct {
	Records []FirehoseResult `json:"records"`
}

// FirehoseResult is one record of a [FirehoseResponse]. Result is "Ok",
// "Dropped" or "ProcessingFailed".
type FirehoseResult struct {
	RecordID string            `json:"recordId"`
	Result   string            `json:"result"`
	Data     []byte            `json:"data"` // "kafkaRecordValue" for a record that came from MSK
	Metadata *FirehoseMetadata `json:"metadata,omitempty"`

	msk bool
}

// FirehoseMetadata has the keys of dynamic partitioning, and the table of a record.
type FirehoseMetadata struct {
	PartitionKeys map[string]string `json:"partitionKeys,omitempty"`
	Table         *FirehoseTable    `json:"otfMetadata,omitempty"`
}

// MarshalJSON writes missing data as an empty string: Firehose demands data. Data of a
// record that came from MSK has the name that it had there.
func (r FirehoseResult) MarshalJSON() ([]byte, error) {
	if r.Data == nil {
		r.Data = []byte{}
	}
	if r.msk {
		return json.Marshal(struct {
			RecordID string            `json:"recordId"`
			Result   string            `json:"result"`
			Data     []byte            `json:"kafkaRecordValue"`
			Metadata *FirehoseMetadata `json:"metadata,omitempty"`
		}{r.RecordID, r.Result, r.Data, r.Metadata})
	}
	type plain FirehoseResult
	return json.Marshal(plain(r))
}

// ErrTooLarge is the error of an answer that is larger than the service accepts.
var ErrTooLarge = errors.New("answer too large")

const maxResponse = 6 << 20

// CollectFirehose folds s into the answer of a transformation: Ready records are
// Ok with the new data, Done ones are Dropped, and those that failed or did not
// arrive are ProcessingFailed with their original data. A record that has become
// several values is Failed, since the answer has room for one.
//
// ProcessingFailed is final: Firehose delivers the record to the error prefix and
// does not try again. That includes records which were not started when the time
// was over, so the time-out and [WithReserve] matter here.
//
// There is no all-failed error. An answer of more than 6 MB is [ErrTooLarge]; a
// record without an identifier is [ErrNoID]. Like [Collect] it is for tests and
// streams at hand; [FirehoseHandler] keeps the deadline.
//
// See https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html.
func CollectFirehose(s Stream[FirehoseRecord]) (FirehoseResponse, error) {
	require(s != nil, "CollectFirehose", "s is nil")
	c := newCollector[FirehoseRecord]()
	c.keepValues = true
	defer c.closeIfUnanswered()
	s(c.add)
	response, err := firehoseResponse(c, ending{})
	if err == nil {
		_, err = response.marshal()
	}
	return response, err
}

func firehoseResponse(c *collector[FirehoseRecord], e ending) (FirehoseResponse, error) {
	c.oneValuePerRecord = true
	a := c.answer(e)
	type key struct {
		batch *batch
		index int
	}
	values := make(map[key]FirehoseRecord, len(c.keptValues))
	for _, k := range c.keptValues {
		values[key{k.batch, k.index}] = k.value
	}
	response := FirehoseResponse{Records: make([]FirehoseResult, 0, a.report.Records)}
	for _, b := range a.batches {
		for i := range b.length {
			id := b.id(i)
			if id == "" && a.err == nil {
				a.err = fmt.Errorf("record %d of the batch: %w", i, ErrNoID)
			}
			value, hasValue := values[key{b, i}]
			result := FirehoseResult{RecordID: id, msk: i < len(b.msk) && b.msk[i]}
			switch {
			case !a.acknowledged(b, i):
				result.Result, result.Data = events.KinesisFirehoseTransformedStateProcessingFailed, b.originalData(i)
			case hasValue:
				result.Result, result.Data = events.KinesisFirehoseTransformedStateOk, value.Data
				result.Metadata = value.metadata()
			default:
				result.Result = events.KinesisFirehoseTransformedStateDropped
			}
			response.Records = append(response.Records, result)
		}
	}
	return response, a.err
}

// originalData is the data as it came. Records of another source have none.
func (b *batch) originalData(i int) []byte {
	if b.data == nil {
		return nil
	}
	return b.data[i]
}

// metadata is nil if there is nothing to say.
func (r FirehoseRecord) metadata() *FirehoseMetadata {
	m := FirehoseMetadata{PartitionKeys: r.PartitionKeys}
	if r.Table != nil && *r.Table != (FirehoseTable{}) {
		m.Table = r.Table
	}
	if len(m.PartitionKeys) == 0 && m.Table == nil {
		return nil
	}
	return &m
}

// encoded is the answer as bytes, if Lambda would take them.
func (r FirehoseResponse) marshal() ([]byte, error) {
	b, err := json.Marshal(r)
	if err == nil && len(b) > maxResponse {
		return nil, fmt.Errorf("%w: %d bytes, but a response holds %d", ErrTooLarge, len(b), maxResponse)
	}
	return b, err
}

// FirehoseHandler makes a Lambda handler for a Firehose transformation; see
// [Firehose] and [CollectFirehose].
func FirehoseHandler(stage func(Stream[events.KinesisFirehoseEventRecord]) Stream[FirehoseRecord], opts ...Option) *Handler {
	require(stage != nil, "FirehoseHandler", "stage is nil")
	s := settingsOf(opts)
	return &Handler{func(ctx context.Context, payload []byte) ([]byte, error) {
		read, err := wire.Firehose(payload)
		if err != nil {
			return nil, &PayloadError{err}
		}
		o := firehoseOrigin(ctx, read.Records, s.withDefaultLogger(), read.Bad).withUnread(read.Unread)
		o.batch.msk = read.MSK
		c := newDrivenCollector[FirehoseRecord]()
		c.keepValues = true
		response, err := firehoseResponse(c, runPipeline(c, o, stage))
		if err != nil {
			return nil, err
		}
		return response.marshal()
	}}
}
