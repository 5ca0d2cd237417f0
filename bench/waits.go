package main

// Pipelines that wait are measured in virtual time. Only tests can have that, so the
// command runs tests that print their durations as attributes.

import (
	"fmt"
	"os/exec"
	"regexp"
	"time"
)

const (
	waitRecords = 1_000
	waitLanes   = 32
)

// The attributes that the tests print.
const (
	groupsMixed        = "groups-mixed"
	groupsInARow       = "groups-in-a-row"
	writesOneByOne     = "writes-one-by-one"
	writesInLanes      = "writes-in-lanes"
	writesInChunks     = "writes-in-chunks"
	writesInLaneChunks = "writes-in-lane-chunks"
)

// busyShare is the share of the time in which the lanes have work, at 5 ms per record.
func busyShare(took time.Duration) float64 {
	return float64(waitRecords*5*time.Millisecond/waitLanes) / float64(took)
}

var attribute = regexp.MustCompile(`(?m)^=== ATTR +\S+ (\S+) (\S+)$`)

func runWaits() (map[string]time.Duration, error) {
	out, err := exec.Command("go", "test", "-count=1", "-v", "-run", "^(TestLanesAreBusy|TestBulkWrites)", ".").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("waits: %w\n%s", err, out)
	}
	took := make(map[string]time.Duration)
	for _, a := range attribute.FindAllStringSubmatch(string(out), -1) {
		if took[a[1]], err = time.ParseDuration(a[2]); err != nil {
			return nil, err
		}
	}
	return took, nil
}
