package main

// What the command has found out, and what of it is a target.

import (
	"fmt"
	"math"
	"time"
)

// results hold what was measured; a part that was not run is missing.
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

// A target is a bound, and the figure that should keep it.
type target struct {
	what   string
	bound  string // empty: the figure is only shown
	figure string
	met    bool
}

func (t target) verdict() string {
	switch {
	case t.bound == "":
		return ""
	case t.met:
		return "met"
	}
	return "**not met**"
}

// targets are those of the parts that were run.
func (r *results) targets() []target {
	var all []target
	if r.costs["sqs"] != nil {
		all = append(all, r.payloadTargets()...)
	}
	if r.costs["stages"] != nil {
		all = append(all, r.stageTargets()...)
	}
	if r.costs["lanes"] != nil {
		all = append(all,
			r.ratioTarget("lanes", "3 µs", conc, 1.25),
			r.ratioTarget("lanes", "0.3 µs", errGroup, 0.6))
	}
	if r.waits != nil {
		busy := busyShare(r.waits[groupsMixed])
		all = append(all, target{"`Parallel`, 100 groups, 32 lanes: part of the time that lanes are busy", "≥ 0.9", fmt.Sprintf("%.3f", busy), busy >= 0.9})
	}
	if r.binaries != nil {
		all = append(all,
			r.sizeTarget("binary with the library, against by hand, both with encoding/json", withLibrary),
			r.sizeTarget("binary with the library and json/v2, against by hand with encoding/json", withLibraryV2))
	}
	return all
}

func (r *results) sizeTarget(what, function string) target {
	more := megabytes(r.binaries[function].size - r.binaries[without].size)
	return target{what, "≤ +1 MB", fmt.Sprintf("%+.2f MB", more), more <= 1}
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }

func (r *results) payloadTargets() (all []target) {
	for _, n := range []string{"1000", "10000"} {
		lib, hand := r.costs["sqs"][n][libraryV2], r.costs["sqs"][n][byHand]
		all = append(all,
			atLeast(n+" SQS messages, CPU of `lambda.NewHandler` against batch with json/v2", 3, hand.CPU/lib.CPU),
			atLeast(n+" SQS messages, allocations of `lambda.NewHandler` against batch with json/v2", 4, hand.Allocs/lib.Allocs),
			atLeast(n+" SQS messages, time of Powertools TypeScript (sync) against batch with json/v2", 1.5, r.costs["sqs"][n][powertools].Wall/lib.Wall))
	}
	return append(all, r.levelTarget("SQS payloads with json/v2: CPU a record at 100, 1000, 10000, largest to smallest", "sqs", libraryV2))
}

func (r *results) stageTargets() (all []target) {
	for _, n := range []string{"10", "100", "1000", "10000"} {
		what := "five stages, " + n + " records, CPU of batch against the plain chain"
		ratio := r.costs["stages"][n][library].CPU / r.costs["stages"][n][plain].CPU
		if n == "10" || n == "100" {
			all = append(all, unbounded(what, ratio))
		} else {
			all = append(all, atMost(what, 1.8, ratio))
		}
	}
	return append(all,
		r.allocsTarget(library, 24),
		r.allocsTarget(running, 32),
		r.levelTarget("five stages: CPU a record at 100, 1000, 10000, largest to smallest", "stages", library))
}

func (r *results) allocsTarget(rival string, bound float64) target {
	allocs := math.Round(r.costs["stages"]["1000"][rival].Allocs * 1000)
	return target{"five stages, allocations a batch of 1000: " + rival, fmt.Sprintf("≤ %.0f", bound), fmt.Sprintf("%.0f", allocs), allocs <= bound}
}

func atLeast(what string, bound, figure float64) target {
	return target{what, fmt.Sprintf("≥ %g×", bound), fmt.Sprintf("%.2f×", figure), figure >= bound}
}

func atMost(what string, bound, figure float64) target {
	return target{what, fmt.Sprintf("≤ %g×", bound), fmt.Sprintf("%.2f×", figure), figure <= bound}
}

func unbounded(what string, figure float64) target {
	return target{what: what, figure: fmt.Sprintf("%.2f×", figure)}
}

func (r *results) levelTarget(what, part, rival string) target {
	var least, most float64
	for i, n := range []string{"100", "1000", "10000"} {
		c := r.costs[part][n][rival].CPU
		if i == 0 {
			least, most = c, c
		}
		least, most = min(least, c), max(most, c)
	}
	return atMost(what, 1.5, most/least)
}

func (r *results) ratioTarget(part, contest, rival string, bound float64) target {
	figure := r.costs[part][contest][library].Wall / r.costs[part][contest][rival].Wall
	return atMost(fmt.Sprintf("`Parallel`, 1000 records, 8 lanes, %s of work: time against %s", contest, rival), bound, figure)
}
