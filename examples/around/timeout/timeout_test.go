package timeout_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch/examples/around/timeout"
	"github.com/matryer/is"
)

// slow takes a second, unless its context ends earlier.
func slow(ctx context.Context, v int) (int, error) {
	select {
	case <-time.After(time.Second):
		return v, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func TestACallThatTakesTooLongFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		start := time.Now()
		_, err := timeout.Map(100*time.Millisecond, slow)(t.Context(), 7)
		is.True(errors.Is(err, timeout.ErrExceeded))
		is.True(errors.Is(err, context.DeadlineExceeded))
		is.Equal(time.Since(start), 100*time.Millisecond)
	})
}

func TestACallThatIsQuickEnoughSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		got, err := timeout.Map(2*time.Second, slow)(t.Context(), 7)
		is.NoErr(err)
		is.Equal(got, 7)
	})
}

func TestTheEndOfTheContextOfARecordIsNotATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := timeout.Map(time.Minute, slow)(ctx, 7)
		is.True(errors.Is(err, context.DeadlineExceeded))
		is.True(!errors.Is(err, timeout.ErrExceeded))
	})
}

func ExampleMap() {
	ask := timeout.Map(time.Millisecond, func(ctx context.Context, host string) (string, error) {
		<-ctx.Done() // no answer
		return "", ctx.Err()
	})
	_, err := ask(context.Background(), "shop")
	fmt.Println(errors.Is(err, timeout.ErrExceeded))
	// Output: true
}

func ExampleEach() {
	ping := timeout.Each(time.Minute, func(_ context.Context, host string) error {
		fmt.Println(host, "answers")
		return nil
	})
	fmt.Println(ping(context.Background(), "shop"))
	// Output:
	// shop answers
	// <nil>
}
