package main

import (
	"fmt"
	"regexp"
)

// target is a fuzz target of package wire.
var target = regexp.MustCompile(`(?m)^Fuzz\w+`)

// burst is how many payloads one call of go test tries.
const burst = 500_000

// fuzz tries n payloads, in turn on each reader of package wire. What go test finds worth keeping stays in its cache, so
// every call goes on where the last one has stopped, whatever from is.
func fuzz(from, n int) error {
	list, err := output(".", "go", "test", "-list", "^Fuzz", "./internal/wire")
	targets := target.FindAllString(list, -1)
	if err != nil || len(targets) == 0 {
		return fmt.Errorf("%s\nno fuzz targets: %w", list, err)
	}
	for i := from / burst; i*burst < from+n; i++ {
		name := targets[i%len(targets)]
		// Minimising a finding could take all the time.
		out, err := output(".", "go", "test", "-run", "^$", "-fuzz", "^"+name+"$",
			"-fuzztime", fmt.Sprint(burst, "x"), "-fuzzminimizetime", "1x", "./internal/wire")
		if err != nil {
			return fmt.Errorf("%s\n%s failed: %w", out, name, err)
		}
		fmt.Printf("%s: %d of %d payloads; to continue from here: -from %d\n", name, (i+1)*burst-from, n, (i+1)*burst)
	}
	return nil
}
