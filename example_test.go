package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// What the examples work on.

type Order struct {
	ID    string
	Cents int
}

func (o Order) Payable() bool { return o.Cents > 0 }

type Receipt struct {
	Order string
	Cents int
}

var errRefused = errors.New("card refused")

func charge(_ context.Context, o Order) (Receipt, error) {
	if o.Cents > 1_000_00 {
		return Receipt{}, errRefused
	}
	return Receipt{o.ID, o.Cents}, nil
}

func store(_ context.Context, r Receipt) error {
	fmt.Println("stored", r.Order)
	return nil
}

func process(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
	orders := batch.Decode[Order](messages, json.Unmarshal)
	payable := batch.Filter(orders, Order.Payable)
	receipts := batch.TryMap(payable, charge)
	return batch.TryEach(receipts, store)
}

func message(id, body string) events.SQSMessage {
	return events.SQSMessage{MessageId: id, Body: body}
}

func inGroup(id, group, body string) events.SQSMessage {
	return events.SQSMessage{
		MessageId:      id,
		Body:           body,
		EventSourceARN: "arn:aws:sqs:eu-central-1:123456789012:orders.fifo",
		Attributes:     map[string]string{"MessageGroupId": group, "ApproximateReceiveCount": "1"},
	}
}

// show prints a stream, one Result a line.
func show[T any](s batch.Stream[T]) {
	for r := range s {
		if value, ok := r.Value(); ok {
			fmt.Printf("%s: %v\n", r.Record().ID, value)
		} else if err := r.Err(); err != nil {
			fmt.Printf("%s: failed: %v\n", r.Record().ID, err)
		} else {
			fmt.Printf("%s: done\n", r.Record().ID)
		}
	}
}

// print prints an answer as Lambda would get it.
func print(response batch.Response, err error) {
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	encoded, _ := json.Marshal(response)
	fmt.Println(string(encoded))
}

func invoke(h *batch.Handler, payload string) {
	answer, err := h.Invoke(context.Background(), []byte(payload))
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println(string(answer))
}

func Example() {
	event := events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", `{"ID":"o-1","Cents":4200}`),
		message("m-2", `{"ID":"o-2","Cents":0}`),       // filtered: acknowledged
		message("m-3", `{"ID":"o-3"`),                  // does not decode
		message("m-4", `{"ID":"o-4","Cents":9999999}`), // refused
	}}
	print(batch.Run(batch.SQS(context.Background(), event), process))
	// Output:
	// stored o-1
	// {"batchItemFailures":[{"itemIdentifier":"m-3"},{"itemIdentifier":"m-4"}]}
}

func ExampleRun() {
	handler := func(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
		return batch.Run(batch.SQS(ctx, event), process)
	}
	print(handler(context.Background(), events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", `{"ID":"o-1","Cents":4200}`),
		message("m-2", `{"ID":"o-2","Cents":9999999}`),
	}}))
	// Output:
	// stored o-1
	// {"batchItemFailures":[{"itemIdentifier":"m-2"}]}
}

// A handler under a short deadline reports exactly what it could not do.
func ExampleRun_deadline() {
	handler := func(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
		messages := batch.SQS(ctx, event, batch.WithReserve(100*time.Millisecond))
		return batch.Run(messages, batch.Each(func(ctx context.Context, m events.SQSMessage) error {
			if m.Body == "slow" {
				<-ctx.Done() // a call that heeds its context
				return ctx.Err()
			}
			return nil
		}))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	print(handler(ctx, events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", "quick"), message("m-2", "slow"), message("m-3", "quick"),
	}}))
	// Output: {"batchItemFailures":[{"itemIdentifier":"m-2"},{"itemIdentifier":"m-3"}]}
}

func ExampleCollect() {
	numbers := batch.TryMap(batch.Of("1", "two", "3"), func(_ context.Context, s string) (int, error) {
		return strconv.Atoi(s)
	})
	print(batch.Collect(numbers))
	// Output: {"batchItemFailures":[{"itemIdentifier":"1"}]}
}

func ExamplePartition() {
	numbers := batch.TryMap(batch.Of("1", "two", "3"), func(_ context.Context, s string) (int, error) {
		return strconv.Atoi(s)
	})
	values, failures := batch.Partition(numbers)
	fmt.Println(values)
	for _, f := range failures {
		fmt.Println(f.Record.ID, f.Err)
	}
	// Output:
	// [1 3]
	// 1 strconv.Atoi: parsing "two": invalid syntax
}
