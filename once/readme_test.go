package once_test

// The code in the README and in the package comment.

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/once"
)

type (
	Order   struct{ ID string }
	Receipt struct{ Order string }
)

func (o Order) Key() string { return o.ID }

var _ = []any{wrapped, named}

func wrapped(orders batch.Stream[Order], cfg aws.Config, charge func(context.Context, Order) (Receipt, error)) batch.Stream[Receipt] {
	keys := once.DynamoDB(dynamodb.NewFromConfig(cfg), "idempotency")
	receipts := batch.TryMap(orders, once.Map(keys, Order.Key, charge)) // func(context.Context, Order) (Receipt, error)
	return receipts
}

func named(keys once.Store, charge func(context.Context, Order) (Receipt, error), ship func(context.Context, Order) error) {
	_ = once.Map(keys, Order.Key, charge, once.WithName("charge"), once.WithExpiry(18*24*time.Hour))
	_ = once.Each(keys, Order.Key, ship, once.WithName("ship"), once.WithExpiry(18*24*time.Hour))
}
