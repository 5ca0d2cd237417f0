package batchtest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
)

type image = map[string]events.DynamoDBAttributeValue

func TestEmptyAttributesArriveEmpty(t *testing.T) {
	is := is.New(t)
	list, object, data := events.NewListAttribute(nil), events.NewMapAttribute(nil), events.NewBinaryAttribute(nil)
	item := image{
		"list": list, "map": object, "data": data, "binary set": events.NewBinarySetAttribute([][]byte{nil}),
		"nested": events.NewListAttribute([]events.DynamoDBAttributeValue{list, events.NewMapAttribute(image{"map": object, "data": data})}),
		"null":   events.NewNullAttribute(), "set": events.NewStringSetAttribute([]string{""}),
	}
	empty := image{
		"list": events.NewListAttribute([]events.DynamoDBAttributeValue{}), "map": events.NewMapAttribute(image{}),
		"data": events.NewBinaryAttribute([]byte{}),
	}
	want := image{
		"list": empty["list"], "map": empty["map"], "data": empty["data"], "binary set": events.NewBinarySetAttribute([][]byte{{}}),
		"nested": events.NewListAttribute([]events.DynamoDBAttributeValue{
			empty["list"], events.NewMapAttribute(image{"map": empty["map"], "data": empty["data"]}),
		}),
		"null": item["null"], "set": item["set"],
	}
	shard := batchtest.NewShard(batchtest.ShardConfig{Source: batchtest.DynamoDB, NoRetries: true})
	shard.Put(batchtest.Record{Old: item, New: item})
	var changes []events.DynamoDBStreamRecord
	run := shard.Drain(t.Context(), batch.DynamoDBHandler(batch.Each(func(_ context.Context, r events.DynamoDBEventRecord) error {
		changes = append(changes, r.Change)
		return nil
	})))
	is.Equal(len(run.Deleted), 1)
	is.Equal(changes[0].OldImage, want)
	is.Equal(changes[0].NewImage, want)
	is.Equal(item["list"], list) // the caller's image is as it was
}

func TestAttributesThatDynamoDBDoesNotStorePanic(t *testing.T) {
	var none events.DynamoDBAttributeValue
	for name, record := range map[string]batchtest.Record{
		"Keys.id: the attribute has no value":      {Keys: image{"id": none}},
		"New.list[1]: the attribute has no value":  {New: image{"list": events.NewListAttribute([]events.DynamoDBAttributeValue{events.NewNullAttribute(), none})}},
		"Old.set: DynamoDB stores no empty sets":   {Old: image{"set": events.NewStringSetAttribute(nil)}},
		"Old.set: DynamoDB stores no empty sets ":  {Old: image{"set": events.NewNumberSetAttribute([]string{})}},
		"New.m.set: DynamoDB stores no empty sets": {New: image{"m": events.NewMapAttribute(image{"set": events.NewBinarySetAttribute(nil)})}},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			defer func() { is.Equal(recover(), "batchtest: "+strings.TrimSpace(name)) }()
			batchtest.NewShard(batchtest.ShardConfig{Source: batchtest.DynamoDB}).Put(record)
		})
	}
}
