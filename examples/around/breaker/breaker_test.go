package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/examples/around/breaker"
	"github.com/matryer/is"
	"github.com/sony/gobreaker/v2"
)

var (
	errDown     = errors.New("service unavailable")
	errDeclined = errors.New("card declined")
)

// newBreaker opens for a minute after three failures in a row. A declined card is not the service's fault.
func newBreaker() *breaker.Breaker {
	return gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Timeout:      time.Minute,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= 3 },
		IsSuccessful: func(err error) bool { return err == nil || errors.Is(err, errDeclined) },
	})
}

func TestAServiceThatAlwaysFailsIsLeftAloneForAWhile(t *testing.T) {
	for name, fail := range map[string]func() (int, error){
		"with errors": func() (int, error) { return 0, errDown },
		"with panics": func() (int, error) { panic("boom") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				is := is.New(t)
				calls, down := 0, true
				call := breaker.Map(newBreaker(), func(context.Context, int) (int, error) {
					if calls++; down {
						return fail()
					}
					return 7, nil
				})
				open := 0
				for r := range batch.TryMap(batch.Of(make([]int, 10)...), call) {
					if errors.Is(r.Err(), gobreaker.ErrOpenState) {
						open++
					}
				}
				is.Equal(calls, 3)
				is.Equal(open, 7)

				down = false
				time.Sleep(time.Minute + time.Second)
				got, err := call(t.Context(), 0)
				is.NoErr(err)
				is.Equal(got, 7)
			})
		})
	}
}

func TestErrorsThatAreNotTheFaultOfTheServiceDoNotOpenTheBreaker(t *testing.T) {
	is := is.New(t)
	call := breaker.Each(newBreaker(), func(context.Context, int) error { return errDeclined })
	for range 10 {
		is.Equal(call(t.Context(), 0), errDeclined)
	}
}

// While the breaker is half open, it lets one call through and waits for its outcome.
func TestACallThatNeverReturnsDoesNotKeepTheBreakerHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := is.New(t)
		const hangs = 1
		release := make(chan struct{})
		call := breaker.Each(newBreaker(), func(_ context.Context, v int) error {
			if v == hangs {
				<-release
				return nil
			}
			return errDown
		})
		for range 3 {
			is.Equal(call(t.Context(), 0), errDown)
		}
		time.Sleep(time.Minute + time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() { _ = call(ctx, hangs) }()
		time.Sleep(2 * time.Second)
		is.Equal(call(t.Context(), 0), gobreaker.ErrOpenState)
		time.Sleep(time.Minute)
		is.Equal(call(t.Context(), 0), errDown) // it was tried
		close(release)
	})
}

func ExampleMap() {
	charge := breaker.Map(newBreaker(), func(context.Context, string) (string, error) { return "", errDown })
	for range 5 {
		_, err := charge(context.Background(), "o-1")
		fmt.Println(err)
	}
	// Output:
	// service unavailable
	// service unavailable
	// service unavailable
	// circuit breaker is open
	// circuit breaker is open
}

func ExampleEach() {
	ship := breaker.Each(newBreaker(), func(_ context.Context, order string) error {
		fmt.Println("shipped", order)
		return nil
	})
	fmt.Println(ship(context.Background(), "o-1"))
	// Output:
	// shipped o-1
	// <nil>
}
