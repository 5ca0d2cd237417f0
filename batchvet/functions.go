package batchvet

import (
	"go/ast"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ssa"
)

// usesBatch reports whether the package, outside of its tests, has a stage, or a call whose
// result must be used.
func (c checker) usesBatch() bool {
	for cur := range c.files.Root().Preorder((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil), (*ast.CallExpr)(nil)) {
		n, found := cur.Node(), false
		switch n := n.(type) {
		case *ast.FuncDecl:
			found = isStage(c.TypesInfo.Defs[n.Name].Type())
		case *ast.FuncLit:
			found = isStage(c.TypesInfo.TypeOf(n))
		case *ast.CallExpr:
			found = c.unusedMessage(n) != ""
		}
		if found && !c.inTest(n) {
			return true
		}
	}
	return false
}

// buildFunctions builds the package's functions in SSA form, without those of tests. It does without
// package buildssa, which requires facts about all imports: go vet would have to analyse the standard
// library first.
func (c checker) buildFunctions() []*ssa.Function {
	program := ssa.NewProgram(c.Fset, ssa.BuilderMode(0))
	for _, imported := range c.Pkg.Imports() {
		program.CreatePackage(imported, nil, nil, true)
	}
	pkg := program.CreatePackage(c.Pkg, c.Files, c.TypesInfo, false)
	pkg.Build()
	all := appendWithLiterals(nil, pkg.Func("init")) // it has the literals in package-level variables
	for _, file := range c.Files {
		for _, declaration := range file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok {
				all = appendWithLiterals(all, program.FuncValue(c.TypesInfo.Defs[f.Name].(*types.Func)))
			}
		}
	}
	return slices.DeleteFunc(all, func(f *ssa.Function) bool {
		syntax := f.Syntax()
		return syntax == nil || c.inTest(syntax)
	})
}

func appendWithLiterals(all []*ssa.Function, f *ssa.Function) []*ssa.Function {
	all = append(all, f)
	for _, inner := range f.AnonFuncs {
		all = appendWithLiterals(all, inner)
	}
	return all
}
