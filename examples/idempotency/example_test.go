package idempotency_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/examples/idempotency"
)

type Order struct {
	ID    string
	Total int
}

// The shop has sent order o-1 twice, as two messages. It is charged once. The
// charge of o-2 fails, so its key is free when the message is redelivered.
func ExampleOnce() {
	working := false
	charge := func(_ context.Context, o Order) error {
		if o.ID == "o-2" && !working {
			return errors.New("throttled")
		}
		fmt.Println("charged", o.ID)
		return nil
	}
	once := idempotency.Once(newTable().claims(), func(o Order) string { return o.ID }, batch.Each(charge))
	process := func(messages batch.Stream[events.SQSMessage]) batch.Stream[Order] {
		return once(batch.Decode[Order](messages, json.Unmarshal))
	}

	first := events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "m-1", Body: `{"ID":"o-1","Total":12}`},
		{MessageId: "m-2", Body: `{"ID":"o-2","Total":30}`},
		{MessageId: "m-3", Body: `{"ID":"o-1","Total":12}`},
	}}
	response, err := batch.Run(batch.SQS(context.Background(), first), process)
	fmt.Println(response.BatchItemFailures[0].ItemIdentifier, "is redelivered", err)

	working = true
	again := events.SQSEvent{Records: first.Records[1:2]}
	fmt.Println(batch.Run(batch.SQS(context.Background(), again), process))
	// Output:
	// charged o-1
	// m-2 is redelivered <nil>
	// charged o-2
	// {[]} <nil>
}
