package batchtest

import (
	"cmp"
	"fmt"
	"time"
)

// The service's limits.
const (
	maxRecordAge = 7 * 24 * time.Hour
	maxWindow    = 15 * time.Minute
)

func inRange(name string, n, low, high int) {
	if n < low || n > high {
		panic(fmt.Sprintf("batchtest: %s: %d is not between %d and %d", name, n, low, high))
	}
}

func notNegative(name string, d time.Duration) {
	if d < 0 {
		panic(fmt.Sprintf("batchtest: %s: %v is negative", name, d))
	}
}

func atMost(name string, d, most time.Duration) {
	notNegative(name, d)
	if d > most {
		panic(fmt.Sprintf("batchtest: %s: %v is more than %v", name, d, most))
	}
}

func functionTimeout(d time.Duration) time.Duration {
	notNegative("Timeout", d)
	return cmp.Or(d, 3*time.Second)
}

// requireMade panics if a source is a zero value, whose function has no timeout.
func requireMade(timeout time.Duration, constructor string) {
	if timeout == 0 {
		panic("batchtest: " + constructor + " was not called: the zero value is not ready to use")
	}
}
