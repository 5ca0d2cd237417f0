package once_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/once"
)

// The shop has sent order o-1 twice, as two messages. The order is charged once, and both messages get its
// receipt.
func ExampleMap() {
	store := once.Memory()
	charge := once.Map(store, order.key, func(_ context.Context, o order) (receipt, error) {
		fmt.Println("charged", o.ID)
		return receipt{o.ID, o.Total}, nil
	})
	process := func(messages batch.Stream[events.SQSMessage]) batch.Stream[receipt] {
		receipts := batch.TryMap(batch.Decode[order](messages, json.Unmarshal), charge)
		return batch.TryEach(receipts, func(_ context.Context, r receipt) error {
			fmt.Println("receipt", r)
			return nil
		})
	}
	fmt.Println(batch.Run(batch.SQS(context.Background(), events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "m-1", Body: `{"ID":"o-1","Total":12}`},
		{MessageId: "m-2", Body: `{"ID":"o-1","Total":12}`},
	}}), process))
	// Output:
	// charged o-1
	// receipt {o-1 12}
	// receipt {o-1 12}
	// {[]} <nil>
}

// A call that fails frees its key, so the next delivery tries again.
func ExampleEach() {
	down := true
	ship := once.Each(once.Memory(), order.key, func(_ context.Context, o order) error {
		if down {
			return errors.New("no carrier")
		}
		fmt.Println("shipped", o.ID)
		return nil
	})

	fmt.Println(ship(context.Background(), order{ID: "o-1"}))
	down = false
	fmt.Println(ship(context.Background(), order{ID: "o-1"}))
	fmt.Println(ship(context.Background(), order{ID: "o-1"}))
	// Output:
	// no carrier
	// shipped o-1
	// <nil>
	// <nil>
}

func ExampleDynamoDB() {
	client := newTable() // dynamodb.NewFromConfig(cfg)
	store := once.DynamoDB(client, "idempotency", once.WithPrefix("orders"))
	charge := once.Map(store, order.key, func(_ context.Context, o order) (receipt, error) {
		return receipt{o.ID, o.Total}, nil
	})
	_, err := charge(context.Background(), order{"o-1", 12})
	fmt.Println(err)
	for id, item := range client.items {
		fmt.Println(id, stringOf(item["status"]))
	}
	// Output:
	// <nil>
	// orders#y8vblI3ha/5+SagfkVAKsQ== COMPLETED
}

func ExampleMemory() {
	ship := once.Each(once.Memory(), order.key, func(_ context.Context, o order) error {
		fmt.Println("shipped", o.ID)
		return nil
	})
	for range 3 {
		_ = ship(context.Background(), order{ID: "o-1"})
	}
	// Output: shipped o-1
}

// Charging and shipping use the same store and the same key. Their names keep them apart.
func ExampleWithName() {
	store := once.Memory()
	say := func(what string) func(context.Context, order) error {
		return func(context.Context, order) error { fmt.Println(what); return nil }
	}
	charge := once.Each(store, order.key, say("charged"), once.WithName("charge"))
	ship := once.Each(store, order.key, say("shipped"), once.WithName("ship"))
	for range 2 {
		for r := range batch.TryEach(batch.TryEach(batch.Of(order{ID: "o-1"}), charge), ship) {
			fmt.Println(r.Err())
		}
	}
	// Output:
	// charged
	// shipped
	// <nil>
	// <nil>
}

// A queue that retains messages for four days may deliver one again that late.
func ExampleWithExpiry() {
	ship := once.Each(once.Memory(), order.key, func(context.Context, order) error { return nil }, once.WithExpiry(4*24*time.Hour))
	fmt.Println(ship(context.Background(), order{ID: "o-1"}))
	// Output: <nil>
}

// An order must not be charged twice with different totals.
func ExampleWithPayload() {
	charge := once.Each(once.Memory(), order.key, func(context.Context, order) error { return nil },
		once.WithPayload(func(o order) any { return o.Total }))
	fmt.Println(charge(context.Background(), order{"o-1", 12}))
	fmt.Println(charge(context.Background(), order{"o-1", 13}))
	// Output:
	// <nil>
	// key "o-1": done for another payload
}

func ExampleWithPrefix() {
	client := newTable()
	store := once.DynamoDB(client, "idempotency", once.WithPrefix("shop"))
	fmt.Println(once.Each(store, order.key, pass, once.WithName("ship"))(context.Background(), order{ID: "o-1"}))
	for id := range client.items {
		fmt.Println(id)
	}
	// Output:
	// <nil>
	// shop.ship#y8vblI3ha/5+SagfkVAKsQ==
}

// In Python, an id consists of the names of the Lambda function and of the decorated function, and the key's
// checksum.
func ExampleWithPythonItems() {
	client := newTable()
	store := once.DynamoDB(client, "idempotency", once.WithPrefix("orders"), once.WithPythonItems())
	charge := once.Map(store, order.key, func(_ context.Context, o order) (receipt, error) {
		return receipt{o.ID, o.Total}, nil
	}, once.WithName("app.charge"))
	_, err := charge(context.Background(), order{"o-1", 12})
	fmt.Println(err)
	for id, item := range client.items {
		fmt.Println(id, stringOf(item["data"]))
	}
	// Output:
	// <nil>
	// orders.app.charge#cbcbdb948de16bfe7e49a81f91500ab1 {"Order":"o-1","Paid":12}
}

func ExampleWithAttributes() {
	client := newTable()
	store := once.DynamoDB(client, "idempotency", once.WithAttributes(once.Attributes{Status: "state"}))
	fmt.Println(once.Each(store, order.key, pass)(context.Background(), order{ID: "o-1"}))
	for _, item := range client.items {
		fmt.Println(stringOf(item["state"]))
	}
	// Output:
	// <nil>
	// COMPLETED
}
