package batchvet

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// twice reports streams that are ranged over twice wherever they are ranged over at
// all: what comes before runs twice then, effects included.
//
// A stage is lazy, so giving a stream to two of them is no mistake yet: only where
// both results are ranged over on one path it is.
func (c check) twice() {
	if !c.hasStreams() {
		return // SSA takes time, and most packages of a program need none
	}
	for _, f := range c.functions() {
		if syntax := f.Syntax(); syntax == nil || c.inTest(syntax) {
			continue
		}
		for _, stream := range startsIn(f) {
			_, source := stream.(*ssa.Call)
			c.twiceIn(stream, source, map[ssa.Value]bool{})
		}
	}
}

// hasStreams reports whether streams enter the package, other than in its tests.
func (c check) hasStreams() bool {
	for cur := range c.files.Root().Preorder((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil), (*ast.CallExpr)(nil)) {
		n, found := cur.Node(), false
		switch n := n.(type) {
		case *ast.FuncDecl:
			found = isStage(c.TypesInfo.Defs[n.Name].Type())
		case *ast.FuncLit:
			found = isStage(c.TypesInfo.TypeOf(n))
		case *ast.CallExpr:
			found = c.isSource(n)
		}
		if found && !c.inTest(n) {
			return true
		}
	}
	return false
}

// twiceIn reports stream, and what lazy stages make of it. It says nothing of a pure
// one: of a source, and of what functions without a context make of it.
func (c check) twiceIn(stream ssa.Value, pure bool, seen map[ssa.Value]bool) {
	if seen[stream] {
		return
	}
	seen[stream] = true
	uses := usesOf(stream)
	slices.SortStableFunc(uses, func(a, b use) int { return cmp.Compare(a.pos, b.pos) })
	for i, second := range uses {
		if first := slices.IndexFunc(uses[:i], second.runsWith); first >= 0 && !pure {
			c.Reportf(second.pos, "%s is ranged over here and in line %d, so all that comes before runs twice: "+
				"range over it once, or keep its Results with slices.Collect", nameOf(stream), c.line(uses[first].pos))
			break
		}
	}
	for _, u := range uses {
		if u.made != nil {
			stays := isFunc(calleeOf(u.made), batchPath, "Map", "Filter", "FlatMap", "Decode")
			c.twiceIn(u.made, pure && stays, seen)
		}
	}
}

func (c check) line(pos token.Pos) int { return c.Fset.Position(pos).Line }

func nameOf(stream ssa.Value) string {
	switch v := stream.(type) {
	case *ssa.Parameter:
		return v.Name()
	case *ssa.Call:
		if f := calleeOf(v); f != nil {
			return fmt.Sprintf("the stream of %s", f.Name())
		}
	}
	return "this stream"
}

// startsIn lists the streams that enter the program in f: what a stage is given, and
// what sources make.
func startsIn(f *ssa.Function) (streams []ssa.Value) {
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
			if made := calleeOf(call); isFunc(made, batchPath) && takes(made.Signature(), isContext) {
				streams = append(streams, call)
			}
		}
	}
	return streams
}

// functions builds the package's functions. Package buildssa would ask for facts
// about all imports, and so make go vet check the standard library first.
func (c check) functions() (all []*ssa.Function) {
	program := ssa.NewProgram(c.Fset, ssa.BuilderMode(0))
	for _, imported := range c.Pkg.Imports() {
		program.CreatePackage(imported, nil, nil, true)
	}
	pkg := program.CreatePackage(c.Pkg, c.Files, c.TypesInfo, false)
	pkg.Build()
	all = withInner(nil, pkg.Func("init")) // literals in variables of the package
	for _, file := range c.Files {
		for _, declaration := range file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok {
				all = withInner(all, program.FuncValue(c.TypesInfo.Defs[f.Name].(*types.Func)))
			}
		}
	}
	return all
}

func withInner(all []*ssa.Function, f *ssa.Function) []*ssa.Function {
	all = append(all, f)
	for _, inner := range f.AnonFuncs {
		all = withInner(all, inner)
	}
	return all
}
