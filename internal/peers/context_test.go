package peers

// The context that functions get.

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch"
)

func TestFunctionsFindTheLambdaContext(t *testing.T) {
	forEach(t, everySource, func(t *testing.T, s source) {
		is := is.New(t)
		var requests []string
		stage := func(s texts) texts {
			return batch.TryEach(s, func(ctx context.Context, _ string) error {
				invocation, ok := lambdacontext.FromContext(ctx)
				if !ok {
					return fmt.Errorf("no Lambda context")
				}
				requests = append(requests, invocation.AwsRequestID)
				return nil
			})
		}
		ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "request-7"})
		response, err := s.handler(stage).Invoke(ctx, s.event("first@a", "second@b"))
		is.NoErr(err)
		is.Equal(string(response), reporting())
		is.Equal(requests, []string{"request-7", "request-7"})
	})
}

func TestFunctionsThatNeedNoContextGetNone(t *testing.T) {
	is := is.New(t)
	called := 0
	h := standard.handler(func(s texts) texts {
		return batch.Map(s, func(body string) string { called++; return body })
	})
	response, err := h.Invoke(t.Context(), standard.event("first"))
	is.NoErr(err)
	is.Equal(string(response), reporting())
	is.Equal(called, 1)
}

func TestFunctionsAreCalledWithoutALambdaContextToo(t *testing.T) {
	is := is.New(t)
	found := []bool{}
	h := standard.handler(func(s texts) texts {
		return batch.TryEach(s, func(ctx context.Context, _ string) error {
			_, ok := lambdacontext.FromContext(ctx)
			found = append(found, ok)
			return nil
		})
	})
	response, err := h.Invoke(context.Background(), standard.event("first"))
	is.NoErr(err)
	is.Equal(string(response), reporting())
	is.Equal(found, []bool{false})
}

func TestANilContextPanics(t *testing.T) {
	is := is.New(t)
	var w worker
	defer func() {
		is.Equal(recover(), "batch: source: ctx is nil")
		is.Equal(w.called, nil)
	}()
	var none context.Context
	_, _ = standard.handler(w.stage).Invoke(none, standard.event("first"))
}
