package batchvet

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/inspector"
)

// outerContexts reports function literals that are given to package batch, get a
// context, and hand another one on that they have from outside.
//
// context.Background inside is no finding: it may be meant, for a write that must
// not be cut short.
func (c check) outerContexts() {
	for cur := range c.files.Root().Preorder((*ast.FuncLit)(nil)) {
		if !c.givenToStage(cur) || c.treatsValues(cur.Parent().Node().(*ast.CallExpr)) {
			continue
		}
		uses := c.outerUses(cur)
		for i, use := range uses {
			variable := c.TypesInfo.Uses[use]
			if slices.ContainsFunc(uses[:i], func(u *ast.Ident) bool { return c.TypesInfo.Uses[u] == variable }) {
				continue // one report for each variable
			}
			c.Report(analysis.Diagnostic{
				Pos: use.Pos(), End: use.End(), Message: outerMessage(use, ownContext(cur)),
				SuggestedFixes: c.useOwn(cur, uses, use),
			})
		}
	}
}

func outerMessage(use, own *ast.Ident) string {
	instead := "the function's own context"
	if own != nil && own.Name != "_" && own.Name != use.Name {
		instead = own.Name
	}
	return fmt.Sprintf("%s is from outside this function, so it outlives the answer and does not carry the record: use %s",
		use.Name, instead)
}

// givenToStage reports whether lit is an argument of a function of package batch and takes a context first.
func (c check) givenToStage(lit inspector.Cursor) bool {
	call, ok := lit.Parent().Node().(*ast.CallExpr)
	if !ok || call.Fun == lit.Node() || !isFunc(c.callee(call), batchPath) {
		return false
	}
	params := signature(c.TypesInfo.TypeOf(lit.Node().(*ast.FuncLit))).Params()
	return params.Len() > 0 && isContext(params.At(0).Type())
}

// treatsValues reports whether call is about values of Of: the context of those is nobody's.
func (c check) treatsValues(call *ast.CallExpr) bool {
	return slices.ContainsFunc(call.Args, func(arg ast.Expr) bool { return c.origin.leads(arg, c.isOf) })
}

// outerUses lists the mistaken arguments of calls in lit.
func (c check) outerUses(lit inspector.Cursor) (uses []*ast.Ident) {
	lit.Inspect([]ast.Node{(*ast.CallExpr)(nil), (*ast.FuncLit)(nil)}, func(cur inspector.Cursor) bool {
		call, ok := cur.Node().(*ast.CallExpr)
		if !ok { // a literal
			return cur == lit || !c.givenToStage(cur)
		}
		if c.mayTakeAny(call) || slices.ContainsFunc(call.Args, func(arg ast.Expr) bool { return c.isOwn(arg, lit) }) {
			return true
		}
		for _, arg := range call.Args {
			if name, ok := ast.Unparen(arg).(*ast.Ident); ok && c.isOuter(name, lit) {
				uses = append(uses, name)
			}
		}
		return true
	})
	return uses
}

func (c check) isOwn(arg ast.Expr, lit inspector.Cursor) bool {
	name, ok := ast.Unparen(arg).(*ast.Ident)
	return ok && c.isContextVariable(name) && within(c.TypesInfo.Uses[name].Pos(), lit.Node())
}

// isOuter reports whether name is a context that was there before lit was called.
// The context of another record is none: where stages are nested, nobody can tell
// which of the two is meant.
func (c check) isOuter(name *ast.Ident, lit inspector.Cursor) bool {
	if !c.isContextVariable(name) {
		return false
	}
	declared := c.TypesInfo.Uses[name].Pos()
	for f := range lit.Enclosing((*ast.FuncLit)(nil)) {
		if (f == lit || c.givenToStage(f)) && within(declared, f.Node()) {
			return false
		}
	}
	return !c.origin.leads(name, c.isRecordContext) && !c.origin.leads(name, c.outlives)
}

// outlives recognises context.WithoutCancel(ctx): a context that is meant to outlive another one.
func (c check) outlives(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	return ok && isFunc(c.callee(call), "context", "WithoutCancel")
}

func (c check) isContextVariable(name *ast.Ident) bool {
	variable, ok := c.TypesInfo.Uses[name].(*types.Var)
	return ok && isContext(variable.Type())
}

func within(pos token.Pos, n ast.Node) bool { return n.Pos() <= pos && pos < n.End() }

// isRecordContext recognises r.Context().
func (c check) isRecordContext(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok || !isFunc(c.callee(call), batchPath, "Context") {
		return false
	}
	method, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	return ok && isResult(c.TypesInfo.TypeOf(method.X))
}

// mayTakeAny reports whether call only asks a context for a value, watches it, or
// makes one of it that does not end with it.
func (c check) mayTakeAny(call *ast.CallExpr) bool {
	callee := c.callee(call)
	switch {
	case isFunc(callee, "context", "AfterFunc", "WithoutCancel"):
		return true
	case isFunc(callee, batchPath, "RecordFrom", "SourceFrom"):
		return false // the record is in no outer context
	}
	f := signature(c.TypesInfo.TypeOf(call.Fun))
	return f != nil && len(call.Args) == 1 && f.Results().Len() > 0 && !gives(f, isContext) && !gives(f, isError)
}

// ownContext is the name of lit's first parameter, nil if it has none.
func ownContext(lit inspector.Cursor) *ast.Ident {
	names := lit.Node().(*ast.FuncLit).Type.Params.List[0].Names
	if len(names) == 0 {
		return nil
	}
	return names[0]
}

// useOwn makes all uses of one variable mean the function's own context.
func (c check) useOwn(lit inspector.Cursor, uses []*ast.Ident, use *ast.Ident) []analysis.SuggestedFix {
	own := ownContext(lit)
	if own == nil {
		return nil
	}
	fix := analysis.SuggestedFix{Message: "Use the function's own context"}
	if own.Name == "_" {
		if len(uses) > 1 && c.severalVariables(uses) {
			return nil
		}
		fix.TextEdits = []analysis.TextEdit{{Pos: own.Pos(), End: own.End(), NewText: []byte(use.Name)}}
		return []analysis.SuggestedFix{fix}
	}
	for _, other := range uses {
		if c.TypesInfo.Uses[other] != c.TypesInfo.Uses[use] {
			continue
		}
		if _, visible := c.Pkg.Scope().Innermost(other.Pos()).LookupParent(own.Name, other.Pos()); visible != c.TypesInfo.Defs[own] {
			return nil
		}
		fix.TextEdits = append(fix.TextEdits, analysis.TextEdit{Pos: other.Pos(), End: other.End(), NewText: []byte(own.Name)})
	}
	return []analysis.SuggestedFix{fix}
}

func (c check) severalVariables(uses []*ast.Ident) bool {
	return slices.ContainsFunc(uses, func(u *ast.Ident) bool { return c.TypesInfo.Uses[u] != c.TypesInfo.Uses[uses[0]] })
}
