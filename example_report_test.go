package batch_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lambdabatch/batch"
)

// Failed counts only the records that failed themselves. To see how many records are redelivered, use Reported.
func ExampleReport_Reported() {
	describe := func(id string) batch.Record { return batch.Record{ID: id, Group: "ada"} }
	report := func(_ context.Context, r batch.Report) {
		fmt.Printf("%d of %d are redelivered: %d failed, %d blocked\n", r.Reported(), r.Records, r.Failed, r.Blocked)
	}
	source := batch.From(context.Background(), []string{"m-1", "m-2", "m-3", "m-4"}, describe,
		batch.WithPolicy(batch.StopGroup), batch.WithReport(report))
	_, _ = batch.Run(source, batch.Each(func(_ context.Context, id string) error {
		if id == "m-2" {
			return errors.New("out of stock")
		}
		return nil
	}))
	// Output: 3 of 4 are redelivered: 1 failed, 2 blocked
}

// m-2 does not heed its context and never returns. The report tells it apart from m-3, which waited for it.
func ExampleReport_running() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	describe := func(id string) batch.Record { return batch.Record{ID: id} }
	reported := make(chan struct{})
	report := func(_ context.Context, r batch.Report) {
		defer close(reported)
		for _, f := range r.Failures {
			fmt.Printf("%s is still running: %t\n", f.Record.ID, errors.Is(f.Err, batch.ErrRunning))
		}
	}
	source := batch.From(ctx, []string{"m-1", "m-2", "m-3"}, describe, batch.WithReport(report))
	never := make(chan struct{})
	_, _ = batch.Run(source, batch.Each(func(_ context.Context, id string) error {
		if id == "m-2" {
			cancel() // as if the time were over
			<-never
		}
		return nil
	}))
	<-reported // Run does not wait for a slow report function
	// Output:
	// m-2 is still running: true
	// m-3 is still running: false
}

// Monitoring counts the outcomes of records, and how long each took from the first function to the last.
func ExampleOutcome() {
	opened := func(ctx context.Context, r batch.Record) (context.Context, func(batch.Outcome)) {
		start := time.Now()
		return ctx, func(o batch.Outcome) {
			took := o.Finished.Sub(start)
			fmt.Printf("%s: error %v, took less than a minute: %t\n", r.ID, o.Err, took < time.Minute)
		}
	}
	orders := batch.From(context.Background(), []Order{{ID: "o-1", Cents: 42_00}, {ID: "o-2", Cents: 99_999_99}},
		func(o Order) batch.Record { return batch.Record{ID: o.ID} }, batch.WithScope(opened))
	printResponse(batch.Collect(batch.TryMap(orders, charge)))
	// Output:
	// o-1: error <nil>, took less than a minute: true
	// o-2: error card refused, took less than a minute: true
	// {"batchItemFailures":[{"itemIdentifier":"o-2"}]}
}
