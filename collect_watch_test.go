package batch_test

import (
	"context"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/internal/watch"
	"github.com/matryer/is"
)

func TestTheContextOfAnInvocationMayCarryOneMoreReportFunction(t *testing.T) {
	is := is.New(t)
	var heard []string
	hear := func(name string) func(context.Context, batch.Report) {
		return func(_ context.Context, r batch.Report) {
			heard = append(heard, name+" "+r.Failures[0].Record.ID)
			r.Failures[0].Record.ID = "changed" // changes only its own copy
		}
	}
	ctx := context.WithValue(t.Context(), watch.Key{}, hear("context"))
	option := batch.WithReport(hear("option"))
	for range 2 {
		source := batch.From(ctx, []string{"a", "b"}, byID, option)
		_, _ = batch.Collect(batch.TryEach(source, failingOn("a")))
	}
	is.Equal(heard, []string{"option a", "context a", "option a", "context a"})
}

func TestAContextValueThatIsNotAReportFunctionIsIgnored(t *testing.T) {
	is := is.New(t)
	ctx := context.WithValue(t.Context(), watch.Key{}, "no function")
	_, err := batch.Collect(batch.From(ctx, []string{"a"}, byID))
	is.NoErr(err)
}
