// Library-v2 is a Lambda function written with the library and json/v2.
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/go-json-experiment/json"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/bench/size/orders"
)

func process(messages batch.Stream[events.SQSMessage]) batch.Stream[orders.Order] {
	return batch.TryEach(batch.Decode[orders.Order](messages, unmarshal), orders.Accept)
}

func unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }

func main() {
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stdout, nil)))
	lambda.Start(batch.SQSHandler(process))
}
