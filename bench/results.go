package main

// The measured figures, and where they are written.

import (
	"os"
	"path/filepath"
	"time"
)

// results has the measured figures of the parts that were run.
type results struct {
	pace     pace
	costs    map[string]map[string]map[string]cost // by part, contest and rival
	waits    map[string]time.Duration
	binaries map[string]binary
}

func (r *results) add(c contest, costs map[string]cost) {
	if r.costs[c.part] == nil {
		r.costs[c.part] = make(map[string]map[string]cost)
	}
	r.costs[c.part][c.name] = costs
}

func (r *results) write(dir, page string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "figures.md"), []byte(page), 0o644); err != nil {
		return err
	}
	if len(r.costs["sqs"]) < len(sizes) {
		return nil
	}
	return r.drawChart(filepath.Join(dir, "chart.svg"))
}
