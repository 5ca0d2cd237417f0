package batchtest_test

import (
	"time"

	"pgregory.net/rapid"
)

// item is what drawn pipelines work on: a record, or one part of it after
// FlatMap.
type item struct {
	ID, Group string
	Part      int // 0 before FlatMap
}

// A drawn pipeline is a list of steps with an effect at the end. Functions that
// may fail have the number of their step as their place; the effect's is
// len(steps).
type step struct {
	kind  string
	lanes int // of a Parallel around all the steps that follow, or how many routes
}

type pipeline struct {
	steps []step
	chunk int  // the effect takes so many at once; 0: one
	each  bool // elements of a chunk fail by themselves, so that later ones are done before earlier ones
}

func drawPipeline(rt *rapid.T, chunks bool) pipeline {
	kinds := []string{"map", "check", "then", "filter", "tryFilter", "flatMap", "tap", "catch", "parallel", "route"}
	var p pipeline
	flat := false
	for range rapid.IntRange(0, 5).Draw(rt, "steps") {
		s := step{kind: rapid.SampledFrom(kinds).Draw(rt, "step")}
		if s.kind == "flatMap" && flat {
			continue
		}
		flat = flat || s.kind == "flatMap"
		if s.kind == "parallel" || s.kind == "route" {
			s.lanes = rapid.IntRange(1, 8).Draw(rt, "lanes")
		}
		p.steps = append(p.steps, s)
	}
	if chunks && rapid.Bool().Draw(rt, "in chunks") {
		p.chunk = rapid.IntRange(1, 5).Draw(rt, "chunk")
		p.each = rapid.Bool().Draw(rt, "each by itself")
	}
	return p
}

// plan is how the functions treat one record.
type plan struct {
	place   int // where it goes wrong
	how     string
	times   int // so often; forever is more often than anything is tried
	lasts   time.Duration
	filter  bool
	parts   int
	settled bool // its error is one that Catch settles
}

const forever = 1 << 30

func drawPlan(rt *rapid.T, p pipeline, how []string, maxTimes int) plan {
	one := plan{
		filter: rapid.IntRange(0, 9).Draw(rt, "filtered") == 0,
		parts:  rapid.SampledFrom([]int{1, 1, 2, 3, 0}).Draw(rt, "parts"),
	}
	if rapid.IntRange(0, 2).Draw(rt, "fails") > 0 {
		return one
	}
	one.place = rapid.IntRange(0, len(p.steps)).Draw(rt, "place")
	one.how = rapid.SampledFrom(how).Draw(rt, "how")
	one.times = rapid.IntRange(1, 4).Draw(rt, "times")
	if maxTimes == forever && rapid.IntRange(0, 3).Draw(rt, "poison") == 0 {
		one.times = forever
	}
	one.lasts = time.Duration(rapid.IntRange(1, 20).Draw(rt, "lasts")) * time.Second
	one.settled = rapid.IntRange(0, 4).Draw(rt, "settled") == 0
	return one
}
