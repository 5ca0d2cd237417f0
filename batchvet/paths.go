package batchvet

import (
	"slices"

	"golang.org/x/tools/go/ssa"
)

// runsWith reports whether a range of u and one of v are on one path, and surely so:
// whenever the one is reached, the other one is, too.
func (u use) runsWith(v use) bool {
	for _, p := range u.ranges {
		for _, q := range v.ranges {
			if p == q || follows(p, q) || follows(q, p) {
				return true
			}
		}
	}
	return false
}

// follows reports whether q comes after p, and p has run whenever q does or q runs
// whenever p has.
func follows(p, q ssa.Instruction) bool {
	if p.Parent() != q.Parent() {
		place := placeIn(p.Parent(), q)
		return place != nil && (place == p || dominates(p, place))
	}
	return dominates(p, q) || leadsTo(p, q)
}

// placeIn is where f makes the closure that q is in, or ranges with it. It is nil if
// q is in no closure of f.
func placeIn(f *ssa.Function, q ssa.Instruction) ssa.Instruction {
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
		return users[0] // the body of a range statement
	}
	return made
}

// dominates reports whether p has run whenever q does.
func dominates(p, q ssa.Instruction) bool {
	if p.Block() == q.Block() {
		return slices.Index(p.Block().Instrs, p) < slices.Index(p.Block().Instrs, q)
	}
	return p.Block().Dominates(q.Block())
}

// leadsTo reports whether the function cannot return after p without q.
func leadsTo(p, q ssa.Instruction) bool {
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
