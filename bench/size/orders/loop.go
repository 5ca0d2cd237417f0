package orders

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
)

// Loop accepts the orders of an event without the library.
func Loop(ctx context.Context, event events.SQSEvent, log func(ctx context.Context, id string, err error)) events.SQSEventResponse {
	var response events.SQSEventResponse
	for _, message := range event.Records {
		if err := process(ctx, message); err != nil {
			log(ctx, message.MessageId, err)
			response.BatchItemFailures = append(response.BatchItemFailures,
				events.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
		}
	}
	return response
}

func process(ctx context.Context, message events.SQSMessage) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	var order Order
	if err := json.Unmarshal([]byte(message.Body), &order); err != nil {
		return err
	}
	return Accept(ctx, order)
}
