package batch_test

import (
	"context"
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
