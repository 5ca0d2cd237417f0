package batchtest

// Errors and other values whose text cannot be made.

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

// evil panics with itself when it is asked for its text, so package fmt passes the panic on.
type evil struct{}

func (e evil) Error() string { panic(e) }

func TestAStageWhoseErrorsHaveNoTextPasses(t *testing.T) {
	for name, err := range map[string]error{"they panic": evil{}, "they are nil pointers": (*os.PathError)(nil)} {
		t.Run(name, func(t *testing.T) {
			CheckStage(t, rapid.IntRange(0, 9), batch.Each(func(_ context.Context, v int) error {
				if v%2 == 0 {
					return err
				}
				return nil
			}))
		})
	}
}

func TestARunWhoseErrorsHaveNoTextIsShown(t *testing.T) {
	const noText = "a batchtest.evil whose text cannot be made"
	for name, test := range map[string]struct {
		deed func() error
		want string
	}{
		"returned":      {func() error { return evil{} }, noText},
		"panicked":      {func() error { panic(evil{}) }, "the handler panicked: " + noText},
		"a nil pointer": {func() error { return (*os.PathError)(nil) }, "an error that is a nil *fs.PathError"},
	} {
		t.Run(name, func(t *testing.T) {
			handler := Handler(func(context.Context, any) error { return test.deed() })
			q := NewQueue(QueueConfig{MaxReceives: 1})
			q.Send(Message{Body: "x"})
			shard := NewShard(ShardConfig{NoRetries: true})
			shard.Put(Record{Data: []byte("x")})
			firehose := NewFirehose(FirehoseConfig{NoRetries: true})
			firehose.Put(FirehoseRecord{Data: []byte("x")})
			for _, run := range []interface {
				String() string
				SVG(io.Writer) error
			}{q.Drain(t.Context(), handler), shard.Drain(t.Context(), handler), firehose.Drain(t.Context(), handler)} {
				is := is.New(t)
				is.True(strings.Contains(run.String(), "invocation 1 failed: "+test.want))
				is.NoErr(run.SVG(io.Discard))
			}
		})
	}
}

func TestAValueWithoutATextIsShown(t *testing.T) {
	is := is.New(t)
	for _, value := range []any{evil{}, struct{ Err error }{evil{}}} {
		is.True(strings.HasSuffix(shown(value), "whose text cannot be made"))
	}
}
