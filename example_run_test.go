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

// A handler function for lambda.Start, with the signature that package events suggests.
func ExampleRun() {
	handler := func(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
		return batch.Run(batch.SQS(ctx, event), process)
	}
	printResponse(handler(context.Background(), events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", `{"ID":"o-1","Cents":4200}`),
		message("m-2", `{"ID":"o-2","Cents":9999999}`),
	}}))
	// Output:
	// stored the receipt of o-1
	// {"batchItemFailures":[{"itemIdentifier":"m-2"}]}
}

// The slow message uses up the time. Run still responds before the deadline, and reports that message and
// the one that was not started.
func ExampleRun_deadline() {
	handler := func(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
		messages := batch.SQS(ctx, event, batch.WithReserve(100*time.Millisecond))
		return batch.Run(messages, batch.Each(func(ctx context.Context, m events.SQSMessage) error {
			if m.Body == "slow" {
				<-ctx.Done() // as any call that heeds its context would
				return ctx.Err()
			}
			return nil
		}))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	printResponse(handler(ctx, events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", "quick"), message("m-2", "slow"), message("m-3", "quick"),
	}}))
	// Output: {"batchItemFailures":[{"itemIdentifier":"m-2"},{"itemIdentifier":"m-3"}]}
}

func ExampleCollect() {
	amounts := batch.TryMap(batch.Of("1250", "two", "700"), func(_ context.Context, text string) (int, error) {
		return strconv.Atoi(text)
	})
	printResponse(batch.Collect(amounts))
	// Output: {"batchItemFailures":[{"itemIdentifier":"1"}]}
}

func ExamplePartition() {
	amounts := batch.TryMap(batch.Of("1250", "two", "700"), func(_ context.Context, text string) (int, error) {
		return strconv.Atoi(text)
	})
	values, failures := batch.Partition(amounts)
	fmt.Println("values:", values)
	for _, f := range failures {
		fmt.Printf("record %s: %v\n", f.Record.ID, f.Err)
	}
	// Output:
	// values: [1250 700]
	// record 1: strconv.Atoi: parsing "two": invalid syntax
}

// The list is never null, and the identifier of a Kafka record is an object, as the service demands.
func ExampleResponse_MarshalJSON() {
	records := events.KafkaEvent{Records: map[string][]events.KafkaRecord{
		"orders-0": {{Offset: 15}, {Offset: 16}},
	}}
	response, _ := batch.Run(batch.Kafka(context.Background(), records), batch.Each(func(_ context.Context, r events.KafkaRecord) error {
		if r.Offset == 16 {
			return errors.New("out of stock")
		}
		return nil
	}))
	for _, r := range []batch.Response{{}, response} {
		encoded, _ := json.Marshal(r)
		fmt.Println(string(encoded))
	}
	// Output:
	// {"batchItemFailures":[]}
	// {"batchItemFailures":[{"itemIdentifier":{"partition":"orders-0","offset":16}}]}
}

// In memory, ItemIdentifier is the ID of the record. Its JSON is what the service expects.
func ExampleItemFailure() {
	records := events.KafkaEvent{Records: map[string][]events.KafkaRecord{"orders-0": {{Offset: 15}}}}
	source := batch.Kafka(context.Background(), records, batch.WithoutAllFailedError())
	response, _ := batch.Run(source, batch.Each(func(context.Context, events.KafkaRecord) error {
		return errors.New("out of stock")
	}))
	failure := response.BatchItemFailures[0]
	encoded, _ := json.Marshal(failure)
	fmt.Println(failure.ItemIdentifier)
	fmt.Println(string(encoded))
	// Output:
	// orders-0/15
	// {"itemIdentifier":{"partition":"orders-0","offset":15}}
}
