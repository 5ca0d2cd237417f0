// Library-silent is a Lambda function written with the library. It logs nothing.
package main

import (
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/bench/size/orders"
)

func process(messages batch.Stream[events.SQSMessage]) batch.Stream[orders.Order] {
	return batch.TryEach(batch.Decode[orders.Order](messages, json.Unmarshal), orders.Accept)
}

func main() {
	lambda.Start(batch.SQSHandler(process, batch.WithLogger(nil)))
}
