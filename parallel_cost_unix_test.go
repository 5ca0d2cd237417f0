//go:build unix

package batch_test

import (
	"syscall"
	"time"
)

// workOf returns how long processors worked for f. Other programs on the machine make the time that passes longer, but not
// this.
func workOf(f func()) float64 {
	before := processorTime()
	f()
	return float64(processorTime() - before)
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
