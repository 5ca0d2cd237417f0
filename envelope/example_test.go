package envelope_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/envelope"
)

type order struct {
	ID    string
	Total int
}

func ExampleSNS() {
	messages := batch.Of(message(notification(`{"id":"o-1","total":12}`)))

	notifications := batch.TryMap(messages, envelope.SNS)
	published := batch.Map(notifications, func(n events.SNSEntity) string { return n.Message })
	for r := range batch.Decode[order](published, json.Unmarshal) {
		fmt.Println(r.Value())
	}
	// Output:
	// {o-1 12} true
}

func ExampleEventBridge() {
	messages := batch.Of(message(orderPlaced), message(`{"id":"o-2","total":7}`))

	placed := batch.TryMap(messages, envelope.EventBridge)
	details := batch.Map(placed, func(e events.EventBridgeEvent) json.RawMessage { return e.Detail })
	for r := range batch.Decode[order](details, json.Unmarshal) {
		o, ok := r.Value()
		fmt.Println(o, ok, r.Err())
	}
	// Output:
	// {o-1 12} true <nil>
	// { 0} false body: a JSON object with "id", "total", not an EventBridge event
}

// The message is acknowledged only if all of its objects are processed. The test event has none.
func ExampleS3() {
	messages := batch.Of(message(s3Test), message(`{"Records":[
		{"s3":{"bucket":{"name":"photos"},"object":{"key":"red+square.jpg"}}},
		{"s3":{"bucket":{"name":"photos"},"object":{"key":"blue.jpg"}}}]}`))

	for r := range batch.TryFlatMap(messages, envelope.S3) {
		if object, ok := r.Value(); ok {
			fmt.Println(object.S3.Bucket.Name, object.S3.Object.URLDecodedKey)
		}
	}
	// Output:
	// photos red square.jpg
	// photos blue.jpg
}

// S3 publishes to a topic, and the queue subscribes to it.
func ExampleS3_throughSNS() {
	const uploaded = `{"Records":[{"s3":{"bucket":{"name":"photos"},"object":{"key":"blue.jpg"}}}]}`
	messages := batch.Of(message(notification(uploaded)))

	notifications := batch.TryMap(messages, envelope.SNS)
	for r := range batch.TryFlatMap(notifications, envelope.S3) {
		object, _ := r.Value()
		fmt.Println(object.S3.Object.Key)
	}
	// Output:
	// blue.jpg
}

func ExampleCloudWatchLogs() {
	records := batch.Of(kinesis(gzipped(logs)))

	written := batch.TryMap(records, envelope.CloudWatchLogs)
	written = batch.Filter(written, func(d events.CloudwatchLogsData) bool {
		return d.MessageType != "CONTROL_MESSAGE"
	})
	lines := batch.FlatMap(written, func(d events.CloudwatchLogsData) []events.CloudwatchLogsLogEvent {
		return d.LogEvents
	})
	for r := range lines {
		line, _ := r.Value()
		fmt.Println(line.Message)
	}
	// Output:
	// hello
}

// A message that is not an order is put aside. It would fail at each delivery.
func ExampleContentError() {
	messages := batch.Of(message("ping"))

	placed := batch.TryMap(messages, envelope.EventBridge)
	placed = batch.Catch(placed, func(_ context.Context, err error) error {
		other, ok := errors.AsType[*envelope.ContentError](err)
		if !ok {
			return err
		}
		fmt.Println("put aside:", other.Got)
		return nil
	})
	fmt.Println(batch.Collect(placed))
	// Output:
	// put aside: data that is not JSON
	// {[]} <nil>
}
