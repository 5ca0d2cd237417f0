package batchtest

import (
	"fmt"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const stoppedClock = "the stage waits for something that stops the clock of testing/synctest, such as a mutex whose owner sleeps"

// inBubble calls f in its own bubble and returns the result, or stoppedClock if f takes longer than
// limit in real time. If f returns "" but leaves goroutines in the bubble, synctest panics and so
// does inBubble. Otherwise f has found them itself, and the panic is ignored.
func inBubble(t *testing.T, limit time.Duration, f func() string) string {
	results, ended := make(chan string, 1), make(chan any, 1)
	go func() {
		defer func() { ended <- recover() }()
		synctest.Test(t, func(*testing.T) { results <- f() })
	}()
	var result string
	select {
	case <-time.After(limit):
		return stoppedClock
	case result = <-results:
	case reason := <-ended:
		select {
		case result = <-results:
		default:
			panic(reason)
		}
		return result
	}
	if result == "" {
		if reason := <-ended; reason != nil {
			panic(reason)
		}
		return ""
	}
	select {
	case <-ended:
	case <-time.After(time.Second): // a goroutine in the bubble works forever
	}
	return result
}

// patience is how long a stage may take in a bubble, where waiting takes no real time.
const patience = time.Hour

// An ending is how a function ended. The zero ending is a return.
type ending struct {
	stuck    bool // the function has not ended
	exited   bool // it has ended its goroutine, by a panic or without one
	panicked any
	at       string // where it panicked, "" if unknown
}

// callAll calls each function on its own goroutine and waits for all of them, but not longer than
// patience. If several end badly, it returns one of the endings.
func callAll(functions ...func()) ending {
	ends := make(chan ending, len(functions))
	for _, f := range functions {
		go func() {
			e := ending{exited: true}
			defer func() {
				if e.exited {
					e.panicked = recover()
					e.at = panickedAt()
				}
				ends <- e
			}()
			f()
			e.exited = false
		}()
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	var bad ending
	for range functions {
		select {
		case e := <-ends:
			if e != (ending{}) {
				bad = e
			}
		case <-late.C:
			return ending{stuck: true}
		}
	}
	return bad
}

// panickedAt returns the file and line of the panic. It must be called by the deferred function that
// recovers from it.
func panickedAt() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	panicking := false
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if panicking && !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		panicking = panicking || f.Function == "runtime.gopanic"
	}
	return ""
}

// A headcount tells cheaply that a range left no goroutine behind.
type headcount struct {
	existing int
	created  uint64
}

func countGoroutines() headcount {
	created := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
	metrics.Read(created)
	return headcount{runtime.NumGoroutine(), created[0].Value.Uint64()}
}

// rulesOutNew reports whether none of the goroutines is newer than the headcount. Only in a crowd does it compare
// the numbers of existing ones: one of an earlier bubble may end in between, and would hide one that the stage
// leaves behind.
func (h headcount) rulesOutNew(crowd int) bool {
	now := countGoroutines()
	return now.created == h.created || h.existing > crowd && now.existing <= h.existing
}

// leftBehind returns what started a goroutine of the bubble that belongs to the stage, if there is
// one. The caller must have waited for goroutines that are ending.
func leftBehind() (maker string, some bool) {
	stacks := make([]byte, 64<<10)
	n := runtime.Stack(stacks, true)
	for ; n == len(stacks); n = runtime.Stack(stacks, true) {
		stacks = make([]byte, 2*len(stacks))
	}
	_, bubble, _ := strings.Cut(firstLine(string(stacks[:n])), "synctest") // the first stack is the caller's
	where := ""
	for stack := range strings.SplitSeq(string(stacks[:n]), "\n\n") {
		_, made, _ := strings.Cut(stack, "\ncreated by ")
		m, _, _ := strings.Cut(firstLine(made), " in goroutine")
		_, at, _ := strings.Cut(made, "\n\t")
		at, _, _ = strings.Cut(filepath.Base(at), " ")
		if strings.HasSuffix(firstLine(stack), bubble) && !isHarness(m) && (!some || m < maker) {
			maker, where, some = m, at, true
		}
	}
	return maker + " at " + where, some
}

// isHarness reports whether a goroutine was started by the code around a stage.
func isHarness(maker string) bool {
	const here = "github.com/lambdabatch/batch/batchtest."
	return strings.HasPrefix(maker, "testing/synctest.") || maker == here+"inBubble" || maker == here+"callAll"
}
