package contexts

import (
	"context"
	"net/http"

	"github.com/lambdabatch/batch"
)

type database struct{}

func (d *database) WithContext(context.Context) *database { return d }
func (d *database) save(string) error                     { return nil }

func save(context.Context, string) error { return nil }

func inARequest(ctx context.Context, client *http.Client, req *http.Request, s batch.Stream[string]) batch.Stream[string] {
	return batch.TryEach(s, func(own context.Context, _ string) error {
		_, err := client.Do(req.WithContext(ctx)) // want `ctx comes from outside this function, so it outlasts the record's context and does not carry the record: use own`
		return err
	})
}

func inADatabase(ctx context.Context, db *database, s batch.Stream[string]) batch.Stream[string] {
	return batch.TryEach(s, func(own context.Context, m string) error {
		return db.WithContext(ctx).save(m) // want `ctx comes from outside`
	})
}

func retry[T any](f func(context.Context, T) error) func(context.Context, T) error { return f }

func withName[T any](name string, f func(context.Context, T) error) func(context.Context, T) error {
	return f
}

func wrapped(ctx context.Context, s batch.Stream[string]) batch.Stream[string] {
	s = batch.TryEach(s, retry(func(own context.Context, m string) error {
		return save(ctx, m) // want `ctx comes from outside`
	}))
	return batch.TryEach(s, withName("save", retry(func(own context.Context, m string) error {
		return save(ctx, m) // want `ctx comes from outside`
	})))
}

func wrappedInAVariable(ctx context.Context, s batch.Stream[string]) batch.Stream[string] {
	f := func(own context.Context, m string) error {
		return save(ctx, m) // want `ctx comes from outside`
	}
	retried := retry(f)
	return batch.TryEach(s, retried)
}

func wrappedRight(ctx context.Context, s batch.Stream[string]) batch.Stream[string] {
	s = batch.TryEach(s, retry(func(own context.Context, m string) error { return save(own, m) }))
	client := connect(func(context.Context) error { return save(ctx, "") })
	return batch.TryEach(s, client.save)
}

type client struct{}

func connect(func(context.Context) error) client  { return client{} }
func (client) save(context.Context, string) error { return nil }

func wrappedAgain(ctx context.Context, s batch.Stream[string], f func(context.Context, string) error) batch.Stream[string] {
	f = retry(f)
	return batch.TryEach(s, f)
}

func wrappedByAll(s batch.Stream[string], wrappers []func(func(context.Context, string) error) func(context.Context, string) error) batch.Stream[string] {
	var f func(context.Context, string) error
	for _, wrap := range wrappers {
		f = wrap(f)
	}
	return batch.TryEach(s, f)
}

// A function of this package that does not detach.
func tracedElsewhere(ctx context.Context, s batch.Stream[string]) batch.Stream[string] {
	traced := withTrace(ctx)
	return batch.TryEach(s, func(own context.Context, m string) error {
		return put(traced, m) // want `traced comes from outside this function`
	})
}

func withTrace(ctx context.Context) context.Context { return context.WithValue(ctx, table{}, 1) }
