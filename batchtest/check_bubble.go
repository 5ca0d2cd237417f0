package batchtest

import (
	"bytes"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const stoppedClock = "the stage takes seconds of real time for a batch: it works that long, or it waits for something that stops " +
	"the clock of testing/synctest, such as a mutex whose owner sleeps"

// inBubble calls f in its own bubble and returns the result, or stoppedClock if f takes longer than
// limit in real time. If f returns "" but leaves goroutines in the bubble, synctest panics and so
// does inBubble. Otherwise f has found them itself, and the panic is ignored.
func inBubble(t *testing.T, limit time.Duration, f func() string) string {
	results, ended := make(chan string, 1), make(chan any, 1)
	go func() {
		defer func() { ended <- recover() }()
		synctest.Test(t, func(*testing.T) { results <- f() })
	}()
	const moments = 100 // counted one by one, so that those in which the machine is suspended do not count
	moment := time.NewTicker(limit / moments)
	defer moment.Stop()
	for range moments {
		select {
		case <-moment.C:
		case result := <-results:
			awaitEnd(ended, result)
			return result
		case reason := <-ended:
			select {
			case result := <-results:
				return result
			default:
				panic(reason)
			}
		}
	}
	return stoppedClock
}

// awaitEnd waits until a bubble has ended. If it has found something, one of its goroutines may work forever.
func awaitEnd(ended <-chan any, found string) {
	if found == "" {
		if reason := <-ended; reason != nil {
			panic(reason)
		}
		return
	}
	select {
	case <-ended:
	case <-time.After(time.Second):
	}
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

// goroutineID returns what distinguishes the caller's goroutine from all others.
func goroutineID() string {
	header := make([]byte, 32)
	id, _, _ := strings.Cut(string(header[:runtime.Stack(header, false)]), "[") // "goroutine 7 [running"
	return id
}

// A census lists the goroutines of the process. That is slow if there are many, so it is taken after a range only if
// there are more of them than before, and once after all ranges of a batch: one of an earlier bubble may end during a range,
// and would hide one that the stage leaves behind. The room for the list is used again.
type census struct {
	mu     sync.Mutex // a range that never returned may return after all, and then it is listed, too
	stacks []byte
}

// leftBehind is the breach of a stage of which a goroutine is left in the bubble, nil if there is none. The caller must
// have waited for goroutines that are ending.
func (c *census) leftBehind(when string) *breach {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := runtime.Stack(c.stacks, true)
	for ; n == len(c.stacks); n = runtime.Stack(c.stacks, true) {
		c.stacks = make([]byte, max(64<<10, 2*len(c.stacks)))
	}
	header, _, _ := bytes.Cut(c.stacks[:n], []byte("\n")) // the first stack is the caller's
	_, bubble, _ := bytes.Cut(header, []byte("synctest"))
	maker, where, some := "", "", false
	for stack := range bytes.SplitSeq(c.stacks[:n], []byte("\n\n")) {
		if header, _, _ = bytes.Cut(stack, []byte("\n")); !bytes.HasSuffix(header, bubble) {
			continue
		}
		_, made, _ := bytes.Cut(stack, []byte("\ncreated by "))
		if m, at := makerAndPlace(string(made)); !isHarness(m) && (!some || m < maker || m == maker && at < where) {
			maker, where, some = m, at, true
		}
	}
	if !some {
		return nil
	}
	return &breach{lawGoroutines, "leaves a goroutine behind, started by " + maker + " at " + where + when}
}

// makerAndPlace reads the end of a stack: which function started the goroutine, and in which line.
func makerAndPlace(made string) (maker, place string) {
	maker, _, _ = strings.Cut(firstLine(made), " in goroutine")
	_, place, _ = strings.Cut(made, "\n\t")
	place, _, _ = strings.Cut(filepath.Base(place), " ")
	return maker, place
}

// isHarness reports whether a goroutine was started by the code around a stage.
func isHarness(maker string) bool {
	const here = "github.com/lambdabatch/batch/batchtest."
	return strings.HasPrefix(maker, "testing/synctest.") || maker == here+"inBubble" || maker == here+"callAll"
}
