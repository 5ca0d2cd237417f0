// Package collect responds to invocations with Collect, which it must not.
package collect

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/lambdabatch/batch"
)

type messages = batch.Stream[events.SQSMessage]

type mine struct{ Records []string }

func process(s messages) messages { return s }

func store(context.Context, events.SQSMessage) error { return nil }

func describe(s string) batch.Record { return batch.Record{ID: s} }

func handler(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
	source := batch.SQS(ctx, event)
	processed := process(source)
	return batch.Collect(processed) // want `^batch.Collect waits past the function's deadline, and reports nothing if a stage drops the whole batch: call Run with the source and the stage$`
}

// It responds with its own type.
func answer(ctx context.Context, event *events.SQSEvent) (any, error) {
	response, err := batch.Collect(batch.TryEach(batch.SQS(ctx, *event), store)) // want `batch.Collect waits past the function's deadline`
	return map[string]any{"batchItemFailures": response.BatchItemFailures}, err
}

// The library has no source for its event.
func custom(ctx context.Context, event mine) (batch.Response, error) {
	return batch.Collect(batch.From(ctx, event.Records, describe)) // want `batch.Collect waits past the function's deadline`
}

func transform(ctx context.Context, event events.KinesisFirehoseEvent) (batch.FirehoseResponse, error) {
	return batch.CollectFirehose(batch.Map(batch.Firehose(ctx, event), data)) // want `^batch.CollectFirehose waits past the function's deadline, and reports nothing if a stage drops the whole batch: pass the stage to FirehoseHandler$`
}

func data(r events.KinesisFirehoseEventRecord) batch.FirehoseRecord {
	return batch.FirehoseRecord{Data: r.Data}
}

type server struct{}

func (server) invoke(event mine) (any, error) {
	return batch.Collect(batch.From(context.Background(), event.Records, describe)) // want `batch.Collect waits past the function's deadline`
}

func raw(ctx context.Context, event json.RawMessage) (any, error) {
	var records []string
	if err := json.Unmarshal(event, &records); err != nil {
		return nil, err
	}
	return batch.Collect(batch.From(ctx, records, describe)) // not found: no assignment makes records from event
}

func start() {
	lambda.Start(server{}.invoke)
	lambda.Start(raw)
	lambda.StartWithOptions(func(event mine) (any, error) {
		return batch.Collect(batch.From(context.Background(), event.Records, describe)) // want `batch.Collect waits past the function's deadline`
	})
}

func fixable(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
	return batch.Collect(process(batch.SQS(ctx, event))) // want `call Run`
}

func fixableEach(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
	return batch.Collect(batch.Each(store)(batch.SQS(ctx, event, batch.WithPolicy(batch.Continue)))) // want `call Run`
}

func fixableGeneric(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
	return batch.Collect(pass(batch.SQS(ctx, event))) // want `call Run`
}

func pass[T any](s batch.Stream[T]) batch.Stream[T] { return s }

// Run takes no function of several parameters, and no type.
func unfixable() {
	lambda.Start(func(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
		return batch.Collect(joined(batch.SQS(ctx, event))) // want `call Run`
	})
	lambda.Start(func(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
		return batch.Collect(messages(batch.SQS(ctx, event))) // want `call Run`
	})
	lambda.Start(func(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
		return batch.Collect((messages)(batch.SQS(ctx, event))) // want `call Run`
	})
	lambda.Start(func(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
		return batch.Collect(unnamed(batch.SQS(ctx, event))) // want `call Run`
	})
}

func joined(all ...messages) messages { return all[0] }

func unnamed(s func(func(batch.Result[events.SQSMessage]) bool)) messages { return s }
