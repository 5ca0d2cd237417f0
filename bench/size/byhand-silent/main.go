// Byhand-silent is a Lambda function written without the library that logs nothing.
package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdabatch/batch/bench/size/orders"
)

func handle(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	var response events.SQSEventResponse
	for _, message := range event.Records {
		if err := process(ctx, message); err != nil {
			response.BatchItemFailures = append(response.BatchItemFailures,
				events.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
		}
	}
	return response, nil
}

func process(ctx context.Context, message events.SQSMessage) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	var order orders.Order
	if err := json.Unmarshal([]byte(message.Body), &order); err != nil {
		return err
	}
	return orders.Accept(ctx, order)
}

func main() { lambda.Start(handle) }
