package tests

import (
	"context"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

func TestAStageAloneDoesNothing(t *testing.T) {
	batch.TryEach(batch.Of(1), func(context.Context, int) error { t.Error("called"); return nil })
	defer func() { _ = recover() }()
	batch.Map[int, int](process(nil), nil)
}

func again(s batch.Stream[int]) batch.Stream[int] {
	for range s {
	}
	return s
}

func collect(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return batch.Collect(batch.TryEach(batch.SQS(ctx, event), func(context.Context, events.SQSMessage) error {
		return store(ctx, 1) // want `ctx comes from outside`
	}))
}

var _, _ = again, collect
