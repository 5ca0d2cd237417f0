package once_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/once"
)

// An acceptingTable accepts every write and keeps nothing.
type acceptingTable struct{ once.DynamoDBClient }

func (acceptingTable) PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return &dynamodb.PutItemOutput{}, nil
}

func (acceptingTable) UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return &dynamodb.UpdateItemOutput{}, nil
}

// BenchmarkMap measures the cost per record, without the requests.
func BenchmarkMap(b *testing.B) {
	orders := make([]order, 1000)
	for i := range orders {
		orders[i].ID = strconv.Itoa(i)
	}
	pay := func(_ context.Context, o order) (receipt, error) { return receipt{o.ID, o.Total}, nil }
	run := func(f func(context.Context, order) (receipt, error)) func(*testing.B) {
		return func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := batch.Collect(batch.TryMap(batch.Of(orders...), f)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(orders)), "ns/record")
		}
	}
	b.Run("alone", run(pay))
	b.Run("table", run(once.Map(once.DynamoDB(acceptingTable{}, "idempotency"), order.key, pay)))
	b.Run("memory, done", run(once.Map(once.Memory(), order.key, pay, once.WithExpiry(time.Hour))))
}
