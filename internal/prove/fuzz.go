package main

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
)

// target is a fuzz target of package wire.
var target = regexp.MustCompile(`(?m)^Fuzz\w+`)

// burst is how many payloads one call of go test tries.
const burst = 1_000_000

// fuzz tries n payloads, in turn on each reader of package wire. What go test finds worth keeping stays in its cache, so
// every call goes on where the last one has stopped, whatever from is.
func fuzz(ctx context.Context, from, n int) error {
	list, err := output(ctx, ".", "go", "test", "-list", "^Fuzz", "./internal/wire")
	targets := target.FindAllString(list, -1)
	if err != nil || len(targets) == 0 {
		return fmt.Errorf("%s\nno fuzz targets: %w", list, err)
	}
	for i := from / burst; i*burst < from+n; i++ {
		name := targets[i%len(targets)]
		// A worker waits between its turns, so two for each processor get more done than one. Minimising a finding
		// could take all the time.
		out, err := output(ctx, ".", "go", "test", "-parallel", fmt.Sprint(2*runtime.NumCPU()), "-run", "^$", "-fuzz", "^"+name+"$",
			"-fuzztime", fmt.Sprint(burst, "x"), "-fuzzminimizetime", "1x", "./internal/wire")
		if err != nil {
			return fmt.Errorf("%s\n%s failed: %w", out, name, err)
		}
		done := (i+1)*burst - from
		fmt.Printf("%s: %d of %d payloads; to continue from here: -from %d -n %d\n", name, done, n, from+done, max(n-done, 0))
	}
	return nil
}
