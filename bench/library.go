package main

// The handlers, written with the library.

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

// A codec decodes the content of a record.
type codec func([]byte, any) error

var (
	encodingJSON codec = json.Unmarshal
	jsonV2       codec = func(data []byte, v any) error { return jsonv2.Unmarshal(data, v) }
)

var errRefused = errors.New("refused")

// accept does almost no work on an order, so that the figures measure the work around it.
func accept(_ context.Context, o order) error {
	if o.Total < 0 {
		return fmt.Errorf("order %s: %w", o.ID, errRefused)
	}
	return nil
}

func decodeAndAccept[P batch.Payload](unmarshal codec) func(batch.Stream[P]) batch.Stream[order] {
	return func(records batch.Stream[P]) batch.Stream[order] {
		return batch.TryEach(batch.Decode[order](records, unmarshal), accept)
	}
}

func librarySQS(unmarshal codec) lambda.Handler {
	return batch.SQSHandler(decodeAndAccept[events.SQSMessage](unmarshal))
}

// The other handlers go on after a failure, so these do too.

func libraryKinesis(unmarshal codec) lambda.Handler {
	return batch.KinesisHandler(decodeAndAccept[events.KinesisEventRecord](unmarshal), batch.WithPolicy(batch.Continue))
}

func libraryDynamoDB() lambda.Handler {
	process := func(records batch.Stream[events.DynamoDBEventRecord]) batch.Stream[order] {
		return batch.TryEach(batch.TryMap(records, orderFromRecord), accept)
	}
	return batch.DynamoDBHandler(process, batch.WithPolicy(batch.Continue))
}

func orderFromRecord(_ context.Context, record events.DynamoDBEventRecord) (order, error) {
	return orderFromImage(record.Change.NewImage)
}

// orderFromImage reads an order from an item's attributes.
func orderFromImage(image map[string]events.DynamoDBAttributeValue) (o order, err error) {
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
