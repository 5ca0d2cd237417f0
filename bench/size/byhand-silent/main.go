// Byhand-silent is a Lambda function written by hand, without the library. It logs nothing.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdabatch/batch/bench/size/orders"
)

func handle(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	return orders.Loop(ctx, event, func(context.Context, string, error) {}), nil
}

func main() { lambda.Start(handle) }
