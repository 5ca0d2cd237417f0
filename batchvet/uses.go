package batchvet

import (
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"
)

// A use of a stream is a place that ranges over it: at once, or, if the place is a call
// of a lazy stage, when the stage's stream is ranged over.
type use struct {
	pos    token.Pos
	stage  *ssa.Call         // the call of the lazy stage, or nil
	ranges []ssa.Instruction // where the stream is certainly ranged over
}

// usesOf lists the uses of stream. Storing it in a data structure does not count, and
// neither does passing it to an unknown function.
func usesOf(stream ssa.Value) []use { return collectUses(stream, map[ssa.Value]bool{}) }

func collectUses(stream ssa.Value, seen map[ssa.Value]bool) (uses []use) {
	if seen[stream] {
		return nil
	}
	seen[stream] = true
	defer delete(seen, stream)
	for _, user := range *stream.Referrers() {
		switch user := user.(type) {
		case *ssa.Return:
			if user.Pos().IsValid() { // without a position, it is the return after a recovered panic
				uses = append(uses, use{pos: user.Pos(), ranges: []ssa.Instruction{user}})
			}
		case *ssa.Call:
			uses = append(uses, useByCall(user, stream, seen))
		case *ssa.ChangeType:
			uses = append(uses, collectUses(user, seen)...)
		case *ssa.Store:
			switch to := user.Addr.(type) {
			case *ssa.Alloc:
				for _, load := range loadsOf(to) {
					uses = append(uses, collectUses(load, seen)...)
				}
			case *ssa.IndexAddr:
				if call := concatOf(to); call != nil {
					uses = append(uses, use{pos: posOf(call), stage: call, ranges: rangesOf(call, seen)})
				}
			}
		}
	}
	return uses
}

func rangesOf(stream ssa.Value, seen map[ssa.Value]bool) (ranges []ssa.Instruction) {
	for _, u := range collectUses(stream, seen) {
		ranges = append(ranges, u.ranges...)
	}
	return ranges
}

// concatOf returns the call of lo's Concat that has the element at address among its
// arguments, or nil.
func concatOf(address *ssa.IndexAddr) *ssa.Call {
	for _, user := range *address.X.Referrers() {
		list, ok := user.(*ssa.Slice)
		if !ok {
			continue
		}
		for _, user := range *list.Referrers() {
			if call, ok := user.(*ssa.Call); ok && isFunc(calleeOf(call), loPath, "Concat") {
				return call
			}
		}
	}
	return nil
}

// useByCall returns the use that call makes of stream.
func useByCall(call *ssa.Call, stream ssa.Value, seen map[ssa.Value]bool) use {
	u := use{pos: posOf(call)}
	common := call.Common()
	if common.Value == stream { // stream(yield), and for r := range stream
		u.ranges = []ssa.Instruction{call}
		return u
	}
	streams := 0
	for _, arg := range common.Args {
		if isStream(arg.Type()) {
			streams++
		}
	}
	switch {
	case streams != 1: // with several streams, it is unknown which of them the function ranges over
	case isStream(call.Type()) && isLazy(call, stream):
		u.stage, u.ranges = call, rangesOf(call, seen)
	case rangesAtOnce(calleeOf(call)):
		u.ranges = []ssa.Instruction{call}
	}
	return u
}

// rangesAtOnce reports whether f, which returns no stream, ranges over its argument.
func rangesAtOnce(f *types.Func) bool {
	lazy := func(t types.Type) bool { return signature(t) != nil }
	return isFunc(f, batchPath, "Collect", "CollectFirehose", "Partition", "Run") || isFunc(f, "iter", "Pull") ||
		(isFunc(f, "slices") || isFunc(f, loPath)) && !hasResult(f.Signature(), lazy)
}

// loadsOf lists the reads of a variable that is written once, including reads in
// closures. It is nil if the variable is written more often, because it is unknown
// which value a read sees.
func loadsOf(variable *ssa.Alloc) []ssa.Value {
	var loads []ssa.Value
	stores, known := 0, true
	var visit func(address ssa.Value)
	visit = func(address ssa.Value) {
		for _, user := range *address.Referrers() {
			switch user := user.(type) {
			case *ssa.Store:
				stores++
				known = known && user.Addr == address
			case *ssa.UnOp:
				loads = append(loads, user)
			case *ssa.MakeClosure:
				for i, captured := range user.Bindings {
					if captured == address {
						visit(user.Fn.(*ssa.Function).FreeVars[i])
					}
				}
			case *ssa.DebugRef:
			default:
				known = false
			}
		}
	}
	visit(variable)
	if stores != 1 || !known {
		return nil
	}
	return loads
}

func calleeOf(call *ssa.Call) *types.Func {
	f := call.Common().StaticCallee()
	if f == nil {
		return nil
	}
	if origin := f.Origin(); origin != nil {
		f = origin
	}
	declared, _ := f.Object().(*types.Func)
	return declared
}

// posOf returns the position of call in the source. A range statement becomes a call
// without a position, so its body's position is used.
func posOf(call *ssa.Call) token.Pos {
	for _, arg := range call.Common().Args {
		if body, ok := arg.(*ssa.MakeClosure); ok && !call.Pos().IsValid() {
			return body.Fn.Pos()
		}
	}
	return call.Pos()
}
