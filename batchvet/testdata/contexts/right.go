package contexts

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/lambdabatch/batch"
)

// No function here passes on an outer context by mistake.

func fail(error) error { return nil }

type table struct{ ctx context.Context }

func right(outer context.Context, t table, s messages) messages {
	log := slog.With("trace", outer.Value(table{}))
	return batch.TryEach(s, func(ctx context.Context, m events.SQSMessage) error {
		log.InfoContext(ctx, m.Body)
		if lc, ok := lambdacontext.FromContext(outer); ok { // it only reads a value
			log.Info(lc.AwsRequestID, "trace", traceID(outer))
		}
		if outer.Err() != nil || outer.Value("debug") != nil {
			return nil
		}
		defer context.AfterFunc(outer, func() {})()
		_ = fail(context.Cause(outer))
		_ = both(ctx, outer)
		_ = put(t.ctx)
		_ = put(context.Background())
		if err := put(context.WithoutCancel(ctx)); err != nil {
			return put(context.WithoutCancel(outer))
		}
		outer := context.WithValue(ctx, table{}, 1) // it shadows the outer one
		return attempt(outer, func(inner context.Context) error { return put(inner, put(outer)) })
	})
}

// The contexts of values of Of carry nothing.
func values(ctx context.Context, s messages) messages {
	words := batch.Of("a", "b")
	for range batch.TryEach(batch.Filter(words, func(string) bool { return true }), func(_ context.Context, w string) error { return put(ctx, w) }) {
	}
	for r := range words {
		_ = batch.Then(r, func(context.Context, string) (string, error) { return "", put(ctx) }).Err()
	}
	return batch.TryEach(s, func(ctx context.Context, m events.SQSMessage) error {
		for range batch.TryEach(split(m), func(_ context.Context, w string) error { return put(ctx, w) }) {
		}
		return nil
	})
}

func split(events.SQSMessage) batch.Stream[string] { return batch.Of("a") }

// The context of a Result is the record's context.
func own(s messages) messages {
	return func(yield func(batch.Result[events.SQSMessage]) bool) {
		for r := range s {
			ctx := context.WithValue(r.Context(), table{}, 1)
			yield(batch.Then(r, func(_ context.Context, m events.SQSMessage) (events.SQSMessage, error) { return m, put(ctx) }))
		}
	}
}

// A function that is not passed to a stage, and one that takes no context.
func others(ctx context.Context, s messages) messages {
	_ = attempt(ctx, func(context.Context) error { return put(ctx) })
	return batch.Filter(s, func(events.SQSMessage) bool { return put(ctx) == nil })
}

// A write that must outlast the record's context.
func outliving(ctx context.Context, s messages) messages {
	base := context.WithoutCancel(ctx)
	s = batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error { return put(base, m) })
	background, todo := context.Background(), context.TODO()
	limited, cancel := context.WithTimeout(background, time.Second)
	defer cancel()
	return batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error {
		return errors.Join(put(background, m), put(todo, m), put(limited, m), put(always, m))
	})
}

var always = context.Background()

// An exporter that is flushed with the context of the program.
var flushing = batch.WithReport(func(_ context.Context, r batch.Report) { _ = put(always, r) })

// One of two functions, one for test values, and one that no stage gets.
func inVariables(ctx context.Context, s messages, quick bool) messages {
	write := func(own context.Context, m events.SQSMessage) error { return put(own, m) }
	if quick {
		write = func(context.Context, events.SQSMessage) error { return put(ctx) }
	}
	count := func(_ context.Context, w string) error { return put(ctx, w) }
	for range batch.TryEach(batch.Of("a"), count) {
	}
	prepare := func(context.Context) error { return put(ctx) }
	_ = attempt(ctx, prepare)
	return batch.TryEach(s, write)
}

// Functions of this package that detach a context.
func detachedElsewhere(ctx context.Context, s messages) messages {
	out, later := detach(ctx), withLog(ctx)
	return batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error {
		return errors.Join(put(out, m), put(later, m))
	})
}

func detach(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

func withLog(ctx context.Context) context.Context {
	ctx = context.WithoutCancel(ctx)
	return context.WithValue(ctx, table{}, 1)
}
