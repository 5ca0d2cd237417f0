package main

// Five stages of trivial functions: with the library, as a plain chain of iterators,
// with lo/it, and as one loop that does the same and recovers from panics.

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-lambda-go/events"
	"github.com/samber/lo/it"

	"github.com/lambdabatch/batch"
)

func messages(n int) events.SQSEvent {
	event := events.SQSEvent{Records: make([]events.SQSMessage, n)}
	for i := range event.Records {
		event.Records[i] = events.SQSMessage{MessageId: fmt.Sprint("message-", i), Body: fmt.Sprint("body ", i)}
	}
	return event
}

var errNegative = fmt.Errorf("negative")

func length(m events.SQSMessage) int                  { return len(m.Body) }
func positive(n int) bool                             { return n > 0 }
func half(n int) int                                  { return n / 2 }
func increment(_ context.Context, n int) (int, error) { return n + 1, nil }
func checkPositive(_ context.Context, n int) error    { return check(n) }
func libraryStages(s batch.Stream[events.SQSMessage]) batch.Stream[int] {
	lengths := batch.Filter(batch.Map(s, length), positive)
	return batch.TryEach(batch.TryMap(batch.Map(lengths, half), increment), checkPositive)
}

func check(n int) error {
	if n < 0 {
		return errNegative
	}
	return nil
}

func stagesContest(n int) contest {
	return contest{part: "stages", name: fmt.Sprint(n), records: n, rivals: []rival{
		{name: library, prepare: func(context.Context) func() error {
			event := messages(n)
			return func() error {
				_, err := batch.Collect(libraryStages(batch.SQS(context.Background(), event)))
				return err
			}
		}},
		{name: runWithDeadline, prepare: func(ctx context.Context) func() error {
			event := messages(n)
			return func() error {
				_, err := batch.Run(batch.SQS(ctx, event), libraryStages)
				return err
			}
		}},
		{name: chain, prepare: func(context.Context) func() error {
			event := messages(n)
			return func() error { return errorIfReported(plainChain(context.Background(), event)) }
		}},
		{name: loop, prepare: func(context.Context) func() error {
			event := messages(n)
			return func() error {
				var response events.SQSEventResponse
				for i := range event.Records {
					if err := inOneLoop(context.Background(), event.Records[i]); err != nil {
						response.BatchItemFailures = append(response.BatchItemFailures,
							events.SQSBatchItemFailure{ItemIdentifier: event.Records[i].MessageId})
					}
				}
				return errorIfReported(response)
			}
		}},
		{name: loIt, prepare: func(context.Context) func() error {
			event := messages(n)
			return func() error {
				lengths := it.Filter(it.Map(slices.Values(event.Records), length), positive)
				incremented := it.Map(it.Map(lengths, half), func(n int) int { return n + 1 })
				failed := it.Filter(incremented, func(n int) bool { return check(n) != nil })
				if it.Length(failed) > 0 {
					return errNegative
				}
				return nil
			}
		}},
	}}
}

//go:noinline
func inOneLoop(ctx context.Context, m events.SQSMessage) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	n := length(m)
	if !positive(n) {
		return nil
	}
	if n, err = increment(ctx, half(n)); err != nil {
		return err
	}
	return checkPositive(ctx, n)
}

func errorIfReported(response events.SQSEventResponse) error {
	if len(response.BatchItemFailures) > 0 {
		return errNegative
	}
	return nil
}
