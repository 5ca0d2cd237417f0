package batchtest

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const stoppedClock = "the stage waits for what stops the clock of testing/synctest, such as a mutex that is held by somebody who sleeps"

// inBubble calls f in a bubble of its own and returns what f does, or that the clock stands still in there. What f has left behind in the bubble makes
// synctest panic, which is f's to report.
func inBubble(t *testing.T, limit time.Duration, f func() string) string {
	verdicts, ended := make(chan string, 1), make(chan any, 1)
	go func() {
		defer func() { ended <- recover() }()
		synctest.Test(t, func(*testing.T) { verdicts <- f() })
	}()
	var verdict string
	select {
	case <-time.After(limit):
		return stoppedClock
	case verdict = <-verdicts:
	case reason := <-ended:
		select {
		case verdict = <-verdicts:
		default:
			panic(reason)
		}
		return verdict
	}
	if verdict == "" {
		if reason := <-ended; reason != nil {
			panic(reason)
		}
		return ""
	}
	select {
	case <-ended:
	case <-time.After(time.Second): // somebody in there is at work for ever
	}
	return verdict
}

// patience is how long a stage may take in a bubble, where waiting takes no time.
const patience = time.Hour

// An ending is how a call ended.
type ending struct {
	stuck  bool // it did not
	exited bool // with its goroutine
	crash  any
	at     string // where it crashed, "" if that is not known
}

// called calls each function on a goroutine of its own and waits for all, within patience.
func called(functions ...func()) ending {
	ends := make(chan ending, len(functions))
	for _, f := range functions {
		go func() {
			e := ending{exited: true}
			defer func() {
				if e.exited {
					e.crash = recover()
					e.at = crashedAt()
				}
				ends <- e
			}()
			f()
			e.exited = false
		}()
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	var worst ending
	for range functions {
		select {
		case e := <-ends:
			if e != (ending{}) {
				worst = e
			}
		case <-late.C:
			return ending{stuck: true}
		}
	}
	return worst
}

// crashedAt is where the function panicked in whose deferred function it is called, through one more.
func crashedAt() string {
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

// settled is how many goroutines there are when those of earlier bubbles have gone that were ending. If one of them went
// while a stage is ranged over, it would make up for one that the stage leaves behind.
func settled() int {
	n, unchanged := runtime.NumGoroutine(), 0
	for i := 0; i < 100 && unchanged < 8; i++ {
		runtime.Gosched()
		unchanged++
		if now := runtime.NumGoroutine(); now != n {
			n, unchanged = now, 0
		}
	}
	return n
}

// leftBehind returns who made a goroutine of the bubble that a stage has made, if there is one. The caller has waited for
// those that end.
func leftBehind() (maker string, some bool) {
	stacks := make([]byte, 64<<10)
	n := runtime.Stack(stacks, true)
	for ; n == len(stacks); n = runtime.Stack(stacks, true) {
		stacks = make([]byte, 2*len(stacks))
	}
	_, bubble, _ := strings.Cut(firstLine(string(stacks[:n])), "synctest") // the caller is the first one
	where := ""
	for stack := range strings.SplitSeq(string(stacks[:n]), "\n\n") {
		_, made, _ := strings.Cut(stack, "\ncreated by ")
		m, _, _ := strings.Cut(firstLine(made), " in goroutine")
		_, at, _ := strings.Cut(made, "\n\t")
		at, _, _ = strings.Cut(filepath.Base(at), " ")
		if strings.HasSuffix(firstLine(stack), bubble) && !ours(m) && (!some || m < maker) {
			maker, where, some = m, at, true
		}
	}
	return maker + " at " + where, some
}

// ours reports whether a maker of goroutines is one of those around a stage.
func ours(maker string) bool {
	const here = "github.com/lambdabatch/batch/batchtest."
	return strings.HasPrefix(maker, "testing/synctest.") || maker == here+"inBubble" || maker == here+"called"
}
