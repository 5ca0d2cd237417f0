package batch_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// A FIFO queue on eight lanes: groups are processed side by side, and each group in order. Because m-3 fails,
// m-4 of the same group is held back.
func ExampleParallel() {
	messages := batch.SQS(context.Background(), events.SQSEvent{Records: []events.SQSMessage{
		messageInGroup("m-1", "ada", `{"ID":"o-1","Cents":4200}`),
		messageInGroup("m-2", "bob", `{"ID":"o-2","Cents":700}`),
		messageInGroup("m-3", "ada", `{"ID":"o-3","Cents":9999999}`),
		messageInGroup("m-4", "ada", `{"ID":"o-4","Cents":100}`),
	}})
	printResults(batch.Parallel(messages, 8, func(s batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
		return batch.TryMap(batch.Decode[Order](s, json.Unmarshal), charge)
	}))
	// Unordered output:
	// m-1 Ready: {Order:o-1 Cents:4200}
	// m-2 Ready: {Order:o-2 Cents:700}
	// m-3 Failed: card refused
	// m-4 Failed: blocked by record "m-3"
}

// Orders and refunds arrive in one queue. Each kind has a route, with its own decoding and processing.
func ExampleRoute() {
	ofKind := func(id, kind, body string) events.SQSMessage {
		attributes := map[string]events.SQSMessageAttribute{"kind": {DataType: "String", StringValue: &kind}}
		return events.SQSMessage{MessageId: id, Body: body, MessageAttributes: attributes}
	}
	messages := batch.SQS(context.Background(), events.SQSEvent{Records: []events.SQSMessage{
		ofKind("m-1", "order", `{"ID":"o-1","Cents":4200}`),
		ofKind("m-2", "refund", "o-7"),
		ofKind("m-3", "voucher", "XMAS"),
	}})
	kind := func(m events.SQSMessage) string { return *m.MessageAttributes["kind"].StringValue }
	printResults(batch.Route(messages, kind, map[string]batch.Stage[events.SQSMessage, string]{
		"order": func(s batch.Stream[events.SQSMessage]) batch.Stream[string] {
			receipts := batch.TryMap(batch.Decode[Order](s, json.Unmarshal), charge)
			return batch.Map(receipts, func(r Receipt) string { return "charged " + r.Order })
		},
		"refund": func(s batch.Stream[events.SQSMessage]) batch.Stream[string] {
			return batch.Map(s, func(m events.SQSMessage) string { return "refunded " + m.Body })
		},
	}))
	// Unordered output:
	// m-1 Ready: charged o-1
	// m-2 Ready: refunded o-7
	// m-3 Failed: no route for "voucher"
}

// All routes must end in the same type. Refunds have no receipt, so their route ends with Discard.
func ExampleDiscard() {
	refunds := func(s batch.Stream[Order]) batch.Stream[Receipt] {
		amounts := batch.Map(s, func(o Order) int { return -o.Cents })
		refunded := batch.TryEach(amounts, func(_ context.Context, cents int) error {
			fmt.Println("refunded", cents)
			return nil
		})
		return batch.Discard[Receipt](refunded)
	}
	charges := func(s batch.Stream[Order]) batch.Stream[Receipt] { return batch.TryMap(s, charge) }

	orders := batch.Of(Order{ID: "o-1", Cents: 42_00}, Order{ID: "o-2", Cents: -7_00})
	printResults(batch.Route(orders, Order.Payable, map[bool]batch.Stage[Order, Receipt]{true: charges, false: refunds}))
	// Unordered output:
	// refunded 700
	// 0 Ready: {Order:o-1 Cents:4200}
	// 1 Done
}
