package main

// The handlers as one writes them with this library.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	jsonv2 "github.com/go-json-experiment/json"

	"github.com/lambdabatch/batch"
)

// A codec decodes what a record carries.
type codec func([]byte, any) error

var (
	v1 codec = json.Unmarshal
	v2 codec = func(data []byte, v any) error { return jsonv2.Unmarshal(data, v) }
)

var errRefused = errors.New("refused")

// accept is the work on one order: next to none, so that what is measured is the
// way to it.
func accept(_ context.Context, o order) error {
	if o.Total < 0 {
		return fmt.Errorf("order %s: %w", o.ID, errRefused)
	}
	return nil
}

func decoding[P batch.Payload](unmarshal codec) func(batch.Stream[P]) batch.Stream[order] {
	return func(records batch.Stream[P]) batch.Stream[order] {
		return batch.TryEach(batch.Decode[order](records, unmarshal), accept)
	}
}

func librarySQS(unmarshal codec) lambda.Handler {
	return batch.SQSHandler(decoding[events.SQSMessage](unmarshal))
}

// The others go on after a failure, so the library does here, too.

func libraryKinesis(unmarshal codec) lambda.Handler {
	return batch.KinesisHandler(decoding[events.KinesisEventRecord](unmarshal), batch.WithPolicy(batch.Continue))
}

func libraryDynamoDB() lambda.Handler {
	process := func(records batch.Stream[events.DynamoDBEventRecord]) batch.Stream[order] {
		return batch.TryEach(batch.TryMap(records, imaged), accept)
	}
	return batch.DynamoDBHandler(process, batch.WithPolicy(batch.Continue))
}

func imaged(_ context.Context, record events.DynamoDBEventRecord) (order, error) {
	return orderIn(record.Change.NewImage)
}

// orderIn reads an order from the attributes of an item.
func orderIn(image map[string]events.DynamoDBAttributeValue) (o order, err error) {
	o.ID, o.Customer = image["id"].String(), image["customer"].String()
	if o.Total, err = image["total"].Integer(); err != nil {
		return order{}, err
	}
	for _, item := range image["lines"].List() {
		attributes := item.Map()
		quantity, err := attributes["quantity"].Integer()
		if err != nil {
			return order{}, err
		}
		o.Lines = append(o.Lines, line{SKU: attributes["sku"].String(), Quantity: quantity})
	}
	return o, nil
}
