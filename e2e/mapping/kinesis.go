package mapping

import (
	"context"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/samber/lo"
)

// A Shard feeds a function from one shard of a Kinesis stream, with
// ReportBatchItemFailures.
type Shard struct {
	Client     *kinesis.Client
	Stream     string // the name of the stream
	ARN        string // of the stream
	ID         string
	BatchSize  int
	MaxRetries int
	Bisect     bool // BisectBatchOnFunctionError
	Timeout    time.Duration
	Invoke     Invoke

	Checkpoint string         // the last settled sequence number, "" at first
	Discarded  []types.Record // the records that the on-failure destination would receive
}

// Drain delivers the records after the checkpoint, batch by batch, until the shard has
// no more.
func (s *Shard) Drain(ctx context.Context) error {
	for {
		batch, err := s.read(ctx)
		if err != nil || len(batch) == 0 {
			return err
		}
		if err := s.settle(ctx, batch); err != nil {
			return err
		}
	}
}

// settle delivers a batch until each record is finished or discarded. The lowest
// reported record is the checkpoint: it and all later records are redelivered. If the
// checkpoint has moved, the retries are counted from zero again.
func (s *Shard) settle(ctx context.Context, batch []types.Record) error {
	for retries := 0; len(batch) > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		lowest, void, err := s.deliver(batch)
		switch {
		case err != nil:
			return err
		case lowest > 0:
			s.advance(batch[:lowest])
			batch, retries = batch[lowest:], 0
		case s.Bisect && void && len(batch) > 1:
			half := len(batch) / 2
			if err := s.settle(ctx, batch[:half]); err != nil {
				return err
			}
			batch, retries = batch[half:], 0
		case retries == s.MaxRetries:
			s.Discarded = append(s.Discarded, batch...)
			s.advance(batch)
			return nil
		default:
			retries++
		}
	}
	return nil
}

// deliver invokes the function and returns the position of the lowest record to be
// redelivered, or len(batch) if there is none.
func (s *Shard) deliver(batch []types.Record) (lowest int, void bool, err error) {
	payload, err := s.event(batch)
	if err != nil {
		return 0, false, err
	}
	out, err := s.Invoke(payload, s.Timeout)
	if err != nil {
		return 0, false, err
	}
	ids := lo.Map(batch, func(r types.Record, _ int) string { return aws.ToString(r.SequenceNumber) })
	reported, void := reportedIn(out, ids)
	if len(reported) == 0 {
		return len(batch), void, nil
	}
	return reported[0], void, nil
}

func (s *Shard) advance(settled []types.Record) {
	s.Checkpoint = aws.ToString(settled[len(settled)-1].SequenceNumber)
}

func (s *Shard) read(ctx context.Context) ([]types.Record, error) {
	from := &kinesis.GetShardIteratorInput{
		StreamName: &s.Stream, ShardId: &s.ID, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	}
	if s.Checkpoint != "" {
		from.ShardIteratorType = types.ShardIteratorTypeAfterSequenceNumber
		from.StartingSequenceNumber = &s.Checkpoint
	}
	iterator, err := s.Client.GetShardIterator(ctx, from)
	if err != nil {
		return nil, err
	}
	out, err := s.Client.GetRecords(ctx, &kinesis.GetRecordsInput{
		ShardIterator: iterator.ShardIterator, Limit: aws.Int32(int32(s.BatchSize)),
	})
	if err != nil {
		return nil, err
	}
	return out.Records, nil
}

type kinesisRecord struct {
	Kinesis        kinesisData `json:"kinesis"`
	EventSource    string      `json:"eventSource"`
	EventVersion   string      `json:"eventVersion"`
	EventID        string      `json:"eventID"`
	EventName      string      `json:"eventName"`
	InvokeIdentity string      `json:"invokeIdentityArn"`
	AWSRegion      string      `json:"awsRegion"`
	EventSourceARN string      `json:"eventSourceARN"`
}

type kinesisData struct {
	SchemaVersion  string  `json:"kinesisSchemaVersion"`
	PartitionKey   string  `json:"partitionKey"`
	SequenceNumber string  `json:"sequenceNumber"`
	Data           []byte  `json:"data"`
	Arrival        float64 `json:"approximateArrivalTimestamp"`
}

func (s *Shard) event(batch []types.Record) ([]byte, error) {
	records := make([]kinesisRecord, len(batch))
	for i, r := range batch {
		sequence := aws.ToString(r.SequenceNumber)
		records[i] = kinesisRecord{
			Kinesis: kinesisData{
				SchemaVersion: "1.0", PartitionKey: aws.ToString(r.PartitionKey), SequenceNumber: sequence, Data: r.Data,
				Arrival: float64(aws.ToTime(r.ApproximateArrivalTimestamp).UnixMilli()) / 1000,
			},
			EventSource: "aws:kinesis", EventVersion: "1.0", EventID: s.ID + ":" + sequence, EventName: "aws:kinesis:record",
			InvokeIdentity: "arn:aws:iam::123456789012:role/e2e", AWSRegion: region, EventSourceARN: s.ARN,
		}
	}
	return json.Marshal(map[string]any{"Records": records})
}
