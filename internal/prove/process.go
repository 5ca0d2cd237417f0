package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// command runs a program and shows its output.
func command(ctx context.Context, name string, args ...string) error {
	fmt.Println("$", name, strings.Join(args, " "))
	c := exec.CommandContext(ctx, name, args...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return c.Run()
}

// output runs a program in a folder and returns its output.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	return outputOf(c, false)
}

// outputOf runs a program and returns its output. If halted, the program is stopped for up to half a second again and
// again, as may happen on a machine that is short of processors. The clock goes on meanwhile.
func outputOf(c *exec.Cmd, halted bool) (string, error) {
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	c.WaitDelay = time.Second // programs that it has started may keep its output open
	if err := c.Start(); err != nil {
		return "", err
	}
	if halted {
		ended := make(chan struct{})
		var halting sync.WaitGroup
		halting.Go(func() { haltUntil(ended, c.Process.Pid) })
		defer halting.Wait()
		defer close(ended)
	}
	err := c.Wait()
	return out.String(), err
}

// haltUntil stops a process again and again. It needs the command kill. An error only means that the process has ended.
func haltUntil(ended <-chan struct{}, pid int) {
	for {
		select {
		case <-ended:
			return
		case <-time.After(rand.N(200 * time.Millisecond)):
		}
		_ = exec.Command("kill", "-STOP", strconv.Itoa(pid)).Run()
		time.Sleep(rand.N(500 * time.Millisecond))
		_ = exec.Command("kill", "-CONT", strconv.Itoa(pid)).Run()
	}
}

// inParallel calls f for the numbers from first to last-1, as many at a time as there are processors. About every ten
// seconds it reports how many of the first ones are done. At the first error, or if ctx ends, it stops and ends the context
// of the calls that go on.
func inParallel(ctx context.Context, first, last int, f func(context.Context, int) error, report func(done int)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var mu sync.Mutex
	next, done, shown := first, make(map[int]bool), time.Now()
	allDone := func() int {
		n := 0
		for done[first+n] {
			n++
		}
		return n
	}
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			mu.Lock()
			defer mu.Unlock()
			for ctx.Err() == nil && next < last {
				i := next
				next++
				mu.Unlock()
				err := f(ctx, i)
				mu.Lock()
				if err != nil {
					stop(err) // without effect if it has stopped already
					return
				}
				done[i] = true
				if time.Since(shown) > 10*time.Second {
					report(allDone())
					shown = time.Now()
				}
			}
		})
	}
	workers.Wait()
	report(allDone())
	return context.Cause(ctx)
}
