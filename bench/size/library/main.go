// Library is a Lambda function written with the library.
package main

import (
	"encoding/json"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/bench/size/orders"
)

func process(messages batch.Stream[events.SQSMessage]) batch.Stream[orders.Order] {
	return batch.TryEach(batch.Decode[orders.Order](messages, json.Unmarshal), orders.Accept)
}

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	lambda.Start(batch.SQSHandler(process))
}
