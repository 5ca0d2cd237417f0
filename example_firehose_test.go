package batch_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

func upper(records batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
	wanted := batch.Filter(records, func(r events.KinesisFirehoseEventRecord) bool { return string(r.Data) != "noise" })
	return batch.Map(wanted, func(r events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
		return batch.FirehoseRecord{Data: []byte(strings.ToUpper(string(r.Data)))}
	})
}

func ExampleFirehose() {
	event := events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{
		{RecordID: "r-1", Data: []byte("signal")}, {RecordID: "r-2", Data: []byte("noise")},
	}}
	for r := range upper(batch.Firehose(context.Background(), event)) {
		value, ok := r.Value()
		fmt.Println(r.Record().ID, string(value.Data), ok)
	}
	// Output:
	// r-1 SIGNAL true
	// r-2  false
}

func ExampleCollectFirehose() {
	event := events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{
		{RecordID: "r-1", Data: []byte("signal")}, {RecordID: "r-2", Data: []byte("noise")},
	}}
	response, err := batch.CollectFirehose(upper(batch.Firehose(context.Background(), event)))
	for _, r := range response.Records {
		fmt.Printf("%s %s %q\n", r.RecordID, r.Result, r.Data)
	}
	fmt.Println(err)
	// Output:
	// r-1 Ok "SIGNAL"
	// r-2 Dropped ""
	// <nil>
}

func ExampleFirehoseHandler() {
	invoke(batch.FirehoseHandler(upper), `{"invocationId":"i","deliveryStreamArn":"arn","records":[
		{"recordId":"r-1","data":"c2lnbmFs"},
		{"recordId":"r-2","data":"bm9pc2U="}]}`)
	// Output: {"records":[{"recordId":"r-1","result":"Ok","data":"U0lHTkFM"},{"recordId":"r-2","result":"Dropped","data":""}]}
}

// Each event goes to the table of its kind, and those of customers who left are deleted from it.
func ExampleFirehoseTable() {
	type event struct {
		Kind string
		Left bool
	}
	route := func(records batch.Stream[events.KinesisFirehoseEventRecord]) batch.Stream[batch.FirehoseRecord] {
		return batch.TryMap(records, func(_ context.Context, r events.KinesisFirehoseEventRecord) (batch.FirehoseRecord, error) {
			var e event
			err := json.Unmarshal(r.Data, &e)
			table := &batch.FirehoseTable{Database: "shop", Name: e.Kind}
			if e.Left {
				table.Operation = events.KinesisFirehoseOTFOperationDelete
			}
			return batch.FirehoseRecord{Data: r.Data, Table: table}, err
		})
	}
	source := batch.Firehose(context.Background(), events.KinesisFirehoseEvent{Records: []events.KinesisFirehoseEventRecord{
		{RecordID: "r-1", Data: []byte(`{"kind":"orders"}`)}, {RecordID: "r-2", Data: []byte(`{"kind":"customers","left":true}`)},
	}})
	response, err := batch.CollectFirehose(route(source))
	for _, r := range response.Records {
		metadata, _ := json.Marshal(r.Metadata)
		fmt.Println(r.RecordID, string(metadata))
	}
	fmt.Println(err)
	// Output:
	// r-1 {"otfMetadata":{"destinationDatabaseName":"shop","destinationTableName":"orders"}}
	// r-2 {"otfMetadata":{"destinationDatabaseName":"shop","destinationTableName":"customers","operation":"delete"}}
	// <nil>
}
