package batch_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/lambdabatch/batch"
)

// A stage of your own is a loop over a Stream. Then calls charge for ready results only, and passes on the order that
// was filtered out.
func ExampleThen() {
	chargeAll := func(s batch.Stream[Order]) batch.Stream[Receipt] {
		return func(yield func(batch.Result[Receipt]) bool) {
			for r := range s {
				if !yield(batch.Then(r, charge)) {
					return
				}
			}
		}
	}
	orders := batch.Of(Order{ID: "o-1", Cents: 42_00}, Order{ID: "o-2", Cents: 0}, Order{ID: "o-3", Cents: 7_00})
	printResults(chargeAll(batch.Filter(orders, Order.Payable)))
	// Output:
	// 0 Ready: {Order:o-1 Cents:4200}
	// 1 Done
	// 2 Ready: {Order:o-3 Cents:700}
}

// A result is Ready, Done or Failed. Here the second order was filtered out, and the card of the third was refused.
func ExampleResult() {
	for r := range charged() {
		receipt, ok := r.Value()
		switch {
		case ok:
			fmt.Println("Ready:", receipt.Order)
		case r.Err() != nil:
			fmt.Println("Failed:", r.Err())
		default:
			fmt.Println("Done")
		}
	}
	// Output:
	// Ready: o-1
	// Done
	// Failed: card refused
}

// The second order was filtered out and the card of the third was refused, so only the first has a value.
func ExampleResult_Value() {
	for r := range charged() {
		receipt, ok := r.Value()
		fmt.Printf("%+v %t\n", receipt, ok)
	}
	// Output:
	// {Order:o-1 Cents:4200} true
	// {Order: Cents:0} false
	// {Order: Cents:0} false
}

// The second order was filtered out, which is no error. The card of the third was refused.
func ExampleResult_Err() {
	for r := range charged() {
		fmt.Println(r.Err())
	}
	// Output:
	// <nil>
	// <nil>
	// card refused
}

// The parts that FlatMap makes of a record all belong to that record.
func ExampleResult_Record() {
	source := batch.From(context.Background(), []string{"m-1", "m-2"}, func(id string) batch.Record {
		return batch.Record{ID: id, Group: "ada"}
	})
	parts := batch.FlatMap(source, func(id string) []string { return []string{id + "/a", id + "/b"} })
	for r := range parts {
		part, _ := r.Value()
		record := r.Record()
		fmt.Printf("%s is a part of record %d, %s of group %s\n", part, record.Index, record.ID, record.Group)
	}
	// Output:
	// m-1/a is a part of record 0, m-1 of group ada
	// m-1/b is a part of record 0, m-1 of group ada
	// m-2/a is a part of record 1, m-2 of group ada
	// m-2/b is a part of record 1, m-2 of group ada
}

// A loop outside of the library's stages calls functions with the context of the record.
func ExampleResult_Context() {
	for r := range batch.Of(Receipt{Order: "o-1", Cents: 42_00}) {
		receipt, _ := r.Value()
		record, _ := batch.RecordFrom(r.Context())
		fmt.Println("record", record.ID)
		_ = store(r.Context(), receipt)
	}
	// Output:
	// record 0
	// stored the receipt of o-1
}

// Fail returns a new result. Only the result that goes on to the next stage counts.
func ExampleResult_Fail() {
	for r := range batch.Of(Order{ID: "o-1", Cents: 42_00}) {
		failed := r.Fail(errors.New("the shop is closed"))
		fmt.Println("before:", r.Err())
		fmt.Println("after:", failed.Err())
	}
	// Output:
	// before: <nil>
	// after: the shop is closed
}

// A failure that is acknowledged is settled: its record is not redelivered.
func ExampleResult_Ack() {
	for r := range batch.TryMap(batch.Of(Order{ID: "o-1", Cents: 99_999_99}), charge) {
		acknowledged := r.Ack()
		fmt.Println("before:", r.Err())
		fmt.Println("after:", acknowledged.Err())
	}
	// Output:
	// before: card refused
	// after: <nil>
}
