package kpl_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/kpl"
)

type Order struct{ ID string }

func process(records batch.Stream[events.KinesisEventRecord]) batch.Stream[Order] {
	users := batch.TryFlatMap(records, kpl.Deaggregate)
	orders := batch.Decode[Order](users, json.Unmarshal)
	return batch.TryEach(orders, store)
}

func store(_ context.Context, o Order) error {
	fmt.Println("stored", o.ID)
	if o.ID == "o-3" {
		return errors.New("no room")
	}
	return nil
}

// kinesis returns an event with two records: a plain order, and an aggregate of two orders.
func kinesis() events.KinesisEvent {
	return event(
		[]byte(`{"ID":"o-1"}`),
		aggregate(
			kpl.UserRecord{PartitionKey: "ada", Data: []byte(`{"ID":"o-2"}`)},
			kpl.UserRecord{PartitionKey: "alan", Data: []byte(`{"ID":"o-3"}`)},
		),
	)
}

// One of the aggregate's user records fails. So the aggregate is reported, and both are redelivered.
func ExampleDeaggregate() {
	response, err := batch.Run(batch.Kinesis(context.Background(), kinesis()), process)
	for _, f := range response.BatchItemFailures {
		fmt.Println("reported", f.ItemIdentifier)
	}
	fmt.Println(err)
	// Output:
	// stored o-1
	// stored o-2
	// stored o-3
	// reported 102
	// <nil>
}

// Only UserRecords returns the explicit hash keys.
func ExampleUserRecords() {
	data, _ := hex.DecodeString("f3899ac2" + "0a03616461" + "12023432" + "1a0908001000" + "1a036f6e65" +
		"a95452bb870531dda83b86e4b64041bd")
	records, aggregated, err := kpl.UserRecords(data)
	for _, r := range records {
		fmt.Println(r.PartitionKey, r.ExplicitHashKey, string(r.Data))
	}
	fmt.Println(aggregated, err)
	// Output:
	// ada 42 one
	// true <nil>
}

// Firehose accepts one result per record, so the results of its user records are joined.
func ExampleUserRecords_firehose() {
	transform := func(_ context.Context, r events.KinesisFirehoseEventRecord) (batch.FirehoseRecord, error) {
		users, _, err := kpl.UserRecords(r.Data)
		if err != nil {
			return batch.FirehoseRecord{}, &batch.DecodeError{ID: r.RecordID, Field: "data", Err: err}
		}
		var lines bytes.Buffer
		for _, u := range users {
			lines.Write(bytes.ToUpper(u.Data))
			lines.WriteByte('\n')
		}
		return batch.FirehoseRecord{Data: lines.Bytes()}, nil
	}
	e := events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{
		{RecordID: "r-1", Data: aggregate(kpl.UserRecord{Data: []byte("one")}, kpl.UserRecord{Data: []byte("two")})},
		{RecordID: "r-2", Data: []byte("plain")},
	}}
	response, err := batch.CollectFirehose(batch.TryMap(batch.Firehose(context.Background(), e), transform))
	for _, r := range response.Records {
		fmt.Printf("%s %s %q\n", r.RecordID, r.Result, r.Data)
	}
	fmt.Println(err)
	// Output:
	// r-1 Ok "ONE\nTWO\n"
	// r-2 Ok "PLAIN\n"
	// <nil>
}

// A broken aggregate is poison, like any record that does not decode. Retrying it cannot help.
func ExampleAggregateError() {
	e := kinesis()
	e.Records[1].Kinesis.Data[8]++
	users := batch.TryFlatMap(batch.Kinesis(context.Background(), e), kpl.Deaggregate)
	users = batch.Catch(users, func(ctx context.Context, err error) error {
		if _, ok := errors.AsType[*kpl.AggregateError](err); ok {
			r, _ := batch.RecordFrom(ctx)
			fmt.Println("put aside:", r.ID, err)
			return nil // acknowledged
		}
		return err
	})
	fmt.Println(batch.Collect(users))
	// Output:
	// put aside: 102 kinesis.data: KPL aggregate: the checksum does not match
	// {[]} <nil>
}
