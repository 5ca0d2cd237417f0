package once_test

// Requests that arrive twice.

import (
	"context"
	"math/rand"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/lambdabatch/batch/once"
	"pgregory.net/rapid"
)

// A duplicatingTable may execute a request a second time, later.
type duplicatingTable struct {
	*table
	mu     *sync.Mutex
	random *rand.Rand
}

func (d duplicatingTable) maybeLater(do func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.random.Intn(3) == 0 {
		delay := time.Duration(d.random.Intn(30000)) * time.Millisecond
		time.AfterFunc(delay, do)
	}
}

func (d duplicatingTable) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	d.maybeLater(func() { _, _ = d.table.PutItem(context.WithoutCancel(ctx), in) })
	return d.table.PutItem(ctx, in)
}

func (d duplicatingTable) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	d.maybeLater(func() { _, _ = d.table.UpdateItem(context.WithoutCancel(ctx), in) })
	return d.table.UpdateItem(ctx, in)
}

func (d duplicatingTable) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	d.maybeLater(func() { _, _ = d.table.DeleteItem(context.WithoutCancel(ctx), in) })
	return d.table.DeleteItem(ctx, in)
}

func TestDelayedDuplicatesOfRequestsBreakNoLaw(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		deliveries := rapid.SliceOfN(rapid.Custom(drawDelivery), 1, 8).Draw(rt, "deliveries")
		expiry := rapid.SampledFrom([]time.Duration{time.Hour, 7 * time.Second}).Draw(rt, "expiry")
		seed := rapid.Int64().Draw(rt, "seed")
		var calls []*call
		synctest.Test(t, func(t *testing.T) {
			table := newTable()
			calls = handleAll(t, once.DynamoDB(duplicatingTable{table, new(sync.Mutex), rand.New(rand.NewSource(seed))}, "x"), deliveries, expiry)
			time.Sleep(time.Minute)
		})
		if err := violation(calls, expiry); err != nil {
			rt.Fatal(err)
		}
	})
}
