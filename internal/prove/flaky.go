package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// flaky runs the tests of all packages of the root module n times, with the race detector and in random order. Three times
// as many run at once as there are processors, so that the machine is busy, and every other run is halted again and again.
// Their GOMAXPROCS is 1, 2 and 8 in turn.
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
	runtime.GOMAXPROCS(3 * runtime.NumCPU())
	processors := []string{"1", "2", "8"}
	return inParallel(from, from+n, func(round int) error {
		for i, folder := range folders {
			procs, halted := processors[round%len(processors)], round%2 == 1
			test := exec.Command(binary(i), "-test.shuffle=on", "-test.timeout=30m")
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
