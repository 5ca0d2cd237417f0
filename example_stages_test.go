package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/samber/lo/it"

	"github.com/lambdabatch/batch"
)

// A Stream is an iterator, so any function that takes an iterator accepts it. These two are from samber/lo.
func ExampleStream() {
	orders := batch.Of(Order{ID: "o-1", Cents: 42_00}, Order{ID: "o-2", Cents: 99_999_99}, Order{ID: "o-3", Cents: 7_00})
	receipts := batch.TryMap(orders, charge)
	failed := func(r batch.Result[Receipt]) bool { return r.Err() != nil }
	first, _ := it.Find(receipts, failed)
	fmt.Printf("%d failed, the first is record %s\n", it.CountBy(receipts, failed), first.Record().ID)
	// Output: 1 failed, the first is record 1
}

// A pipeline made of stages is a stage, too.
func ExampleStage() {
	var bill batch.Stage[Order, Receipt] = func(orders batch.Stream[Order]) batch.Stream[Receipt] {
		payable := batch.Filter(orders, Order.Payable)
		return batch.TryMap(payable, charge)
	}
	printResults(bill(batch.Of(Order{ID: "o-1", Cents: 42_00}, Order{ID: "o-2", Cents: 0})))
	// Output:
	// 0 Ready: {Order:o-1 Cents:4200}
	// 1 Done
}

func ExampleMap() {
	orders := batch.Of(Order{ID: "o-1", Cents: 42_00}, Order{ID: "o-2", Cents: 7_00})
	euros := batch.Map(orders, func(o Order) string { return fmt.Sprintf("€%d.%02d", o.Cents/100, o.Cents%100) })
	printResults(euros)
	// Output:
	// 0 Ready: €42.00
	// 1 Ready: €7.00
}

func ExampleTryMap() {
	orders := batch.Of(Order{ID: "o-1", Cents: 42_00}, Order{ID: "o-2", Cents: 99_999_99})
	printResults(batch.TryMap(orders, func(ctx context.Context, o Order) (Receipt, error) {
		if o.Cents > 1_000_00 {
			return Receipt{}, errors.New("card refused")
		}
		return Receipt{Order: o.ID, Cents: o.Cents}, nil
	}))
	// Output:
	// 0 Ready: {Order:o-1 Cents:4200}
	// 1 Failed: card refused
}

// A record that the filter does not keep is done: it is acknowledged, and later stages pass it on.
func ExampleFilter() {
	orders := batch.Of(Order{ID: "o-1", Cents: 42_00}, Order{ID: "o-2", Cents: 0})
	printResults(batch.Filter(orders, func(o Order) bool { return o.Cents > 0 }))
	// Output:
	// 0 Ready: {ID:o-1 Cents:4200}
	// 1 Done
}

// The filter looks orders up in a table, to skip those that have been charged before.
func ExampleTryFilter() {
	charged := map[string]bool{"o-1": true}
	notCharged := func(_ context.Context, o Order) (bool, error) {
		if o.ID == "" {
			return false, errors.New("order without an ID")
		}
		return !charged[o.ID], nil
	}
	orders := batch.Of(Order{ID: "o-1", Cents: 42_00}, Order{ID: "o-2", Cents: 7_00}, Order{Cents: 1_00})
	printResults(batch.TryFilter(orders, notCharged))
	// Output:
	// 0 Done
	// 1 Ready: {ID:o-2 Cents:700}
	// 2 Failed: order without an ID
}

// A message holds several lines. It is acknowledged if all of them succeed, and reported once if one fails.
func ExampleFlatMap() {
	messages := batch.Of("2 apples\n1 pear", "3 plums\n? figs")
	lines := batch.FlatMap(messages, func(text string) []string { return strings.Split(text, "\n") })
	printResponse(batch.Collect(batch.TryEach(lines, func(_ context.Context, line string) error {
		if strings.HasPrefix(line, "?") {
			return errors.New("no quantity")
		}
		fmt.Println("shipped", line)
		return nil
	})))
	// Output:
	// shipped 2 apples
	// shipped 1 pear
	// shipped 3 plums
	// {"batchItemFailures":[{"itemIdentifier":"1"}]}
}

func ExampleTryFlatMap() {
	messages := batch.Of(`["o-1","o-2"]`, `["o-3"`)
	printResults(batch.TryFlatMap(messages, func(_ context.Context, body string) (orderIDs []string, err error) {
		err = json.Unmarshal([]byte(body), &orderIDs)
		return orderIDs, err
	}))
	// Output:
	// 0 Ready: o-1
	// 0 Ready: o-2
	// 1 Failed: unexpected end of JSON input
}

// The receipts stay in the stream, so another stage can follow.
func ExampleTryEach() {
	receipts := batch.Of(Receipt{Order: "o-1", Cents: 42_00}, Receipt{Order: "o-2", Cents: 7_00})
	printResponse(batch.Collect(batch.TryEach(receipts, func(ctx context.Context, r Receipt) error {
		if r.Order == "o-2" {
			return errors.New("table is read-only")
		}
		fmt.Println("stored the receipt of", r.Order)
		return nil
	})))
	// Output:
	// stored the receipt of o-1
	// {"batchItemFailures":[{"itemIdentifier":"1"}]}
}

// A whole handler made of one function.
func ExampleEach() {
	handle := func(_ context.Context, m events.SQSMessage) error {
		fmt.Println("received:", m.Body)
		return nil
	}
	// In a function: lambda.Start(batch.SQSHandler(batch.Each(handle)))
	invoke(batch.SQSHandler(batch.Each(handle)), `{"Records":[{"messageId":"m-1","body":"hello","eventSource":"aws:sqs"}]}`)
	// Output:
	// received: hello
	// {"batchItemFailures":[]}
}

// Three receipts are written in chunks of two. If the write itself fails, so do all receipts of the chunk.
// To fail only some of them, see ItemErrors.
func ExampleTryEachChunk() {
	receipts := batch.Of(Receipt{Order: "o-1"}, Receipt{Order: "o-2"}, Receipt{Order: "o-3"})
	printResponse(batch.Collect(batch.TryEachChunk(receipts, 2, func(_ context.Context, chunk []Receipt) error {
		if chunk[0].Order == "o-1" {
			return errors.New("connection reset")
		}
		fmt.Println("wrote", chunk)
		return nil
	})))
	// Output:
	// wrote [{o-3 0}]
	// {"batchItemFailures":[{"itemIdentifier":"0"},{"itemIdentifier":"1"}]}
}

// Count the orders that were charged, without changing anything.
func ExampleTap() {
	orders := batch.Of(Order{ID: "o-1", Cents: 42_00}, Order{ID: "o-2", Cents: 99_999_99})
	charged := 0
	receipts := batch.Tap(batch.TryMap(orders, charge), func(r batch.Result[Receipt]) {
		if _, ok := r.Value(); ok {
			charged++
		}
	})
	printResponse(batch.Collect(receipts))
	fmt.Println("charged:", charged)
	// Output:
	// {"batchItemFailures":[{"itemIdentifier":"1"}]}
	// charged: 1
}

// Retrying does not help if the card was refused. Such an order is sent to another queue and acknowledged. Every
// other failure is reported, so SQS redelivers the message.
func ExampleCatch() {
	orders := batch.Of(Order{ID: "o-1", Cents: 42_00}, Order{ID: "o-2", Cents: 99_999_99})
	receipts := batch.TryMap(orders, charge)
	printResponse(batch.Collect(batch.Catch(receipts, func(ctx context.Context, err error) error {
		if !errors.Is(err, errRefused) {
			return err // reported
		}
		order, _ := batch.SourceFrom[Order](ctx)
		fmt.Println("sent to the queue of refused orders:", order.ID)
		return nil // acknowledged
	})))
	// Output:
	// sent to the queue of refused orders: o-2
	// {"batchItemFailures":[]}
}

// The list price replaces a price that cannot be read.
func ExampleOrElse() {
	prices := batch.TryMap(batch.Of("1250", "?"), func(_ context.Context, text string) (int, error) { return strconv.Atoi(text) })
	printResults(batch.OrElse(prices, func(context.Context, error) (int, error) { return 1000, nil }))
	// Output:
	// 0 Ready: 1250
	// 1 Ready: 1000
}

func ExampleDecode() {
	event := events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", `{"ID":"o-1","Cents":4200}`),
		message("m-2", "not JSON"),
	}}
	printResults(batch.Decode[Order](batch.SQS(context.Background(), event), json.Unmarshal))
	// Output:
	// m-1 Ready: {ID:o-1 Cents:4200}
	// m-2 Failed: body: invalid character 'o' in literal null (expecting 'u')
}

// A faster and stricter codec: it rejects duplicate names and invalid UTF-8.
func ExampleDecode_strict() {
	// import jsonv2 "github.com/go-json-experiment/json"
	strict := func(data []byte, value any) error { return jsonv2.Unmarshal(data, value) }
	printResults(batch.Decode[Order](batch.Of(`{"ID":"o-1"}`, `{"ID":"o-1","ID":"o-2"}`), strict))
	// Output:
	// 0 Ready: {ID:o-1 Cents:0}
	// 1 Failed: jsontext: duplicate object member name "ID"
}
