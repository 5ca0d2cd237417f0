package batch_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

func ExampleFirehose() {
	event := events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{
		{RecordID: "r-1", Data: []byte("paid")},
		{RecordID: "r-2", Data: []byte("shipped")},
	}}
	printResults(batch.Map(batch.Firehose(context.Background(), event), func(r events.KinesisFirehoseEventRecord) string {
		return string(r.Data)
	}))
	// Output:
	// r-1 Ready: paid
	// r-2 Ready: shipped
}

// The stage drops noise and writes the rest in capitals.
func ExampleCollectFirehose() {
	event := events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{
		{RecordID: "r-1", Data: []byte("paid")},
		{RecordID: "r-2", Data: []byte("noise")},
	}}
	response, err := batch.CollectFirehose(upper(batch.Firehose(context.Background(), event)))
	for _, r := range response.Records {
		fmt.Printf("%s %s %q\n", r.RecordID, r.Result, r.Data)
	}
	fmt.Println("error:", err)
	// Output:
	// r-1 Ok "PAID"
	// r-2 Dropped ""
	// error: <nil>
}

// The stage drops noise and writes the rest in capitals. Data is base64 on the wire.
func ExampleFirehoseHandler() {
	// In a function: lambda.Start(batch.FirehoseHandler(upper))
	invoke(batch.FirehoseHandler(upper), `{"invocationId":"i-1","deliveryStreamArn":"arn:aws:firehose:eu-central-1:123456789012:deliverystream/orders",
		"records":[{"recordId":"r-1","data":"cGFpZA=="},{"recordId":"r-2","data":"bm9pc2U="}]}`)
	// Output: {"records":[{"recordId":"r-1","result":"Ok","data":"UEFJRA=="},{"recordId":"r-2","result":"Dropped","data":""}]}
}

// The partition key decides under which prefix of the bucket Firehose stores the record.
func ExampleFirehoseRecord() {
	byCustomer := func(records batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		return batch.TryMap(records, func(_ context.Context, r events.KinesisFirehoseEventRecord) (batch.FirehoseRecord, error) {
			var order struct{ Customer string }
			err := json.Unmarshal(r.Data, &order)
			return batch.FirehoseRecord{Data: r.Data, PartitionKeys: map[string]string{"customer": order.Customer}}, err
		})
	}
	printFirehose(byCustomer, `{"customer":"ada"}`, "not JSON")
	// Output:
	// r-0 Ok {"partitionKeys":{"customer":"ada"}}
	// r-1 ProcessingFailed null
}

// Each event is stored in the table of its kind. An event about a customer who left deletes a row.
func ExampleFirehoseTable() {
	toTables := func(records batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		return batch.TryMap(records, func(_ context.Context, r events.KinesisFirehoseEventRecord) (batch.FirehoseRecord, error) {
			var event struct {
				Kind string
				Left bool
			}
			err := json.Unmarshal(r.Data, &event)
			table := &batch.FirehoseTable{Database: "shop", Name: event.Kind}
			if event.Left {
				table.Operation = events.KinesisFirehoseOTFOperationDelete
			}
			return batch.FirehoseRecord{Data: r.Data, Table: table}, err
		})
	}
	printFirehose(toTables, `{"kind":"orders"}`, `{"kind":"customers","left":true}`)
	// Output:
	// r-0 Ok {"otfMetadata":{"destinationDatabaseName":"shop","destinationTableName":"orders"}}
	// r-1 Ok {"otfMetadata":{"destinationDatabaseName":"shop","destinationTableName":"customers","operation":"delete"}}
}

// Firehose demands data, so missing data is an empty string.
func ExampleFirehoseResult_MarshalJSON() {
	encoded, _ := json.Marshal(batch.FirehoseResult{RecordID: "r-1", Result: "Dropped"})
	fmt.Println(string(encoded))
	// Output: {"recordId":"r-1","result":"Dropped","data":""}
}
