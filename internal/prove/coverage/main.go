// Command coverage runs the tests of the root package and of the folders that it is built on, and prints how much of
// each is covered. It fails if the own tests of one cover less than 98 % of its statements.
//
//	go run ./internal/prove/coverage
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

const (
	module = "github.com/lambdabatch/batch"
	least  = 98.0 // percent
)

// machinery is what the root package is built on.
var machinery = []string{"wire", "order", "lanes", "ledger", "printable", "stacktrace", "watch"}

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	packages := []string{module}
	for _, name := range machinery {
		packages = append(packages, module+"/internal/"+name)
	}
	// Few drawn cases suffice: nearly every statement has a test of its own.
	byRoot, err := measure("-rapid.checks=30", "-coverpkg="+strings.Join(packages, ","), module)
	if err != nil {
		return err
	}
	byOwn, err := measure(packages[1:]...)
	if err != nil {
		return err
	}
	all := byRoot.and(byOwn)
	byOwn = byOwn.and(byRoot.of(module))
	err = writeTable(out, packages, byOwn, all)
	for _, missed := range all.missed() {
		fmt.Fprintln(out, "not covered:", missed)
	}
	return err
}

// measure runs go test and returns the profile that it writes.
func measure(args ...string) (profile, error) {
	dir, err := os.MkdirTemp("", "coverage")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "profile")
	test := exec.Command("go", append([]string{"test", "-timeout=30m", "-coverprofile=" + file}, args...)...)
	if output, err := test.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", test, err, output)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return parse(string(text))
}

// writeTable writes a line per package. The error names the packages that their own tests cover too little.
func writeTable(out io.Writer, packages []string, byOwn, all profile) (err error) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "package\tstatements\tby its own tests\tand by those of the root\t")
	for _, name := range packages {
		own, total := byOwn.of(name).count()
		both, _ := all.of(name).count()
		short := strings.TrimPrefix(strings.TrimPrefix(name, module), "/")
		if short == "" {
			short = "root"
		}
		if total == 0 {
			fmt.Fprintf(table, "%s\t0\t\t\t\n", short)
			continue
		}
		share := percent(own, total)
		fmt.Fprintf(table, "%s\t%d\t%.1f %%\t%.1f %%\t\n", short, total, share, percent(both, total))
		if share < least {
			err = errors.Join(err, fmt.Errorf("%s: its own tests cover %.1f %%, which is less than %.0f %%", short, share, least))
		}
	}
	return errors.Join(err, table.Flush())
}

func percent(part, whole int) float64 { return 100 * float64(part) / float64(whole) }
