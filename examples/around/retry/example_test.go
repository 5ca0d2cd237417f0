package retry_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/cenkalti/backoff/v7"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/examples/around/retry"
)

type Order struct {
	ID    string
	Total int
}

var (
	errThrottled = errors.New("throttled")
	errDeclined  = errors.New("declined")
)

// The first order is throttled twice and then charged. The second is declined, which retrying cannot
// change, so it is tried once.
func Example() {
	calls := map[string]int{}
	charge := func(_ context.Context, o Order) (string, error) {
		calls[o.ID]++
		switch {
		case o.Total > 1000:
			return "", backoff.Permanent(errDeclined)
		case calls[o.ID] < 3:
			return "", errThrottled
		}
		return "receipt of " + o.ID, nil
	}

	orders := batch.Of(Order{ID: "o-1", Total: 12}, Order{ID: "o-2", Total: 5000})
	for r := range batch.TryMap(orders, retry.Map(charge)) {
		receipt, _ := r.Value()
		fmt.Printf("%q, declined: %v\n", receipt, errors.Is(r.Err(), errDeclined))
	}
	fmt.Println(calls)
	// Output:
	// "receipt of o-1", declined: false
	// "", declined: true
	// map[o-1:3 o-2:1]
}

func ExampleMap() {
	attempts := 0
	ping := retry.Map(func(_ context.Context, host string) (string, error) {
		if attempts++; attempts == 1 {
			return "", errThrottled
		}
		return host + " answers", nil
	})

	fmt.Println(ping(context.Background(), "shop"))
	// Output:
	// shop answers <nil>
}

func ExampleEach() {
	attempts := 0
	ping := retry.Each(func(_ context.Context, host string) error {
		if attempts++; attempts == 1 {
			return errThrottled
		}
		fmt.Println(host, "answers")
		return nil
	})

	fmt.Println(ping(context.Background(), "shop"))
	// Output:
	// shop answers
	// <nil>
}
