package batchtest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchtest"
)

func TestParallelLanesKeepTheOrderOfEachKey(t *testing.T) {
	both(t, 0, batchtest.ShardConfig{Parallelization: 3, BatchSize: 2}, func(t *testing.T, shard *batchtest.Shard) {
		is := is.New(t)
		for i := range 30 {
			shard.Put(batchtest.Record{ID: fmt.Sprintf("%02d", i), Key: fmt.Sprint("key-", i%5)})
		}
		done := make(map[string][]string)
		failing := once("03", "11")
		run := shard.Drain(t.Context(), function(func(ctx context.Context, payload []byte) ([]byte, error) {
			stuck := false
			return listing(func(r record) bool {
				stuck = stuck || failing(r)
				if !stuck {
					done[r.key] = append(done[r.key], r.id)
				}
				return stuck
			})(ctx, payload)
		}))
		is.Equal(len(run.Deleted), 30)
		is.Equal(len(done), 5)
		for _, ids := range done {
			is.True(slices.IsSorted(ids)) // in order
			is.Equal(len(ids), 6)         // and each once
		}
		is.True(!slices.IsSorted(run.Deleted)) // across lanes there is no order
	})
}

func TestAFailingLaneDoesNotHoldUpTheOthers(t *testing.T) {
	is := is.New(t)
	shard := batchtest.NewShard(batchtest.ShardConfig{Parallelization: 2, MaxRetries: 3})
	shard.Put(batchtest.Record{ID: "a1", Key: "a"}, batchtest.Record{ID: "b1", Key: "b"}, batchtest.Record{ID: "a2", Key: "a"})
	run := shard.Drain(t.Context(), listing(poisoned("a1")))
	is.Equal(batches(run), [][]string{{"a1", "a2"}, {"b1"}, {"a1", "a2"}, {"a1", "a2"}, {"a1", "a2"}})
	is.Equal(run.Deleted, []string{"b1"})
	is.Equal(run.DeadLettered, []string{"a1", "a2"})
}

func TestItemsOfOneKeyShareALane(t *testing.T) {
	is := is.New(t)
	shard := batchtest.NewShard(batchtest.ShardConfig{Source: batchtest.DynamoDB, Parallelization: 10})
	for i := range 6 {
		shard.Put(batchtest.Record{Keys: map[string]events.DynamoDBAttributeValue{"k": events.NewNumberAttribute(fmt.Sprint(i % 2))}})
	}
	run := shard.Drain(t.Context(), responding(""))
	is.True(len(run.Invocations) <= 2)
}

func TestAnItemHasOneLaneHoweverItsKeyIsGiven(t *testing.T) {
	for lanes := 2; lanes <= 10; lanes++ {
		t.Run(fmt.Sprint(lanes, " lanes"), func(t *testing.T) {
			is := is.New(t)
			shard := batchtest.NewShard(batchtest.ShardConfig{Source: batchtest.DynamoDB, Parallelization: lanes})
			for _, id := range []string{"a", "b", "c", "d"} {
				key := map[string]events.DynamoDBAttributeValue{"id": events.NewStringAttribute(id)}
				shard.Put(
					batchtest.Record{ID: id + " inserted", Key: id, Data: []byte("x")},
					batchtest.Record{ID: id + " modified", Keys: key, Old: key, New: key},
				)
			}
			run := shard.Drain(t.Context(), responding(""))
			for _, id := range []string{"a", "b", "c", "d"} {
				together := slices.ContainsFunc(batches(run), func(batch []string) bool {
					return slices.Contains(batch, id+" inserted") && slices.Contains(batch, id+" modified")
				})
				is.True(together)
			}
		})
	}
}

func TestTheKeyOfAKinesisRecordIsItsPartitionKey(t *testing.T) {
	is := is.New(t)
	shard := batchtest.NewShard(batchtest.ShardConfig{Parallelization: 10})
	for i := range 6 {
		shard.Put(batchtest.Record{Key: "a", Keys: map[string]events.DynamoDBAttributeValue{"k": events.NewNumberAttribute(fmt.Sprint(i))}})
	}
	is.Equal(len(shard.Drain(t.Context(), responding("")).Invocations), 1)
}
