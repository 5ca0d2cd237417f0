package redeliver_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/redeliver"
)

// A printer is a Client that prints the calls.
type printer struct{}

func (printer) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	fmt.Println(*in.QueueUrl)
	for _, e := range in.Entries {
		fmt.Printf("  %s waits %d s\n", *e.ReceiptHandle, e.VisibilityTimeout)
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

// busy is the error of a service that says how long it will be busy.
type busy struct{ until time.Duration }

func (b busy) Error() string { return fmt.Sprintf("busy for %v", b.until) }

func ship(_ context.Context, m events.SQSMessage) error {
	switch m.Body {
	case "lamp":
		return errors.New("out of stock")
	case "sofa":
		return busy{until: time.Hour}
	}
	return nil
}

// orders returns three messages of one group, the second of which fails, and a message of another group, which
// fails too.
func orders() events.SQSEvent {
	const arn = "arn:aws:sqs:eu-west-1:123456789012:orders.fifo"
	var event events.SQSEvent
	for i, m := range []struct{ group, body string }{{"ada", "book"}, {"ada", "lamp"}, {"ada", "pen"}, {"bob", "sofa"}} {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: fmt.Sprintf("m-%d", i), ReceiptHandle: fmt.Sprintf("receipt-%d", i), Body: m.body, EventSourceARN: arn,
			Attributes: map[string]string{"MessageGroupId": m.group, "ApproximateReceiveCount": "1"},
		})
	}
	return event
}

func process(messages batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] {
	return batch.TryEach(messages, ship)
}

func Example() {
	client := sqs.New(sqs.Options{Region: "eu-west-1"}) // in a Lambda function: sqs.NewFromConfig(cfg)
	handler := batch.SQSHandler(process, redeliver.After(client, redeliver.Exponential(5*time.Second, 15*time.Minute)))

	payload := `{"Records":[{"messageId":"m-1","receiptHandle":"receipt-1","body":"book","eventSource":"aws:sqs"}]}`
	response, err := handler.Invoke(context.Background(), []byte(payload))
	fmt.Println(string(response), err)
	// Output: {"batchItemFailures":[]} <nil>
}

func ExampleAfter() {
	wait := func(f batch.Failure) time.Duration {
		if b, ok := errors.AsType[busy](f.Err); ok {
			return b.until
		}
		return 30 * time.Second * time.Duration(f.Record.Attempt)
	}
	source := batch.SQS(context.Background(), orders(), redeliver.After(printer{}, wait))
	_, _ = batch.Run(source, process)
	// Output:
	// https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo
	//   receipt-3 waits 3600 s
	//   receipt-1 waits 30 s
	//   receipt-2 waits 30 s
}

func ExampleExponential() {
	wait := redeliver.Exponential(10*time.Second, 15*time.Minute)
	for _, attempt := range []int{1, 2, 3, 50} {
		d := wait(batch.Failure{Record: batch.Record{Attempt: attempt}})
		most := min(10*time.Second<<min(attempt-1, 10), 15*time.Minute)
		fmt.Printf("attempt %d: between %v and %v: %t\n", attempt, most/2, most, most/2 <= d && d <= most)
	}
	// Output:
	// attempt 1: between 5s and 10s: true
	// attempt 2: between 10s and 20s: true
	// attempt 3: between 20s and 40s: true
	// attempt 50: between 7m30s and 15m0s: true
}

func ExampleWithQueueURL() {
	source := batch.SQS(context.Background(), orders(), redeliver.After(printer{}, always(time.Minute),
		redeliver.WithQueueURL("http://localhost:4566/000000000000/orders.fifo")))
	_, _ = batch.Run(source, process)
	// Output:
	// http://localhost:4566/000000000000/orders.fifo
	//   receipt-1 waits 60 s
	//   receipt-2 waits 60 s
	//   receipt-3 waits 60 s
}

// A throttled client fails every call.
type throttled struct{}

func (throttled) ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return nil, errors.New("request throttled")
}

func ExampleWithLogger() {
	withoutTime := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	logger := slog.New(slog.NewTextHandler(os.Stdout, withoutTime))
	source := batch.SQS(context.Background(), orders(), redeliver.After(throttled{}, always(time.Minute), redeliver.WithLogger(logger)))
	response, _ := batch.Run(source, process)
	fmt.Println(len(response.BatchItemFailures), "messages are redelivered when the queue says")
	// Output:
	// level=WARN msg="visibility not changed" messages=3 error="request throttled"
	// 3 messages are redelivered when the queue says
}
