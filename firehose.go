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
	Data     []byte            `json:"data"`
	Metadata *FirehoseMetadata `json:"metadata,omitempty"`
}

// FirehoseMetadata has the keys of dynamic partitioning.
type FirehoseMetadata struct {
	PartitionKeys map[string]string `json:"partitionKeys"`
}

// MarshalJSON writes missing data as an empty string: Firehose demands data.
func (r FirehoseResult) MarshalJSON() ([]byte, error) {
	type plain FirehoseResult
	if r.Data == nil {
		r.Data = []byte{}
	}
	return json.Marshal(plain(r))
}

// ErrTooLarge is the error of an answer that is larger than the service accepts.
var ErrTooLarge = errors.New("answer too large")

const maxAnswer = 6 << 20

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
	c.keep = true
	defer c.end()
	s(c.add)
	response, err := firehoseResponse(c, ending{})
	if err == nil {
		_, err = response.encoded()
	}
	return response, err
}

func firehoseResponse(c *collector[FirehoseRecord], e ending) (FirehoseResponse, error) {
	c.single = true
	a := c.answer(e)
	type key struct {
		batch *batch
		index int
	}
	values := make(map[key]FirehoseRecord, len(c.kept))
	for _, k := range c.kept {
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
			switch {
			case !a.acknowledged(b, i):
				response.add(id, events.KinesisFirehoseTransformedStateProcessingFailed, FirehoseRecord{Data: b.originalData(i)})
			case hasValue:
				response.add(id, events.KinesisFirehoseTransformedStateOk, value)
			default:
				response.add(id, events.KinesisFirehoseTransformedStateDropped, FirehoseRecord{})
			}
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

func (r *FirehoseResponse) add(id, result string, value FirehoseRecord) {
	f := FirehoseResult{RecordID: id, Result: result, Data: value.Data}
	if len(value.PartitionKeys) > 0 {
		f.Metadata = &FirehoseMetadata{value.PartitionKeys}
	}
	r.Records = append(r.Records, f)
}

// encoded is the answer as bytes, if Lambda would take them.
func (r FirehoseResponse) encoded() ([]byte, error) {
	b, err := json.Marshal(r)
	if err == nil && len(b) > maxAnswer {
		return nil, fmt.Errorf("%w: %d bytes, but a response holds %d", ErrTooLarge, len(b), maxAnswer)
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
			return nil, err
		}
		o := firehoseOrigin(ctx, read.Records, s.inInvocation(), read.Bad).missing(read.Unread)
		c := newRunning[FirehoseRecord]()
		c.keep = true
		response, err := firehoseResponse(c, process(c, o, stage))
		if err != nil {
			return nil, err
		}
		return response.encoded()
	}}
}
