package batchtest_test

import (
	"slices"
	"time"

	"pgregory.net/rapid"
)

// item is the value in a drawn pipeline: a record, or after FlatMap one part of it.
type item struct {
	ID, Group string
	Part      int // 0 before FlatMap
}

// step is one stage of a drawn pipeline. The place of a function is the number of its step.
type step struct {
	kind string
	n    int // lanes or routes around all later steps, or the size of chunks
}

// pipeline is a drawn list of steps with an effect at the end. The place of the effect is len(steps).
type pipeline struct {
	steps []step
	chunk int  // the size of the chunks of the effect; 0: none
	each  bool // items of a chunk fail on their own, so a later one may take effect before an earlier one
}

func drawPipeline(rt *rapid.T, chunks bool) pipeline {
	kinds := []string{
		"map", "check", "then", "filter", "tryFilter", "flatMap", "tap", "catch", "parallel", "route", "hold", "pull", "ahead",
	}
	if chunks {
		kinds = append(kinds, "bulk")
	}
	var p pipeline
	flat := false
	for range rapid.IntRange(0, 5).Draw(rt, "steps") {
		s := step{kind: rapid.SampledFrom(kinds).Draw(rt, "step")}
		if s.kind == "flatMap" && flat {
			continue
		}
		flat = flat || s.kind == "flatMap"
		if s.kind == "parallel" || s.kind == "route" || s.kind == "bulk" {
			s.n = rapid.IntRange(1, 8).Draw(rt, "n")
		}
		p.steps = append(p.steps, s)
	}
	if chunks && rapid.Bool().Draw(rt, "in chunks") {
		p.chunk = rapid.IntRange(1, 5).Draw(rt, "chunk")
		p.each = rapid.Bool().Draw(rt, "each by itself")
	}
	return p
}

// plan is how the functions treat a record.
type plan struct {
	place   int // of the function that fails
	how     string
	times   int // how often it fails; forever is more often than any record is delivered
	lasts   time.Duration
	filter  bool
	parts   int
	settled bool   // Catch settles its error
	opens   string // what opening the scope of the record does, the first times
	closes  string // likewise
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
	if slices.Contains(how, "exit") {
		one.opens = rapid.SampledFrom([]string{"", "", "", "", "panic", "exit", "stuck"}).Draw(rt, "opens")
		one.closes = rapid.SampledFrom([]string{"", "", "", "", "panic", "exit", "stuck"}).Draw(rt, "closes")
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
