// Byhand is a Lambda function written by hand, without the library.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdabatch/batch/bench/size/orders"
)

func handle(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	return orders.Loop(ctx, event, logFailure), nil
}

func logFailure(ctx context.Context, id string, err error) {
	slog.LogAttrs(ctx, slog.LevelError, "record failed", slog.String("record", id), slog.String("error", err.Error()))
}

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	lambda.Start(handle)
}
