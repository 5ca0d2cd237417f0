package main

// Run and Collect without a stage: their own cost.

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

func runContest(n int) contest {
	same := func(s batch.Stream[events.SQSMessage]) batch.Stream[events.SQSMessage] { return s }
	return contest{part: "run", name: fmt.Sprint(n), records: n, rivals: []rival{
		{name: runWithDeadline, prepare: func(ctx context.Context) func() error {
			event := messages(n)
			return func() error {
				_, err := batch.Run(batch.SQS(ctx, event), same)
				return err
			}
		}},
		{name: runWithoutDeadline, prepare: func(context.Context) func() error {
			event := messages(n)
			return func() error {
				_, err := batch.Run(batch.SQS(context.Background(), event), same)
				return err
			}
		}},
		{name: collectOnly, prepare: func(context.Context) func() error {
			event := messages(n)
			return func() error {
				_, err := batch.Collect(batch.SQS(context.Background(), event))
				return err
			}
		}},
	}}
}
