package dynamodbitem_test

// The code in the README.

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/dynamodbitem"
)

var _ = process

func index(context.Context, Item) error { return nil }

func process(records batch.Stream[events.DynamoDBEventRecord]) batch.Stream[Item] {
	kept := batch.Filter(records, func(r events.DynamoDBEventRecord) bool { return r.EventName != "REMOVE" })
	items := batch.TryMap(kept, dynamodbitem.NewImage[Item])
	return batch.TryEach(items, index)
}
