package main

// The bounds that the figures should keep.

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/samber/lo"
)

// A target is a bound for a figure.
type target struct {
	what   string
	bound  string // if empty, the figure is only shown
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

// targets returns the targets of the parts that were run.
func (r *results) targets() []target {
	var all []target
	if r.costs["sqs"] != nil {
		all = append(all, r.payloadTargets()...)
	}
	if r.costs["kinesis"] != nil {
		all = append(all, r.streamTargets("kinesis", "Kinesis", libraryV2, 1.1)...)
	}
	if r.costs["dynamodb"] != nil {
		all = append(all, r.streamTargets("dynamodb", "DynamoDB", library, 1)...)
	}
	if r.costs["stages"] != nil {
		all = append(all, r.stageTargets()...)
	}
	if r.costs["run"] != nil {
		all = append(all,
			r.allocsTarget("`Run` without a stage, one record: allocations with a deadline", "run", "1", runWithDeadline, 22),
			r.allocsTarget("`Run` without a stage, one record: allocations without a deadline", "run", "1", runWithoutDeadline, 16))
	}
	if r.costs["lanes"] != nil {
		all = append(all,
			r.laneTarget("3 µs", conc, 1.25),
			r.laneTarget("0.3 µs", errGroup, 0.95),
			r.laneTarget("0.3 µs, GOGC=400", errGroup, 0.8))
	}
	if r.waits != nil {
		busy := busyShare(r.waits[groupsMixed])
		all = append(all, target{"`Parallel`, 100 groups, 32 lanes: share of the time that lanes are busy", "≥ 0.9", fmt.Sprintf("%.3f", busy), busy >= 0.9})
	}
	if r.binaries != nil {
		all = append(all,
			r.sizeTarget("size of a binary with the library relative to by hand, both with encoding/json", libraryFunction),
			r.sizeTarget("size of a binary with the library and json/v2 relative to by hand with encoding/json", libraryV2Function))
	}
	return all
}

func (r *results) sizeTarget(what, function string) target {
	more := megabytes(r.binaries[function].size - r.binaries[byHandFunction].size)
	return target{what, "≤ +1 MB", fmt.Sprintf("%+.2f MB", more), more <= 1}
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }

func (r *results) payloadTargets() (all []target) {
	for _, size := range []string{"1, none refused", "1, none refused, " + oneThread} {
		c := r.costs["sqs"][size]
		all = append(all, atMost("SQS, batch of "+size+": elapsed time of batch with json/v2 relative to the floor", 2.7, c[libraryV2].Wall/c[floor].Wall))
	}
	for _, of := range []struct {
		size          string
		byHand, power float64
	}{
		{"10, none refused", 2.6, 1}, {"10, none refused, " + oneThread, 2.6, 1}, {"10", 2.6, 1}, {"10, " + oneThread, 2.6, 1},
		{"1000", 4.5, 1.5}, {"10000", 3, 1.5},
	} {
		c := r.costs["sqs"][of.size]
		all = append(all,
			atLeast("SQS, batch of "+of.size+": CPU of `lambda.NewHandler` relative to batch with json/v2", of.byHand, c[byHand].CPU/c[libraryV2].CPU),
			atLeast("SQS, batch of "+of.size+": elapsed time of Powertools TypeScript (sync) relative to batch with json/v2", of.power, c[powertools].Wall/c[libraryV2].Wall))
	}
	for _, size := range []string{"1000", "10000"} {
		c := r.costs["sqs"][size]
		all = append(all, atLeast("SQS, batch of "+size+": allocations of `lambda.NewHandler` relative to batch with json/v2", 4, c[byHand].Allocs/c[libraryV2].Allocs))
	}
	return append(all, r.flatCostTarget("SQS with json/v2: CPU per record in batches of 100, 1000 and 10000, largest relative to smallest", "sqs", libraryV2))
}

// streamTargets are about batches of ten records, where the fixed cost matters most.
func (r *results) streamTargets(part, name, rival string, bound float64) []target {
	return lo.Map([]string{"10", "10, " + oneThread}, func(size string, _ int) target {
		c := r.costs[part][size]
		return atLeast(name+", batch of "+size+": elapsed time of Powertools TypeScript (sync) relative to batch", bound, c[powertools].Wall/c[rival].Wall)
	})
}

func (r *results) stageTargets() (all []target) {
	for _, of := range []struct {
		size  string
		bound float64 // 0 if there is none
	}{{"10", 2}, {"100", 0}, {"1000", 1.4}, {"10000", 1.8}} {
		what := "five stages, batch of " + of.size + ": CPU of batch relative to the plain chain"
		ratio := r.costs["stages"][of.size][library].CPU / r.costs["stages"][of.size][chain].CPU
		if of.bound == 0 {
			all = append(all, unbounded(what, ratio))
		} else {
			all = append(all, atMost(what, of.bound, ratio))
		}
	}
	return append(all,
		r.allocsTarget("five stages, allocations per batch of 1000: "+library, "stages", "1000", library, 24),
		r.allocsTarget("five stages, allocations per batch of 1000: "+runWithDeadline, "stages", "1000", runWithDeadline, 32),
		r.flatCostTarget("five stages: CPU per record in batches of 100, 1000 and 10000, largest relative to smallest", "stages", library))
}

func (r *results) allocsTarget(what, part, size, rival string, bound float64) target {
	n, _ := strconv.Atoi(size)
	allocs := math.Round(r.costs[part][size][rival].Allocs * float64(n))
	return target{what, fmt.Sprintf("≤ %.0f", bound), fmt.Sprintf("%.0f", allocs), allocs <= bound}
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

func (r *results) flatCostTarget(what, part, rival string) target {
	costs := lo.Map([]string{"100", "1000", "10000"}, func(size string, _ int) float64 {
		return r.costs[part][size][rival].CPU
	})
	return atMost(what, 1.5, slices.Max(costs)/slices.Min(costs))
}

func (r *results) laneTarget(contest, rival string, bound float64) target {
	figure := r.costs["lanes"][contest][library].Wall / r.costs["lanes"][contest][rival].Wall
	return atMost(fmt.Sprintf("`Parallel`, 1000 records, 8 lanes, work per record %s: elapsed time relative to %s", contest, rival), bound, figure)
}
