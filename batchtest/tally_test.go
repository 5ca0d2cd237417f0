package batchtest_test

import (
	"encoding/json"
	"flag"
	"os"
	"sync"

	"github.com/samber/lo"
)

var tallyFile = flag.String("tally", "", "write to this file how often drawn schedules reached what")

// A tally counts what drawn schedules have reached, over all tests.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

var reached = tally{counts: make(map[string]int)}

func tallied(what string, n int) {
	reached.mu.Lock()
	defer reached.mu.Unlock()
	reached.counts[what] += n
}

// write writes the tally, which package prove reads.
func (t *tally) write(file string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return os.WriteFile(file, lo.Must(json.Marshal(t.counts)), 0o644)
}
