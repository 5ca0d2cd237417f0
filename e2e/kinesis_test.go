package e2e_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/lambdabatch/batch/e2e/ledger"
	"github.com/lambdabatch/batch/e2e/mapping"
	"github.com/lambdabatch/batch/e2e/sandbox"
	"github.com/matryer/is"
	"github.com/samber/lo"
)

const streamName = "orders"

// createStream creates a stream and returns its shards.
func createStream(t *testing.T, client *kinesis.Client, shards int32) []mapping.Shard {
	t.Helper()
	is := is.New(t)
	_, err := client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(streamName), ShardCount: &shards})
	is.NoErr(err)
	name := &kinesis.DescribeStreamInput{StreamName: aws.String(streamName)}
	is.NoErr(kinesis.NewStreamExistsWaiter(client, func(o *kinesis.StreamExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	}).Wait(t.Context(), name, time.Minute))
	described, err := client.DescribeStream(t.Context(), name)
	is.NoErr(err)
	var found []mapping.Shard
	for _, s := range described.StreamDescription.Shards {
		found = append(found, mapping.Shard{
			Client: client, Stream: streamName, ARN: aws.ToString(described.StreamDescription.StreamARN), ID: aws.ToString(s.ShardId),
		})
	}
	return found
}

// put writes the orders in sequence, with their groups as partition keys.
func put(ctx context.Context, client *kinesis.Client, orders []order) error {
	for _, o := range orders {
		_, err := client.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: aws.String(streamName), PartitionKey: &o.group, Data: o.body()})
		if err != nil {
			return err
		}
	}
	return nil
}

// orderIDs returns the IDs of the orders in the records.
func orderIDs(t *testing.T, records []types.Record) []string {
	t.Helper()
	return lo.Map(records, func(r types.Record, _ int) string { return parse(t, string(r.Data)).ID })
}

func TestAShardIsProcessedInOrderAndOnlyItsPoisonRecordsAreDiscarded(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	s, l := openWorkerKilledAt(t, ledger.Entry{Kind: ledger.Store, ID: "g1-4"}, "SOURCE=kinesis")
	client := mapping.NewKinesis(startServers(t).Kinesis)
	shards := createStream(t, client, 2)
	orders := groupedOrders(6, 8)
	is.NoErr(put(t.Context(), client, orders))

	var discarded []string
	for _, shard := range shards {
		shard.BatchSize, shard.MaxRetries, shard.Bisect = 10, 2, true
		shard.Invoke, shard.Timeout = s.Invoke, shortTimeout
		is.NoErr(shard.Drain(t.Context()))
		discarded = append(discarded, orderIDs(t, shard.Discarded)...)
	}

	stored := l.IDs(ledger.Store)
	checkGroupOrder(t, orders, l)
	is.Equal(discarded, []string{"g4-1"}) // the order that never succeeds
	is.Equal(len(stored), len(orders)-1)
	is.Equal(s.Starts(), 2)
}

func TestAFailingRecordDelaysLaterRecordsOfItsShard(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	l := openLedger(t, nil)
	client := mapping.NewKinesis(startServers(t).Kinesis)
	shard := createStream(t, client, 1)[0]
	is.NoErr(put(t.Context(), client, []order{
		script("a", "ok").in("k1"), script("b", "ok").in("k2"), script("c", "fail", "ok").in("k3"), script("d", "ok").in("k4"),
	}))
	shard.BatchSize, shard.Invoke, shard.Timeout = 10, openWorker(t, l, "SOURCE=kinesis").Invoke, time.Minute
	is.NoErr(shard.Drain(t.Context()))
	is.Equal(l.IDs(ledger.Store), []string{"a", "b", "c", "d"})
	is.Equal(l.Counts(ledger.Try), map[string]int{"a": 1, "b": 1, "c": 2, "d": 1})
}

func TestLanesKeepTheOrderOfEachPartitionKey(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	l := openLedger(t, nil)
	client := mapping.NewKinesis(startServers(t).Kinesis)
	shard := createStream(t, client, 1)[0]
	orders := slices.DeleteFunc(groupedOrders(6, 8), func(o order) bool { return !o.good() })
	is.NoErr(put(t.Context(), client, orders))
	shard.BatchSize, shard.MaxRetries, shard.Bisect = 50, 2, true
	shard.Invoke, shard.Timeout = openWorker(t, l, "SOURCE=kinesis", "LANES=4").Invoke, shortTimeout
	is.NoErr(shard.Drain(t.Context()))
	is.Equal(len(shard.Discarded), 0)
	is.Equal(len(l.IDs(ledger.Store)), len(orders))
	checkGroupOrder(t, orders, l)
}

func TestAPollerThatTakesOverGoesOnFromTheCheckpoint(t *testing.T) {
	t.Parallel()
	is := is.New(t)
	l := openLedger(t, nil)
	client := mapping.NewKinesis(startServers(t).Kinesis)
	shard := createStream(t, client, 1)[0]
	orders := make([]order, 20)
	for i := range orders {
		orders[i] = script(fmt.Sprintf("o-%d", i), "ok").in("k")
	}
	is.NoErr(put(t.Context(), client, orders))
	s := openWorker(t, l, "SOURCE=kinesis")

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	first := shard
	first.BatchSize, first.Timeout = 5, time.Minute
	invocations := 0
	first.Invoke = func(payload []byte, timeout time.Duration) (sandbox.Outcome, error) {
		if invocations++; invocations == 3 {
			stop() // the poller ends after the delivery of its third batch
		}
		return s.Invoke(payload, timeout)
	}
	is.True(first.Drain(ctx) != nil)

	second := shard
	second.BatchSize, second.Timeout, second.Invoke, second.Checkpoint = 5, time.Minute, s.Invoke, first.Checkpoint
	is.NoErr(second.Drain(t.Context()))
	is.Equal(len(l.IDs(ledger.Store)), 20)
	checkGroupOrder(t, orders, l)
}
