package deadletter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/examples/deadletter"
)

type Order struct {
	ID    string
	Total int
}

func charge(_ context.Context, o Order) error {
	switch {
	case o.Total < 0:
		return fmt.Errorf("order %s: negative total: %w", o.ID, deadletter.ErrRejected)
	case o.Total > 100:
		return errors.New("throttled")
	}
	return nil
}

// Of three messages that fail, the one that was only throttled is redelivered.
func Example() {
	deadLetters := deadletter.Queue(func(_ context.Context, l deadletter.Letter) error {
		fmt.Println(l.ID, l.Body, l.Reason)
		return nil
	})
	process := func(messages batch.Stream[events.SQSMessage]) batch.Stream[Order] {
		orders := batch.Decode[Order](messages, json.Unmarshal)
		charged := batch.TryEach(orders, charge)
		return batch.Catch(charged, deadLetters.Divert)
	}

	response, err := batch.Run(batch.SQS(context.Background(), events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "m-1", Body: `{"ID":"o-1","Total":12}`},
		{MessageId: "m-2", Body: `{"ID":"o-2"`},
		{MessageId: "m-3", Body: `{"ID":"o-3","Total":-5}`},
		{MessageId: "m-4", Body: `{"ID":"o-4","Total":500}`},
	}}), process)
	fmt.Println(response.BatchItemFailures[0].ItemIdentifier, "is redelivered", err)
	// Output:
	// m-2 {"ID":"o-2" "body: unexpected end of JSON input"
	// m-3 {"ID":"o-3","Total":-5} "order o-3: negative total: rejected"
	// m-4 is redelivered <nil>
}

func ExampleQueue_Divert() {
	deadLetters := deadletter.Queue(func(_ context.Context, l deadletter.Letter) error {
		fmt.Println("dead letter:", l.Reason)
		return nil
	})
	orders := batch.TryEach(batch.Of(Order{ID: "o-3", Total: -5}), charge)
	fmt.Println(batch.Collect(batch.Catch(orders, deadLetters.Divert)))
	// Output:
	// dead letter: "order o-3: negative total: rejected"
	// {[]} <nil>
}

func ExamplePermanent() {
	fmt.Println(deadletter.Permanent(charge(context.Background(), Order{Total: -5})))
	fmt.Println(deadletter.Permanent(charge(context.Background(), Order{Total: 500})))
	// Output:
	// true
	// false
}
