package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// flaky runs the tests of all packages of the root module n times, with the race detector and in random order. Twice as
// many run at once as there are processors, so that the machine is busy. Their GOMAXPROCS is 1, 2 and 8 in turn.
func flaky(from, n int) error {
	list, err := output(".", "go", "list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}", "./...")
	if err != nil {
		return fmt.Errorf("%s\n%w", list, err)
	}
	dir, err := os.MkdirTemp("", "prove")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	folders := strings.Fields(list)
	binary := func(i int) string { return filepath.Join(dir, fmt.Sprint(i, ".test")) }
	for i, folder := range folders {
		if err := command("go", "test", "-race", "-c", "-o", binary(i), folder); err != nil {
			return err
		}
	}
	runtime.GOMAXPROCS(2 * runtime.NumCPU())
	processors := []string{"1", "2", "8"}
	return inParallel(from, from+n, func(round int) error {
		for i, folder := range folders {
			procs := processors[round%len(processors)]
			out, err := output(folder, "env", "GOMAXPROCS="+procs, binary(i), "-test.shuffle=on", "-test.timeout=30m")
			if err != nil {
				return fmt.Errorf("%s\nround %d: %s failed with GOMAXPROCS=%s: %w", withoutDraws(out), round, folder, procs, err)
			}
		}
		return nil
	}, func(done int) {
		fmt.Printf("%d of %d runs of every test; to continue from here: -from %d -n %d\n", done, n, from+done, n-done)
	})
}
