package batchvet

import (
	"cmp"
	"fmt"
	"go/token"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// checkTwice reports streams that one run of a function certainly ranges over twice.
// Every stage before the stream then runs twice, effects included.
//
// Stages are lazy, so passing a stream to two of them is not a mistake by itself. It
// is one if the same run ranges over the streams of both.
func (c checker) checkTwice() {
	for _, f := range c.functions {
		for _, stream := range enteringStreams(f) {
			_, source := stream.(*ssa.Call)
			c.checkTwiceFrom(stream, source, map[ssa.Value]bool{})
		}
	}
}

// checkTwiceFrom checks stream and the streams that lazy stages make from it. It does
// not report a pure stream, which repeats no effect: a source, or a stream made from
// one by stages whose functions take no context.
func (c checker) checkTwiceFrom(stream ssa.Value, pure bool, seen map[ssa.Value]bool) {
	if seen[stream] {
		return
	}
	seen[stream] = true
	uses := usesOf(stream)
	slices.SortStableFunc(uses, func(a, b use) int { return cmp.Compare(a.pos, b.pos) })
	for i, second := range uses {
		if first := slices.IndexFunc(uses[:i], second.alwaysRunsWith); first >= 0 && !pure {
			c.Reportf(second.pos, "%s is ranged over here and on line %d, so every stage before it runs twice: "+
				"range over it once, or keep its Results with slices.Collect", nameOf(stream), c.line(uses[first].pos))
			break
		}
	}
	for _, u := range uses {
		if u.stage != nil {
			stagePure := isFunc(calleeOf(u.stage), batchPath, "Map", "Filter", "FlatMap", "Decode")
			c.checkTwiceFrom(u.stage, pure && stagePure, seen)
		}
	}
}

func (c checker) line(pos token.Pos) int { return c.Fset.Position(pos).Line }

func nameOf(stream ssa.Value) string {
	switch v := stream.(type) {
	case *ssa.Parameter:
		return v.Name()
	case *ssa.Call:
		if f := calleeOf(v); f != nil {
			return fmt.Sprintf("the stream returned by %s", f.Name())
		}
	}
	return "this stream"
}

// enteringStreams lists the streams that enter the program in f: the parameters of a
// stage, and the streams of sources.
func enteringStreams(f *ssa.Function) (streams []ssa.Value) {
	if isStage(f.Signature) {
		for _, p := range f.Params {
			if isStream(p.Type()) {
				streams = append(streams, p)
			}
		}
	}
	for _, block := range f.Blocks {
		for _, instruction := range block.Instrs {
			call, ok := instruction.(*ssa.Call)
			if !ok || !isStream(call.Type()) {
				continue
			}
			if made := calleeOf(call); isFunc(made, batchPath) && hasParam(made.Signature(), isContext) {
				streams = append(streams, call)
			}
		}
	}
	return streams
}
