package batch_test

// Stages that the library does not have, as users may write them: well-behaved ones first.

import (
	"iter"
	"runtime"
	"slices"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/samber/lo/it"
)

// unchanged sends what it receives.
func unchanged(s texts) texts { return batch.Tap(s, func(batch.Result[string]) {}) }

// repeating sends every result twice.
func repeating(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			for range 2 {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// pulled reads its input with iter.Pull.
func pulled(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		next, stop := iter.Pull(s)
		defer stop()
		for r, ok := next(); ok && yield(r); r, ok = next() {
		}
	}
}

// piped reads its input on a goroutine, one result at a time.
func piped(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		results, quit, done := make(chan batch.Result[string]), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			defer close(results)
			s(func(r batch.Result[string]) bool {
				select {
				case results <- r:
					return true
				case <-quit:
					return false
				}
			})
		}()
		defer func() { <-done }()
		defer close(quit)
		for r := range results {
			if !yield(r) {
				return
			}
		}
	}
}

// prefetching reads its input on a goroutine, up to n results ahead.
func prefetching(n int) batch.Stage[string, string] {
	return func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) { prefetch(s, n, yield) }
	}
}

func prefetch(in texts, n int, yield func(batch.Result[string]) bool) {
	ahead, quit, over := make(chan batch.Result[string], n), make(chan struct{}), make(chan struct{})
	var crash any // of the stages before
	go func() {
		defer close(over)
		defer close(ahead)
		defer func() { crash = recover() }()
		for r := range in {
			select {
			case ahead <- r:
			case <-quit:
				return
			}
		}
	}()
	defer func() { <-over }()
	defer close(quit)
	for r := range ahead {
		if !yield(r) {
			return
		}
	}
	if crash != nil {
		panic(crash)
	}
}

// buffering collects n results and sends them in the order that reorder gives them.
func buffering(n int, reorder func([]batch.Result[string])) batch.Stage[string, string] {
	return func(s texts) texts {
		return func(yield func(batch.Result[string]) bool) {
			for kept := range it.Chunk(s, n) {
				reorder(kept)
				for _, r := range kept {
					if !yield(r) {
						return
					}
				}
			}
		}
	}
}

func inOrder([]batch.Result[string]) {}

// lingering takes a second after each result before it asks for the next one.
func lingering(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			if !yield(r) {
				return
			}
			time.Sleep(time.Second)
		}
	}
}

// dropping leaves these values out.
func dropping(s texts, values ...string) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			if v, ok := r.Value(); (!ok || !slices.Contains(values, v)) && !yield(r) {
				return
			}
		}
	}
}

// onlyFirst returns after its first result.
func onlyFirst(s texts) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			yield(r)
			return
		}
	}
}

// crashing panics at its first result.
func crashing(s texts) texts {
	return func(func(batch.Result[string]) bool) {
		for range s {
			panic(errBoom)
		}
	}
}

// A misdeed is what a stage does with one result that no stage of the library would do. It returns false to end the range.
type misdeed = func(yield func(batch.Result[string]) bool, r batch.Result[string]) bool

// misbehavingAt does a misdeed at this value, and sends all other results.
func misbehavingAt(s texts, value string, do misdeed) texts {
	return func(yield func(batch.Result[string]) bool) {
		for r := range s {
			if v, _ := r.Value(); v == value {
				if !do(yield, r) {
					return
				}
			} else if !yield(r) {
				return
			}
		}
	}
}

var misdeeds = map[string]misdeed{
	"panics":               func(func(batch.Result[string]) bool, batch.Result[string]) bool { panic(errBoom) },
	"ends its goroutine":   func(func(batch.Result[string]) bool, batch.Result[string]) bool { runtime.Goexit(); return false },
	"stops early":          func(func(batch.Result[string]) bool, batch.Result[string]) bool { return false },
	"drops it":             func(func(batch.Result[string]) bool, batch.Result[string]) bool { return true },
	"sends it, and panics": func(yield func(batch.Result[string]) bool, r batch.Result[string]) bool { yield(r); panic(errBoom) },
}
