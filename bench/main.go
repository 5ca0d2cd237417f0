// Bench compares package batch with other ways to write a batch handler. See its
// README.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const powertoolsDir = "powertools"

var parts = []string{"sqs", "kinesis", "dynamodb", "stages", "run", "lanes", "waits", "size"}

func main() {
	var err error
	if len(os.Args) == 5 && os.Args[1] == "serve" {
		err = serve(os.Args[2], os.Args[3], os.Args[4], os.Stdin, os.Stdout)
	} else {
		err = command()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command() error {
	quickly := flag.Bool("quick", false, "run everything once: this shows that it works, but the figures mean nothing")
	only := flag.String("only", strings.Join(parts, ","), "the `parts` to run, separated by commas")
	out := flag.String("out", "", "the `folder` for figures.md and chart.svg (default \"results\" if all parts run, otherwise none)")
	flag.Parse()
	chosen := strings.Split(*only, ",")
	for _, part := range chosen {
		if !slices.Contains(parts, part) {
			return fmt.Errorf("unknown part %q: choose from %s", part, strings.Join(parts, ","))
		}
	}
	dir, err := os.MkdirTemp("", "batch-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	complete := !*quickly && len(chosen) == len(parts)
	p := full
	if *quickly {
		p = quick
	}
	r, err := run(chosen, p, dir)
	if err != nil {
		return err
	}
	page := r.page()
	fmt.Print("\n", page)
	if *out == "" && complete {
		*out = "results"
	}
	return r.write(cmp.Or(*out, dir), page)
}

func run(chosen []string, p pace, dir string) (*results, error) {
	r := &results{pace: p, costs: make(map[string]map[string]map[string]cost)}
	if err := installPowertools(); err != nil {
		return nil, err
	}
	for _, c := range contests() {
		if !slices.Contains(chosen, c.part) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s %s\n", c.part, c.name)
		costs, err := c.run(p, dir)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", c.part, c.name, err)
		}
		r.add(c, costs)
	}
	var waitsErr, sizeErr error
	if slices.Contains(chosen, "waits") {
		fmt.Fprintln(os.Stderr, "waits")
		r.waits, waitsErr = runWaits()
	}
	if slices.Contains(chosen, "size") {
		fmt.Fprintln(os.Stderr, "size")
		r.binaries, sizeErr = buildFunctions(dir, p.rounds)
	}
	return r, errors.Join(waitsErr, sizeErr)
}

// installPowertools runs npm ci if node_modules is missing or older than the lock file.
func installPowertools() error {
	locked, err := os.Stat(filepath.Join(powertoolsDir, "package-lock.json"))
	if err != nil {
		return fmt.Errorf("%w: run this command in the folder bench", err)
	}
	installed, err := os.Stat(filepath.Join(powertoolsDir, "node_modules", ".package-lock.json"))
	if err == nil && !installed.ModTime().Before(locked.ModTime()) {
		return nil
	}
	npm := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = powertoolsDir
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in %s: %w\n%s", powertoolsDir, err, out)
	}
	return nil
}
