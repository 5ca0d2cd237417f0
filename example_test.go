package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

func Example() {
	event := events.SQSEvent{Records: []events.SQSMessage{
		message("m-1", `{"ID":"o-1","Cents":4200}`),
		message("m-2", `{"ID":"o-2","Cents":0}`),       // not payable, so the filter acknowledges it
		message("m-3", `{"ID":"o-3"`),                  // not valid JSON
		message("m-4", `{"ID":"o-4","Cents":9999999}`), // the card is refused
	}}
	printResponse(batch.Run(batch.SQS(context.Background(), event), process))
	// Output:
	// stored the receipt of o-1
	// {"batchItemFailures":[{"itemIdentifier":"m-3"},{"itemIdentifier":"m-4"}]}
}

// The types and functions below are used by the other examples.

type Order struct {
	ID    string
	Cents int
}

func (o Order) Payable() bool { return o.Cents > 0 }

type Receipt struct {
	Order string
	Cents int
}

var errRefused = errors.New("card refused")

// charge refuses amounts over 1,000 euros (100,000 cents).
func charge(_ context.Context, o Order) (Receipt, error) {
	if o.Cents > 1_000_00 {
		return Receipt{}, errRefused
	}
	return Receipt{Order: o.ID, Cents: o.Cents}, nil
}

func store(_ context.Context, r Receipt) error {
	fmt.Println("stored the receipt of", r.Order)
	return nil
}

func process(messages batch.Stream[events.SQSMessage]) batch.Stream[Receipt] {
	orders := batch.Decode[Order](messages, json.Unmarshal)
	payable := batch.Filter(orders, Order.Payable)
	receipts := batch.TryMap(payable, charge)
	return batch.TryEach(receipts, store)
}

// outOfStock is a stage that fails for the messages with these IDs.
func outOfStock(ids ...string) batch.Stage[events.SQSMessage, events.SQSMessage] {
	return batch.Each(func(_ context.Context, m events.SQSMessage) error {
		if slices.Contains(ids, m.MessageId) {
			return errors.New("out of stock")
		}
		return nil
	})
}

// charged is a stream with one result in each state: Ready, Done and Failed.
func charged() batch.Stream[Receipt] {
	orders := batch.Of(Order{ID: "o-1", Cents: 42_00}, Order{ID: "o-2", Cents: 0}, Order{ID: "o-3", Cents: 99_999_99})
	return batch.TryMap(batch.Filter(orders, Order.Payable), charge)
}

// upper drops noise and writes the rest in capitals.
func upper(records batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
	wanted := batch.Filter(records, func(r events.KinesisFirehoseEventRecord) bool { return string(r.Data) != "noise" })
	return batch.Map(wanted, func(r events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
		return batch.FirehoseRecord{Data: []byte(strings.ToUpper(string(r.Data)))}
	})
}

func message(id, body string) events.SQSMessage {
	return events.SQSMessage{MessageId: id, Body: body}
}

// messageInGroup is a message of a FIFO queue, on its first receive.
func messageInGroup(id, group, body string) events.SQSMessage {
	return events.SQSMessage{
		MessageId:      id,
		Body:           body,
		EventSourceARN: "arn:aws:sqs:eu-central-1:123456789012:orders.fifo",
		Attributes:     map[string]string{"MessageGroupId": group, "ApproximateReceiveCount": "1"},
	}
}

// threeMessages is an event of a FIFO queue: m-1 and m-2 are in one group, m-3 in another.
func threeMessages() events.SQSEvent {
	return events.SQSEvent{Records: []events.SQSMessage{
		messageInGroup("m-1", "ada", ""),
		messageInGroup("m-2", "ada", ""),
		messageInGroup("m-3", "bob", ""),
	}}
}

func kinesisRecord(sequenceNumber, key, data string) events.KinesisEventRecord {
	return events.KinesisEventRecord{Kinesis: events.KinesisRecord{SequenceNumber: sequenceNumber, PartitionKey: key, Data: []byte(data)}}
}

// printResults prints one line per result: its record's ID, its state, and its value or error.
func printResults[T any](s batch.Stream[T]) {
	for r := range s {
		if value, ok := r.Value(); ok {
			fmt.Printf("%s Ready: %+v\n", r.Record().ID, value)
		} else if err := r.Err(); err != nil {
			fmt.Printf("%s Failed: %v\n", r.Record().ID, err)
		} else {
			fmt.Printf("%s Done\n", r.Record().ID)
		}
	}
}

// printResponse prints the JSON that Lambda would receive, or the error.
func printResponse(response batch.Response, err error) {
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	encoded, _ := json.Marshal(response)
	fmt.Println(string(encoded))
}

// invoke calls the handler as Lambda would, and prints the JSON that it returns, or the error.
func invoke(h *batch.Handler, payload string) {
	response, err := h.Invoke(context.Background(), []byte(payload))
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println(string(response))
}

// printFirehose transforms records with this data, and prints the result and the metadata of each.
func printFirehose(stage batch.Stage[events.KinesisFirehoseEventRecord, batch.FirehoseRecord], data ...string) {
	var event events.KinesisFirehoseEvent
	for i, d := range data {
		event.Records = append(event.Records, events.KinesisFirehoseEventRecord{RecordID: fmt.Sprint("r-", i), Data: []byte(d)})
	}
	response, _ := batch.CollectFirehose(stage(batch.Firehose(context.Background(), event)))
	for _, r := range response.Records {
		metadata, _ := json.Marshal(r.Metadata)
		fmt.Println(r.RecordID, r.Result, string(metadata))
	}
}
