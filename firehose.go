package batch

// Firehose transformations, whose response contains every record of the batch.

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch/internal/wire"
)

// FirehoseRecord is the new content of a record, for Firehose to deliver.
type FirehoseRecord struct {
	Data          []byte
	PartitionKeys map[string]string // for dynamic partitioning
	Table         *FirehoseTable    // for delivery to Apache Iceberg; nil means the table that the stream is configured with
}

// A FirehoseTable names the Apache Iceberg table to which a record is delivered, and the
// operation. Empty fields are left out of the response.
//
// See https://docs.aws.amazon.com/firehose/latest/dev/apache-iceberg-format-input-record-different.html.
type FirehoseTable struct {
	Database  string                             `json:"destinationDatabaseName,omitempty"`
	Name      string                             `json:"destinationTableName,omitempty"`
	Operation events.KinesisFirehoseOTFOperation `json:"operation,omitempty"` // "insert", "update" or "delete"
}

// A FirehoseResponse is the response to a transformation event. It contains every record of
// the batch once, in the order of the batch.
type FirehoseResponse struct {
	Records []FirehoseResult `json:"records"`
}

// FirehoseResult is one record of a [FirehoseResponse].
type FirehoseResult struct {
	RecordID string            `json:"recordId"`
	Result   string            `json:"result"` // "Ok", "Dropped" or "ProcessingFailed"
	Data     []byte            `json:"data"`   // written as "kafkaRecordValue" if the record came from MSK
	Metadata *FirehoseMetadata `json:"metadata,omitempty"`

	msk bool
}

// FirehoseMetadata contains the partition keys and the table of a [FirehoseResult].
type FirehoseMetadata struct {
	PartitionKeys map[string]string `json:"partitionKeys,omitempty"`
	Table         *FirehoseTable    `json:"otfMetadata,omitempty"`
}

// MarshalJSON writes missing data as an empty string, because Firehose requires data. In a
// record that came from MSK the data is named kafkaRecordValue, as it is in the event.
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

// CollectFirehose runs s on the caller's goroutine and returns the response to the
// transformation event. In the response, a record is
//
//   - Ok with the new data, if its result is Ready;
//   - Dropped, if its result is Done, also because a [Catch] has settled its failure;
//   - ProcessingFailed with the original data, if its result is Failed or did not reach the
//     collector. A record that has become several values also fails, because the response
//     has room for one. If the data could not be decoded, the record itself takes its place.
//
// ProcessingFailed is final: Firehose delivers the record to the error prefix and does not
// try again. That includes records that were not started in time, so choose the timeout of
// the function and [WithReserve] with care.
//
// There is no [*AllFailedError]. A response of more than 6 MB is [ErrTooLarge], and a
// record without an identifier is [ErrNoID]. Like [Collect], CollectFirehose is for tests
// and for Streams outside handlers, because it waits for functions outside lanes beyond the
// deadline. In a Lambda function use [FirehoseHandler].
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
		_, err = marshalResponse(response)
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

// originalData returns the data of the event, that of a record of [Of] or [From] as it is now, or nil.
func (b *batch) originalData(i int) []byte {
	if b.data != nil {
		return b.data[i]
	}
	if record, ok := b.source(i).(*events.KinesisFirehoseEventRecord); ok {
		return record.Data
	}
	return nil
}

// metadata returns nil if the record has neither partition keys nor a table.
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

// FirehoseHandler returns a Lambda handler for a Firehose transformation. stage gets the same
// Stream as from [Firehose], and [CollectFirehose] says what its results become.
// Unlike CollectFirehose, the handler responds before the deadline, as [Run] does.
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
		return marshalResponse(response)
	}}
}
