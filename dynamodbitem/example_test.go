package dynamodbitem_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/dynamodbitem"
)

type Item struct {
	ID    string `dynamodbav:"id"`
	Total int    `dynamodbav:"total"`
}

// event tells of an order that was placed, changed and removed.
func event() (e events.DynamoDBEvent) {
	const payload = `{"Records":[
		{"eventName":"INSERT","dynamodb":{"SequenceNumber":"101","StreamViewType":"NEW_AND_OLD_IMAGES",
			"Keys":{"id":{"S":"o-1"}},
			"NewImage":{"id":{"S":"o-1"},"total":{"N":"10"}}}},
		{"eventName":"MODIFY","dynamodb":{"SequenceNumber":"102","StreamViewType":"NEW_AND_OLD_IMAGES",
			"Keys":{"id":{"S":"o-1"}},
			"OldImage":{"id":{"S":"o-1"},"total":{"N":"10"}},
			"NewImage":{"id":{"S":"o-1"},"total":{"N":"12"}}}},
		{"eventName":"REMOVE","dynamodb":{"SequenceNumber":"103","StreamViewType":"NEW_AND_OLD_IMAGES",
			"Keys":{"id":{"S":"o-1"}},
			"OldImage":{"id":{"S":"o-1"},"total":{"N":"12"}}}}]}`
	if err := json.Unmarshal([]byte(payload), &e); err != nil {
		panic(err)
	}
	return e
}

// A REMOVE has no new image. Filter it out, or its record fails.
func ExampleNewImage() {
	records := batch.DynamoDB(context.Background(), event())

	kept := batch.Filter(records, func(r events.DynamoDBEventRecord) bool { return r.EventName != "REMOVE" })
	items := batch.TryMap(kept, dynamodbitem.NewImage[Item])
	items = batch.TryEach(items, func(_ context.Context, item Item) error {
		fmt.Println(item.ID, item.Total)
		return nil
	})
	fmt.Println(batch.Collect(items))
	// Output:
	// o-1 10
	// o-1 12
	// {[]} <nil>
}

func ExampleOldImage() {
	records := batch.DynamoDB(context.Background(), event())

	removed := batch.Filter(records, func(r events.DynamoDBEventRecord) bool { return r.EventName == "REMOVE" })
	for r := range batch.TryMap(removed, dynamodbitem.OldImage[Item]) {
		if item, ok := r.Value(); ok {
			fmt.Println("was", item.Total)
		}
	}
	// Output:
	// was 12
}

func ExampleKeys() {
	type key struct {
		ID string `dynamodbav:"id"`
	}
	for r := range batch.TryMap(batch.DynamoDB(context.Background(), event()), dynamodbitem.Keys[key]) {
		fmt.Println(r.Value())
	}
	// Output:
	// {o-1} true
	// {o-1} true
	// {o-1} true
}

func ExampleChange() {
	changes := batch.TryMap(batch.DynamoDB(context.Background(), event()), dynamodbitem.Change[Item])
	for r := range changes {
		change, _ := r.Value()
		switch {
		case change.Old == nil:
			fmt.Println("placed for", change.New.Total)
		case change.New == nil:
			fmt.Println("gone")
		default:
			fmt.Println("from", change.Old.Total, "to", change.New.Total)
		}
	}
	// Output:
	// placed for 10
	// from 10 to 12
	// gone
}

// Catch acknowledges the records that lack the image. Any other error stays an error.
func ExampleMissingImageError() {
	items := batch.TryMap(batch.DynamoDB(context.Background(), event()), dynamodbitem.NewImage[Item])
	items = batch.Catch(items, func(_ context.Context, err error) error {
		if missing, ok := errors.AsType[*dynamodbitem.MissingImageError](err); ok {
			fmt.Println("nothing to do for", missing.EventName)
			return nil
		}
		return err
	})
	fmt.Println(batch.Collect(items))
	// Output:
	// nothing to do for REMOVE
	// {[]} <nil>
}
