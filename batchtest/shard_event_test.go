package batchtest_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"
	"github.com/samber/lo"

	"github.com/lambdabatch/batch/batchtest"
)

func TestAKinesisRecordArrivesInFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		shard := batchtest.NewShard(batchtest.ShardConfig{})
		id := shard.Put(batchtest.Record{Key: "user-1", Data: []byte("\x00data")})[0]
		put := time.Now()
		time.Sleep(time.Hour)
		var got events.KinesisEvent
		shard.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
			is.True(!strings.Contains(string(payload), "window"))
			decode(payload, &got)
			return nil, nil
		}))
		r := got.Records[0]
		is.Equal(r.EventID, "shardId-000000000000:"+id)
		is.Equal(r.EventSource, "aws:kinesis")
		is.Equal(r.EventName, "aws:kinesis:record")
		is.Equal(r.EventSourceArn, "arn:aws:kinesis:us-east-1:123456789012:stream/stream")
		is.Equal(r.Kinesis.SequenceNumber, id)
		is.Equal(r.Kinesis.PartitionKey, "user-1")
		is.Equal(string(r.Kinesis.Data), "\x00data")
		is.True(r.Kinesis.ApproximateArrivalTimestamp.Equal(put))
	})
}

func TestADynamoDBRecordArrivesInFull(t *testing.T) {
	item := image{"id": events.NewStringAttribute("user-1"), "n": events.NewNumberAttribute("1")}
	key := image{"id": events.NewStringAttribute("user-1")}
	composite := image{"a": events.NewStringAttribute("x"), "b": events.NewNumberAttribute("2")}
	tests := map[string]struct {
		put                 batchtest.Record
		event               string
		keys, before, after image
	}{
		"data":    {batchtest.Record{Key: "user-1", Data: []byte("d")}, "INSERT", key, nil, image{"id": events.NewStringAttribute("user-1"), "data": events.NewBinaryAttribute([]byte("d"))}},
		"insert":  {batchtest.Record{Key: "user-1", New: item}, "INSERT", key, nil, item},
		"modify":  {batchtest.Record{Key: "user-1", Old: item, New: key}, "MODIFY", key, item, key},
		"remove":  {batchtest.Record{Key: "user-1", Old: item}, "REMOVE", key, item, nil},
		"its key": {batchtest.Record{Keys: composite, New: item}, "INSERT", composite, nil, item},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			shard := batchtest.NewShard(batchtest.ShardConfig{Source: batchtest.DynamoDB})
			id := shard.Put(test.put)[0]
			var got events.DynamoDBEvent
			shard.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
				decode(payload, &got)
				return nil, nil
			}))
			r := got.Records[0]
			is.Equal(r.EventName, test.event)
			is.Equal(r.EventSource, "aws:dynamodb")
			is.Equal(r.Change.SequenceNumber, id)
			is.Equal(r.Change.Keys, test.keys)
			is.Equal(r.Change.OldImage, test.before)
			is.Equal(r.Change.NewImage, test.after)
			is.Equal(r.Change.StreamViewType, "NEW_AND_OLD_IMAGES")
			is.True(r.Change.SizeBytes > 0)
		})
	}
}

func TestSequenceNumbersAreLongAndAscend(t *testing.T) {
	for name, test := range map[string]struct {
		source batchtest.Source
		digits int
	}{
		"kinesis":  {batchtest.Kinesis, 56},
		"dynamodb": {batchtest.DynamoDB, 25},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			shard := batchtest.NewShard(batchtest.ShardConfig{Source: test.source})
			ids := shard.Put(make([]batchtest.Record, 12)...)
			is.True(slices.IsSorted(ids))
			is.Equal(len(lo.Uniq(ids)), 12)
			is.Equal(len(ids[0]), test.digits)
			run := shard.Drain(t.Context(), listing(once(ids[4])))
			is.Equal(run.Received(ids[3]), 1)
			is.Equal(run.Received(ids[4]), 2)
			is.Equal(run.Received(ids[5]), 2)
		})
	}
}

func TestTheEventIDIsNotTheIdentifier(t *testing.T) {
	is := is.New(t)
	shard := batchtest.NewShard(batchtest.ShardConfig{NoRetries: true})
	shard.Put(batchtest.Record{}, batchtest.Record{})
	run := shard.Drain(t.Context(), batchtest.Handler(func(_ context.Context, event events.KinesisEvent) (events.KinesisEventResponse, error) {
		return events.KinesisEventResponse{BatchItemFailures: []events.KinesisBatchItemFailure{
			{ItemIdentifier: event.Records[1].EventID},
		}}, nil
	}))
	is.Equal(outcomes(run), []batchtest.Outcome{batchtest.Failure})

	shard = batchtest.NewShard(batchtest.ShardConfig{Source: batchtest.DynamoDB, NoRetries: true})
	shard.Put(batchtest.Record{}, batchtest.Record{})
	run = shard.Drain(t.Context(), batchtest.Handler(func(_ context.Context, event events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		return events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{
			{ItemIdentifier: event.Records[1].EventID},
		}}, nil
	}))
	is.Equal(outcomes(run), []batchtest.Outcome{batchtest.Failure})
}

func TestAStreamEventStaysWithinSixMegabytes(t *testing.T) {
	config := batchtest.ShardConfig{Timeout: 15 * time.Minute} // reading 6 MB may take seconds on a busy machine
	both(t, 0, config, func(t *testing.T, shard *batchtest.Shard) {
		is := is.New(t)
		for range 6 {
			shard.Put(batchtest.Record{Data: make([]byte, 1<<20)}) // 1⅓ MB in base64
		}
		run := shard.Drain(t.Context(), function(func(_ context.Context, payload []byte) ([]byte, error) {
			is.True(len(payload) <= 6<<20)
			return nil, nil
		}))
		is.Equal(len(run.Invocations), 2)
		is.Equal(len(run.Deleted), 6)
	})
}
