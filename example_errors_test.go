package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// No record is acknowledged, so Collect returns an error with the cause of each failure. In a handler, that error fails
// the invocation.
func ExampleAllFailedError() {
	orders := batch.Of(Order{ID: "o-1", Cents: 99_999_99}, Order{ID: "o-2", Cents: 88_888_88})
	_, err := batch.Collect(batch.TryMap(orders, charge))
	if all, ok := errors.AsType[*batch.AllFailedError](err); ok {
		for _, f := range all.Failures {
			fmt.Printf("record %s: %v\n", f.Record.ID, f.Err)
		}
	}
	fmt.Println("refused:", errors.Is(err, errRefused))
	// Output:
	// record 0: card refused
	// record 1: card refused
	// refused: true
}

// Retrying does not help a message that cannot be decoded. So it is sent to a dead-letter queue and acknowledged.
func ExampleDecodeError() {
	event := events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", `{"ID":"o-1","Cents":4200}`),
		message("m-2", `{"ID":"o-2","Cents":"free"}`),
	}}
	orders := batch.Decode[Order](batch.SQS(context.Background(), event), json.Unmarshal)
	printResults(batch.Catch(orders, func(_ context.Context, err error) error {
		bad, ok := errors.AsType[*batch.DecodeError](err)
		if !ok {
			return err
		}
		fmt.Printf("sent %s to the dead-letter queue because of its %s\n", bad.ID, bad.Field)
		return nil
	}))
	// Output:
	// m-1 Ready: {ID:o-1 Cents:4200}
	// sent m-2 to the dead-letter queue because of its body
	// m-2 Done
}

// A function that panics fails its record only.
func ExamplePanicError() {
	prices := map[string]int{"apple": 30}
	var counts map[string]int // nil, by mistake
	priced := batch.TryMap(batch.Of("apple", "pear"), func(_ context.Context, fruit string) (int, error) {
		price, ok := prices[fruit]
		if !ok {
			counts[fruit]++
		}
		return price, nil
	})
	for r := range priced {
		if p, ok := errors.AsType[*batch.PanicError](r.Err()); ok {
			fmt.Printf("record %s: %v (with a stack: %t)\n", r.Record().ID, p.Value, len(p.Stack) > 0)
		}
	}
	// Output: record 1: assignment to entry in nil map (with a stack: true)
}

// A handler for SQS is invoked with an S3 event.
func ExamplePayloadError() {
	_, err := batch.SQSHandler(process).Invoke(context.Background(), []byte(`{"Records":[{"eventSource":"aws:s3"}]}`))
	_, ok := errors.AsType[*batch.PayloadError](err)
	fmt.Println(ok)
	fmt.Println(err)
	// Output:
	// true
	// expected an SQS event, got records of "aws:s3"
}

// A bulk write that rejects some of its receipts. Only those are reported, by their position in the chunk.
func ExampleItemErrors() {
	receipts := batch.Of(Receipt{Order: "o-1"}, Receipt{Order: "o-2"}, Receipt{Order: "o-3"})
	printResults(batch.TryEachChunk(receipts, 25, func(_ context.Context, chunk []Receipt) error {
		rejected := []int{1} // as BatchWriteItem may leave some of its items unprocessed
		failed := batch.ItemErrors{}
		for _, i := range rejected {
			failed[i] = errors.New("throttled")
		}
		return failed.Err()
	}))
	// Output:
	// 0 Ready: {Order:o-1 Cents:0}
	// 1 Failed: throttled
	// 2 Ready: {Order:o-3 Cents:0}
}

// An errgroup would take an empty ItemErrors for the error of a write that has failed.
func ExampleItemErrors_Err() {
	fmt.Println(batch.ItemErrors{}.Err())
	fmt.Println(batch.ItemErrors{1: errors.New("throttled")}.Err())
	// Output:
	// <nil>
	// item 1 failed: throttled
}

// A report function learns why each record is redelivered.
func ExampleFailure() {
	source := batch.From(context.Background(), []string{"m-1", "m-2"}, func(id string) batch.Record { return batch.Record{ID: id} },
		batch.WithPolicy(batch.StopBatch),
		batch.WithoutAllFailedError(),
		batch.WithReport(func(_ context.Context, r batch.Report) {
			for _, f := range r.Failures {
				fmt.Println(f.Record.ID, "was held back:", errors.Is(f.Err, batch.ErrBlocked))
			}
		}))
	printResponse(batch.Run(source, batch.Each(func(context.Context, string) error { return errors.New("out of stock") })))
	// Output:
	// m-1 was held back: false
	// m-2 was held back: true
	// {"batchItemFailures":[{"itemIdentifier":"m-1"},{"itemIdentifier":"m-2"}]}
}
