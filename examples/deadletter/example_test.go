package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
)

// Of three messages that fail, the one that was only throttled is redelivered.
func Example() {
	deadLetters := Queue(func(_ context.Context, l Letter) error {
		fmt.Println(l.ID, l.Body, l.Reason)
		return nil
	})
	response, err := batch.Run(batch.SQS(context.Background(), events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "m-1", Body: `{"ID":"o-1","Total":12}`},
		{MessageId: "m-2", Body: `{"ID":"o-2"`},
		{MessageId: "m-3", Body: `{"ID":"o-3","Total":-5}`},
		{MessageId: "m-4", Body: `{"ID":"o-4","Total":500}`},
	}}), process(deadLetters))
	fmt.Println(response.BatchItemFailures[0].ItemIdentifier, "is redelivered", err)
	// Output:
	// m-2 {"ID":"o-2" "body: unexpected end of JSON input"
	// m-3 {"ID":"o-3","Total":-5} "order o-3: negative total: rejected"
	// m-4 is redelivered <nil>
}

func ExampleQueue_Divert() {
	deadLetters := Queue(func(_ context.Context, l Letter) error {
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
	fmt.Println(Permanent(charge(context.Background(), Order{Total: -5})))
	fmt.Println(Permanent(charge(context.Background(), Order{Total: 500})))
	// Output:
	// true
	// false
}
