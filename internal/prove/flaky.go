package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// flaky runs the tests of all packages of the root module n times, with the race detector and in random order. Four times
// as many run at once as there are processors, so that the machine is busy, and every other run is halted again and again. So
// one run may take half an hour. Their GOMAXPROCS is 1, 2 and 8 in turn.
func flaky(ctx context.Context, from, n int) error {
	list, err := exec.CommandContext(ctx, "go", "list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}", "./...").Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	dir, err := os.MkdirTemp("", "prove")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	folders := strings.Fields(string(list))
	binary := func(i int) string { return filepath.Join(dir, fmt.Sprint(i, ".test")) }
	for i, folder := range folders {
		if err := command(ctx, "go", "test", "-race", "-c", "-o", binary(i), folder); err != nil {
			return err
		}
	}
	runtime.GOMAXPROCS(4 * runtime.NumCPU())
	return inParallel(ctx, from, from+n, func(ctx context.Context, round int) error {
		for i, folder := range folders {
			procs, halted := processors(round), round%2 == 1
			test := exec.CommandContext(ctx, binary(i), "-test.shuffle=on", "-test.timeout=2h")
			test.Dir, test.Env = folder, append(os.Environ(), "GOMAXPROCS="+procs)
			out, err := outputOf(test, halted)
			if err != nil {
				return fmt.Errorf("%s\nround %d: %s failed with GOMAXPROCS=%s, halted %t: %w", withoutDraws(out), round, folder, procs, halted, err)
			}
		}
		return nil
	}, func(done int) {
		fmt.Printf("%d of %d runs of every test; to continue from here: -from %d -n %d\n", done, n, from+done, n-done)
	})
}

// processors returns the GOMAXPROCS of a run: 1, 2 and 8 in turn.
func processors(round int) string { return []string{"1", "2", "8"}[round%3] }
