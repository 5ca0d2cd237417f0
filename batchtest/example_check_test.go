package batchtest_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/batchtest"
	"pgregory.net/rapid"
)

// passes runs a test function as go test without -v does, and reports whether it passes.
func passes(test func(*testing.T)) bool {
	verbose := flag.Lookup("test.v").Value
	before := verbose.String()
	_ = verbose.Set("false")
	defer func() { _ = verbose.Set(before) }()
	return testing.RunTests(func(_, _ string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "Test", F: test}})
}

type payment struct{ Cents int }

var errTooMuch = errors.New("too much")

// limited is a stage written by hand: a loop around Then.
func limited(s batch.Stream[payment]) batch.Stream[payment] {
	return func(yield func(batch.Result[payment]) bool) {
		for r := range s {
			out := batch.Then(r, func(_ context.Context, p payment) (payment, error) {
				if p.Cents > 1000 {
					return p, errTooMuch
				}
				return p, nil
			})
			if !yield(out) {
				return
			}
		}
	}
}

// waived acknowledges the payments that limited refuses.
func waived(s batch.Stream[payment]) batch.Stream[payment] {
	return batch.Catch(limited(s), func(_ context.Context, err error) error {
		if errors.Is(err, errTooMuch) {
			return nil
		}
		return err
	})
}

// budget filters out payments that exceed what is left of 1000 cents.
func budget(s batch.Stream[payment]) batch.Stream[payment] {
	return func(yield func(batch.Result[payment]) bool) {
		left := 1000 // per range
		batch.Filter(s, func(p payment) bool {
			if p.Cents > left {
				return false
			}
			left -= p.Cents
			return true
		})(yield)
	}
}

var payments = rapid.Map(rapid.IntRange(0, 2000), func(cents int) payment { return payment{cents} })

func ExampleCheckStage() {
	test := func(t *testing.T) {
		batchtest.CheckStage(t, payments, limited)
	}
	fmt.Println(passes(test))
	// Output: true
}

func ExampleRecovers() {
	test := func(t *testing.T) {
		batchtest.CheckStage(t, payments, waived, batchtest.Recovers())
	}
	fmt.Println(passes(test))
	// Output: true
}

func ExampleWholeBatch() {
	test := func(t *testing.T) {
		batchtest.CheckStage(t, payments, budget, batchtest.WholeBatch())
	}
	fmt.Println(passes(test))
	// Output: true
}
