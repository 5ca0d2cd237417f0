package batch_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lambdabatch/batch"
)

func ExampleReport_Reported() {
	source := batch.From(context.Background(), []string{"a", "b", "c", "d"}, func(id string) batch.Record {
		return batch.Record{ID: id, Group: "g"}
	}, batch.WithPolicy(batch.StopGroup), batch.WithReport(func(_ context.Context, r batch.Report) {
		fmt.Printf("%d of %d are redelivered: %d failed, %d blocked\n", r.Reported(), r.Records, r.Failed, r.Blocked)
	}))
	_, _ = batch.Run(source, batch.Each(func(_ context.Context, id string) error {
		if id == "b" {
			return errors.New("out of stock")
		}
		return nil
	}))
	// Output: 3 of 4 are redelivered: 1 failed, 2 blocked
}

// A record whose function does not return is told apart from those that waited.
func ExampleReport_running() {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	never := make(chan struct{})
	source := batch.From(ctx, []string{"a", "b", "c"}, func(id string) batch.Record {
		return batch.Record{ID: id}
	}, batch.WithReport(func(_ context.Context, r batch.Report) {
		for _, f := range r.Failures {
			fmt.Println(f.Record.ID, errors.Is(f.Err, batch.ErrRunning), errors.Is(f.Err, batch.ErrUnreached))
		}
	}))
	_, _ = batch.Run(source, batch.Each(func(_ context.Context, id string) error {
		if id == "b" {
			<-never // it does not heed its context
		}
		return nil
	}))
	// Output:
	// b true true
	// c false true
}
