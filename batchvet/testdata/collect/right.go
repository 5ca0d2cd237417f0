package collect

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

// No function here responds to an invocation with Collect.

func right(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
	return batch.Run(batch.SQS(ctx, event), process)
}

// It has no event, so it responds to no invocation.
func collect(ctx context.Context, s messages) (batch.Response, error) { return batch.Collect(s) }

func settings(ctx context.Context, names []string) (batch.Response, error) {
	return batch.Collect(batch.From(ctx, names, describe))
}

func main() {
	fmt.Println(batch.Collect(process(batch.SQS(context.Background(), events.SQSEvent{}))))
}

// It collects other streams than the response.
func onTheWay(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
	if _, err := batch.Collect(batch.Of(1, 2)); err != nil {
		return batch.Response{}, err
	}
	bodies := make([]string, len(event.Records))
	if _, err := batch.Collect(batch.Of(bodies...)); err != nil {
		return batch.Response{}, err
	}
	return batch.Run(batch.SQS(ctx, event), func(s messages) messages {
		return batch.TryEach(s, func(ctx context.Context, m events.SQSMessage) error {
			_, err := batch.Collect(batch.From(ctx, []string{m.Body, event.Records[0].Body}, describe))
			return err
		})
	})
}

// Functions that respond to no invocation.
func cli(ctx context.Context, event events.SQSEvent) {
	response, err := batch.Collect(process(batch.SQS(ctx, event)))
	fmt.Println(response, err)
}

func replay(ctx context.Context, event events.SQSEvent) (int, error) {
	response, err := batch.Collect(process(batch.SQS(ctx, event)))
	return len(response.BatchItemFailures), err
}
