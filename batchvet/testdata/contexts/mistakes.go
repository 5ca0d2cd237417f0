// Package contexts passes on contexts: those of records, and wrong ones.
package contexts

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch"
)

type messages = batch.Stream[events.SQSMessage]

func put(context.Context, ...any) error         { return nil }
func traceID(context.Context) string            { return "" }
func both(context.Context, context.Context) any { return nil }
func attempt(ctx context.Context, f func(context.Context) error) error {
	return f(ctx)
}

func begin() context.Context { return context.Background() }

var startup = begin()

func handler(ctx context.Context, event events.SQSEvent) (batch.Response, error) {
	return batch.Run(batch.SQS(ctx, event), func(s messages) messages {
		return batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error {
			return put(ctx, m) // want `^ctx comes from outside this function, so it outlasts the record's context and does not carry the record: use the function's own context$`
		})
	})
}

func stages(outer context.Context, s messages, r batch.Result[int]) {
	same := func(s messages) {
		for range s {
		}
	}
	same(batch.TryEach(s, func(ctx context.Context, m events.SQSMessage) error {
		return put(outer, m) // want `^outer comes from outside this function.* use ctx$`
	}))
	same(batch.TryFilter(s, func(context.Context, events.SQSMessage) (bool, error) {
		return true, put(outer) // want `outer comes from outside`
	}))
	same(batch.TryEachChunk(s, 5, func(ctx context.Context, _ []events.SQSMessage) error {
		ctx, cancel := context.WithCancel(outer) // want `outer comes from outside`
		defer cancel()
		return put(ctx)
	}))
	same(batch.Catch(s, func(ctx context.Context, err error) error {
		request, err := http.NewRequestWithContext(outer, "GET", "/", nil) // want `outer comes from outside`
		_ = request
		return err
	}))
	same(batch.OrElse(s, func(ctx context.Context, err error) (events.SQSMessage, error) {
		slog.ErrorContext(startup, "failed") // want `startup comes from outside`
		_, ok := batch.RecordFrom(outer)     // want `outer comes from outside`
		return events.SQSMessage{}, put(ctx, ok)
	}))
	same(batch.TryFlatMap(s, func(ctx context.Context, m events.SQSMessage) ([]events.SQSMessage, error) {
		return nil, attempt(ctx, func(ctx context.Context) error { return put(outer, m) }) // want `outer comes from outside`
	}))
	same(batch.Each(func(ctx context.Context, m events.SQSMessage) error {
		return put(outer, m) // want `outer comes from outside`
	})(s))
	batch.Then(r, func(ctx context.Context, n int) (int, error) { // want `the Result returned by batch.Then is unused`
		return n, put(outer) // want `outer comes from outside`
	})
	_ = batch.WithReport(func(ctx context.Context, r batch.Report) {
		_ = put(outer, r) // want `^outer comes from outside this function, so it does not end when the response is due: use ctx$`
	})
}

func fixable(ctx context.Context, s messages) messages {
	s = batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error {
		if err := put(ctx); err != nil { // want `ctx comes from outside`
			return err
		}
		return put(ctx, m)
	})
	s = batch.TryEach(s, func(own context.Context, m events.SQSMessage) error {
		if err := put(ctx); err != nil { // want `ctx comes from outside`
			return err
		}
		return put(ctx, m)
	})
	return batch.TryEach(s, func(own context.Context, m events.SQSMessage) error {
		own = nil
		{
			own := 1
			return put(ctx, own) // want `ctx comes from outside`
		}
	})
}

// Renamed, the parameter would be declared twice.
func declaresItsOwn(ctx context.Context, s messages) messages {
	return batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error {
		ctx := context.WithValue(ctx, table{}, m.Body) // want `ctx comes from outside`
		return put(ctx, m)
	})
}

func declaresItDeeper(ctx context.Context, s messages) messages {
	return batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error {
		if err := put(ctx, m); err != nil { // want `ctx comes from outside`
			ctx := context.WithoutCancel(ctx)
			return put(ctx)
		}
		return nil
	})
}

// Replaced, the local variables would be unused.
func unusedAfterwards(outer context.Context, s messages) messages {
	limited, cancel := context.WithTimeout(outer, time.Second)
	defer cancel()
	valued := context.WithValue(outer, table{}, 1)
	valued = context.WithValue(outer, table{}, 2)
	s = batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error {
		return put(limited, m) // want `limited comes from outside`
	})
	return batch.TryEach(s, func(ctx context.Context, m events.SQSMessage) error {
		return put(valued, m) // want `valued comes from outside`
	})
}

func unusedAfterBoth(outer context.Context, s messages) messages {
	valued := context.WithValue(outer, table{}, 1)
	s = batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error {
		return put(valued, m) // want `valued comes from outside`
	})
	return batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error {
		return put(valued, m) // want `valued comes from outside`
	})
}

func usedAfterwards(outer context.Context, s messages) messages {
	limited, cancel := context.WithTimeout(outer, time.Second)
	defer cancel()
	_ = put(limited)
	return batch.TryEach(s, func(_ context.Context, m events.SQSMessage) error {
		return put(limited, m) // want `limited comes from outside`
	})
}

// The function is passed in a variable.
func named(ctx context.Context, s messages) messages {
	store := func(_ context.Context, m events.SQSMessage) error {
		return put(ctx, m) // want `ctx comes from outside this function, so it outlasts`
	}
	var report = func(own context.Context, r batch.Report) {
		_ = put(ctx, r) // want `ctx comes from outside this function, so it does not end when the response is due: use own$`
	}
	_ = batch.WithReport((report))
	var again func(context.Context, events.SQSMessage) error
	again = func(own context.Context, m events.SQSMessage) error {
		if m.Body == "" {
			return put(ctx, m) // want `ctx comes from outside this function.*: use own$`
		}
		return again(own, events.SQSMessage{})
	}
	return batch.TryEach(batch.TryEach(batch.TryEach(s, store), again), store)
}
