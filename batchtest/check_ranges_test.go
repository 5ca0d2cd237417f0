package batchtest

import (
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lambdabatch/batch"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

func TestAStageThatDoesNotRangeExactlyOnceIsFound(t *testing.T) {
	nothing := func(func(sent) bool) {}
	checkAll(t, map[string]bad{
		"it ranges twice": {
			func(s ints) ints {
				return func(yield func(sent) bool) {
					s(func(sent) bool { return true })
					s(yield)
				}
			},
			"ranges over its input twice", lawSource,
		},
		"it never ranges": {
			func(s ints) ints { return nothing },
			"never ranges over its input", lawSource,
		},
		"it ranges while it is built": {
			func(s ints) ints {
				s(func(sent) bool { return true })
				return nothing
			},
			"ranges over its input while it is built", lawLazy,
		},
		"it is nil": {
			func(s ints) ints { return nil },
			"returns a nil Stream", lawReturns,
		},
		"it keeps state from the previous range": {
			func(s ints) ints {
				n := 0
				return changing(func(r sent) sent {
					return then(r, func(int) int { n++; return min(n, 8) })
				})(s)
			},
			"turns rN into N instead of N in a second range", lawRanges,
		},
		"it depends on other ranges": {
			func(s ints) ints {
				var ranges atomic.Int32
				return func(yield func(sent) bool) {
					ranges.Add(1)
					defer ranges.Add(-1)
					time.Sleep(time.Second) // until the other range has begun
					batch.Map(s, func(int) int { return int(ranges.Load()) })(yield)
				}
			},
			"turns rN into N instead of N in two ranges at once", lawAtOnce,
		},
		"it continues after a stop": {
			sending(func(r sent, yield func(sent) bool) bool { yield(r); return true }),
			"sends rN after its consumer has stopped", lawStop,
		},
		"it receives everything after a stop": {
			func(s ints) ints {
				return func(yield func(sent) bool) {
					stopped := false
					for r := range batch.Map(s, same) {
						stopped = stopped || !yield(r)
					}
				}
			},
			"asks for rN after its consumer has stopped", lawStop,
		},
		"it keeps state from a range whose consumer has stopped": {
			func(s ints) ints {
				var stopped atomic.Int32
				return func(yield func(sent) bool) {
					n := int(stopped.Load())
					for r := range batch.Map(s, func(int) int { return n }) {
						if !yield(r) {
							stopped.Store(1)
							return
						}
					}
				}
			},
			"turns rN into N instead of N in the next range", lawRanges,
		},
	})
}

func TestAStageThatDoesNotEndWellIsFound(t *testing.T) {
	never := func() { select {} }
	const maker = ", started by github.com/lambdabatch/batch/batchtest.TestAStageThatDoesNotEndWellIsFound.func"
	checkAll(t, map[string]bad{
		"it leaves a goroutine": {
			alongside(func() { go never() }),
			"leaves a goroutine behind" + maker + "N at check_ranges_test.go:N", lawGoroutines,
		},
		"it leaves a goroutine that ends later": {
			alongside(func() { go time.Sleep(time.Second) }),
			"leaves a goroutine behind" + maker + "N at check_ranges_test.go:N", lawGoroutines,
		},
		"it starts a goroutine while it is built": {
			func(s ints) ints { go never(); return s },
			"leaves a goroutine behind" + maker + "N at check_ranges_test.go:N while it is built", lawGoroutines,
		},
		"it waits forever": {
			changing(func(r sent) sent {
				if has(r, 2) {
					never()
				}
				return r
			}),
			"never returns after receiving rN", lawReturns,
		},
		"it panics": {
			changing(func(r sent) sent {
				if has(r, 3) {
					panic("three")
				}
				return r
			}),
			"panics at check_ranges_test.go:N after receiving rN: three", lawPanic,
		},
		"it panics with what has no text": {
			func(ints) ints { panic(evil{}) },
			"panics at check_ranges_test.go:N: a batchtest.evil whose text cannot be made", lawPanic,
		},
		"it panics with a nil pointer that is an error": {
			func(ints) ints { panic((*os.PathError)(nil)) },
			"panics at check_ranges_test.go:N: <nil>", lawPanic,
		},
		"it panics while it is built": {
			func(ints) ints { panic("no store") },
			"panics at check_ranges_test.go:N: no store", lawPanic,
		},
		"it ends its goroutine": {
			alongside(runtime.Goexit),
			"ends its goroutine", lawPanic,
		},
	})
}

func TestAGoroutineThatEndsMeanwhileDoesNotHideOneThatIsLeft(t *testing.T) {
	is := is.New(t)
	end := make(chan struct{})
	var ending sync.WaitGroup
	defer ending.Wait() // so that they hide nothing in another test
	defer close(end)
	for range 100 {
		ending.Go(func() { <-end })
	}
	leaving := alongside(func() {
		go func() { select {} }()
		select {
		case end <- struct{}{}: // one of the goroutines above ends
		default:
		}
	})
	c := &checker[int, int]{stage: leaving}
	s := scene[int]{records: []drawnRecord[int]{{value: 1, arrives: arrivesReady}}}
	said := inBubble(t, time.Minute, func() string { return c.check(s) })
	is.True(strings.HasPrefix(said, "the stage leaves a goroutine behind, started by "))
	is.True(strings.HasSuffix(said, " with the batch {r0: 1}: "+lawGoroutines))
}

func TestTheGoroutineThatIsNamedDoesNotDependOnWhichIsListedFirst(t *testing.T) {
	is := is.New(t)
	never := func() { select {} }
	start := func(second bool) {
		if second {
			go never()
			return
		}
		go never()
	}
	said := map[string]bool{}
	for i := range 20 {
		leaving := alongside(func() { start(i%2 == 0); start(i%2 == 1) })
		c := &checker[int, int]{stage: leaving, checkSettings: checkSettings{limit: time.Minute}}
		said[c.tryScene(t, scene[int]{})] = true
	}
	is.Equal(len(said), 1)
}

func TestAGoroutineThatIsLeftByTwoRangesAtOnceIsFound(t *testing.T) {
	is := is.New(t)
	t.Chdir(t.TempDir()) // where rapid stores the batches that fail
	var ranging atomic.Int32
	leaving := func(s ints) ints {
		return func(yield func(sent) bool) {
			defer ranging.Add(-1)
			if ranging.Add(1) > 1 {
				go func() { select {} }()
			}
			time.Sleep(time.Second)
			s(yield)
		}
	}
	complaint := complaintAbout(t, rapid.IntRange(0, 9), leaving, WholeBatch()) // without lanes, in which one range would do
	is.True(strings.HasPrefix(complaint, "the stage leaves a goroutine behind, started by "))
	is.True(strings.Contains(complaint, " in one of several ranges, with the batch "))
}
