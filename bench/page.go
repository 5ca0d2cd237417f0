package main

// The figures, as a page of Markdown.

import (
	"cmp"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

var partTitles = map[string]string{
	"sqs":      "SQS, payload bytes to response bytes",
	"kinesis":  "Kinesis, payload bytes to response bytes",
	"dynamodb": "DynamoDB, payload bytes to response bytes",
	"stages":   "Five stages of trivial functions, from the event to the response",
	"run":      "`Run` without a stage, from the event to the response",
	"lanes":    "1,000 records in 8 lanes, by the work per record",
}

// page returns the measured figures, the targets first.
func (r *results) page() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Figures\n\n%s\n", r.provenance())
	if targets := r.targets(); len(targets) > 0 && r.pace.rounds > 1 {
		b.WriteString("\n## Targets\n\n| measure | target | figure | |\n|---|---|---|---|\n")
		for _, t := range targets {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", t.what, cmp.Or(t.bound, "none"), t.figure, t.verdict())
		}
	}
	for _, c := range contests() {
		if r.costs[c.part][c.name] == nil {
			continue
		}
		if first := r.firstContest(c.part); first == c.name {
			fmt.Fprintf(&b, "\n## %s\n\nAll figures are per record. The last two columns are relative to the first row of each block.\n\n", partTitles[c.part])
			b.WriteString("| records | | CPU | elapsed | allocations | bytes | CPU | allocations |\n|---:|---|---:|---:|---:|---:|---:|---:|\n")
		}
		r.writeRows(&b, c)
	}
	if r.waits != nil {
		r.writeWaitTable(&b)
	}
	if r.binaries != nil {
		r.writeBinaryTable(&b)
	}
	return b.String()
}

// provenance says how and where the figures were measured.
func (r *results) provenance() string {
	node, _ := exec.Command("node", "--version").Output()
	machine := fmt.Sprintf("%s/%s with %d processors, %s, Node %s",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), strings.TrimSpace(string(node)))
	if r.pace.rounds == 1 {
		return "Everything ran once, on " + machine + ". This shows that it works, but the figures mean nothing."
	}
	return fmt.Sprintf("Written by `go run .` in the folder `bench`, on %s. Medians of %d rounds. The [README](../README.md) says what is compared.", machine, r.pace.rounds)
}

func (r *results) firstContest(part string) string {
	for _, c := range contests() {
		if c.part == part && r.costs[part][c.name] != nil {
			return c.name
		}
	}
	return ""
}

func (r *results) writeRows(b *strings.Builder, c contest) {
	costs := r.costs[c.part][c.name]
	base := costs[c.rivals[0].name]
	for _, rival := range c.rivals {
		k := costs[rival.name]
		allocs, bytes, more := "", "", ""
		if rival.node == nil {
			allocs, bytes = formatCount(k.Allocs), fmt.Sprintf("%.0f", k.Bytes)
			if c.part != "stages" && c.part != "lanes" && c.part != "run" {
				more = fmt.Sprintf("%.2f×", k.Allocs/base.Allocs)
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %.2f× | %s |\n",
			c.name, rival.name, formatNanoseconds(k.CPU), formatNanoseconds(k.Wall), allocs, bytes, k.CPU/base.CPU, more)
	}
}

func formatNanoseconds(ns float64) string {
	if ns < 100 {
		return fmt.Sprintf("%.1f ns", ns)
	}
	return fmt.Sprintf("%.0f ns", ns)
}

func formatCount(n float64) string {
	if n < 10 {
		return fmt.Sprintf("%.2f", n)
	}
	return fmt.Sprintf("%.1f", n)
}

func (r *results) writeWaitTable(b *strings.Builder) {
	b.WriteString("\n## 1,000 records that wait 5 ms each, in virtual time\n\n| | time |\n|---|---:|\n")
	for _, row := range []struct{ what, key string }{
		{"32 lanes, 100 groups, mixed", groupsMixed},
		{"32 lanes, 100 groups, one after another", groupsInARow},
		{"`TryEach`", writesOneByOne},
		{"`TryEach` in 8 lanes", writesInLanes},
		{"`TryEachChunk` of 25", writesInChunks},
		{"`TryEachChunk` of 25 in 8 lanes", writesInLaneChunks},
	} {
		fmt.Fprintf(b, "| %s | %s |\n", row.what, r.waits[row.key])
	}
	ideal := waitRecords * 5 * time.Millisecond / waitLanes
	fmt.Fprintf(b, "\nIf all 32 lanes were always busy, the first two would take %s.\n", ideal)
}

func (r *results) writeBinaryTable(b *strings.Builder) {
	b.WriteString("\n## A stripped Lambda binary for arm64\n\n| | size | relative to by hand | package initialisation |\n|---|---:|---:|---:|\n")
	for _, row := range []struct{ what, name, base string }{
		{"by hand, encoding/json", byHandFunction, byHandFunction},
		{"batch, encoding/json", libraryFunction, byHandFunction},
		{"batch, json/v2", libraryV2Function, byHandFunction},
		{"by hand, encoding/json, no logging", silentByHandFunction, silentByHandFunction},
		{"batch, encoding/json, no logging", silentLibraryFunction, silentByHandFunction},
	} {
		own, base := r.binaries[row.name], r.binaries[row.base]
		fmt.Fprintf(b, "| %s | %.2f MB | %+.2f MB | %s |\n", row.what, megabytes(own.size), megabytes(own.size-base.size), own.init)
	}
}
