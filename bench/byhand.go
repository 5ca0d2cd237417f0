package main

// The handlers, written by hand with aws-lambda-go: a loop that recovers from panics,
// logs failures and reports them.

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func byHandSQS() lambda.Handler {
	return lambda.NewHandler(func(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
		response := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for i := range event.Records {
			message := &event.Records[i]
			err := recoverPanics(func() error { return acceptJSON(ctx, []byte(message.Body)) })
			if err != nil {
				logFailure(ctx, message.MessageId, err)
				response.BatchItemFailures = append(response.BatchItemFailures,
					events.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
			}
		}
		return response, nil
	})
}

func byHandKinesis() lambda.Handler {
	return lambda.NewHandler(func(ctx context.Context, event events.KinesisEvent) (events.KinesisEventResponse, error) {
		response := events.KinesisEventResponse{BatchItemFailures: []events.KinesisBatchItemFailure{}}
		for i := range event.Records {
			record := &event.Records[i].Kinesis
			err := recoverPanics(func() error { return acceptJSON(ctx, record.Data) })
			if err != nil {
				logFailure(ctx, record.SequenceNumber, err)
				response.BatchItemFailures = append(response.BatchItemFailures,
					events.KinesisBatchItemFailure{ItemIdentifier: record.SequenceNumber})
			}
		}
		return response, nil
	})
}

func byHandDynamoDB() lambda.Handler {
	return lambda.NewHandler(func(ctx context.Context, event events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
		response := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
		for i := range event.Records {
			change := &event.Records[i].Change
			err := recoverPanics(func() error { return acceptImage(ctx, change.NewImage) })
			if err != nil {
				logFailure(ctx, change.SequenceNumber, err)
				response.BatchItemFailures = append(response.BatchItemFailures,
					events.DynamoDBBatchItemFailure{ItemIdentifier: change.SequenceNumber})
			}
		}
		return response, nil
	})
}

func acceptJSON(ctx context.Context, data []byte) error {
	var o order
	if err := json.Unmarshal(data, &o); err != nil {
		return err
	}
	return accept(ctx, o)
}

func acceptImage(ctx context.Context, image map[string]events.DynamoDBAttributeValue) error {
	o, err := orderFromImage(image)
	if err != nil {
		return err
	}
	return accept(ctx, o)
}

func recoverPanics(work func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return work()
}

func logFailure(ctx context.Context, id string, err error) {
	slog.LogAttrs(ctx, slog.LevelError, "record failed", slog.String("record", id), slog.String("error", err.Error()))
}
