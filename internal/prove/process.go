package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

// command runs a program and shows its output.
func command(name string, args ...string) error {
	fmt.Println("$", name, strings.Join(args, " "))
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return c.Run()
}

// output runs a program in a folder and returns its output.
func output(dir, name string, args ...string) (string, error) {
	c := exec.Command(name, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	return string(out), err
}

// inParallel calls f for the numbers from first to last-1, as many at a time as there are processors. About every ten
// seconds it reports how many of the first ones are done. It stops at the first error.
func inParallel(first, last int, f func(int) error, report func(done int)) error {
	var mu sync.Mutex
	var failed error
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
			for failed == nil && next < last {
				i := next
				next++
				mu.Unlock()
				err := f(i)
				mu.Lock()
				if err != nil {
					failed = err
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
	return failed
}
