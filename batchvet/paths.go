package batchvet

import (
	"slices"

	"golang.org/x/tools/go/ssa"
)

// alwaysRunsWith reports whether u and v have ranges that run together: in every run of
// the function that reaches one of the two, or in every run that reaches the other.
func (u use) alwaysRunsWith(v use) bool {
	for _, p := range u.ranges {
		for _, q := range v.ranges {
			if p == q || follows(p, q) || follows(q, p) {
				return true
			}
		}
	}
	return false
}

// follows reports whether q runs after p in every run that reaches p, or in every run
// that reaches q.
func follows(p, q ssa.Instruction) bool {
	if p.Parent() != q.Parent() {
		place := placeWithin(p.Parent(), q)
		return place != nil && (place == p || dominates(p, place))
	}
	return dominates(p, q) || alwaysReaches(p, q)
}

// placeWithin returns the instruction of f that makes the closure around q, or that
// ranges with the closure. It is nil if q is in no closure of f.
func placeWithin(f *ssa.Function, q ssa.Instruction) ssa.Instruction {
	inner := q.Parent()
	for ; inner != nil && inner.Parent() != f; inner = inner.Parent() {
	}
	if inner == nil {
		return nil
	}
	for _, block := range f.Blocks {
		for _, instruction := range block.Instrs {
			if place := placeOf(inner, instruction); place != nil {
				return place
			}
		}
	}
	return nil
}

func placeOf(inner *ssa.Function, instruction ssa.Instruction) ssa.Instruction {
	made, ok := instruction.(*ssa.MakeClosure)
	if !ok || made.Fn != inner {
		return nil
	}
	if users := *made.Referrers(); inner.Synthetic != "" && len(users) == 1 {
		return users[0] // inner is the body of a range statement
	}
	return made
}

// dominates reports whether p has run before q in every run that reaches q.
func dominates(p, q ssa.Instruction) bool {
	if p.Block() == q.Block() {
		return slices.Index(p.Block().Instrs, p) < slices.Index(p.Block().Instrs, q)
	}
	return p.Block().Dominates(q.Block())
}

// alwaysReaches reports whether the function cannot return after p without running q.
func alwaysReaches(p, q ssa.Instruction) bool {
	reached, left := false, false
	seen := map[*ssa.BasicBlock]bool{}
	var visit func(*ssa.BasicBlock)
	visit = func(b *ssa.BasicBlock) {
		if seen[b] {
			return
		}
		seen[b] = true
		if b == q.Block() {
			reached = true
			return
		}
		if _, ok := b.Instrs[len(b.Instrs)-1].(*ssa.Return); ok {
			left = true
		}
		for _, next := range b.Succs {
			visit(next)
		}
	}
	if p.Block() != q.Block() {
		visit(p.Block())
	}
	return reached && !left
}
