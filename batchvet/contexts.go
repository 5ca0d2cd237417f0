package batchvet

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
)

// checkContexts reports callbacks that pass on a context from outside instead of their own.
//
// It allows context.Background, TODO and WithoutCancel, also in a variable: a function may
// want them for a write that must not be cut short.
func (c checker) checkContexts() {
	for cur := range c.files.Root().Preorder((*ast.FuncLit)(nil)) {
		if !c.isCallback(cur) || slices.ContainsFunc(c.callbacks.callsWith(cur), c.isForTestValues) {
			continue
		}
		uses := c.outerUses(cur)
		for i, use := range uses {
			variable := c.TypesInfo.Uses[use]
			if slices.ContainsFunc(uses[:i], func(u *ast.Ident) bool { return c.TypesInfo.Uses[u] == variable }) {
				continue // reported already
			}
			c.Report(analysis.Diagnostic{
				Pos: use.Pos(), End: use.End(), Message: c.outerMessage(cur, use),
				SuggestedFixes: c.replaceWithOwn(cur, uses, use),
			})
		}
	}
}

func (c checker) outerMessage(lit inspector.Cursor, use *ast.Ident) string {
	instead, own := "the function's own context", ownContext(lit)
	if own != nil && own.Name != "_" && own.Name != use.Name {
		instead = own.Name
	}
	wrong := "outlasts the record's context and does not carry the record"
	if isFunc(c.callee(c.callbacks.callsWith(lit)[0]), batchPath, "WithReport") {
		wrong = "does not end when the response is due"
	}
	return fmt.Sprintf("%s comes from outside this function, so it %s: use %s", use.Name, wrong, instead)
}

// isForTestValues reports whether an argument of call is a stream of Of. The context of
// its records carries nothing.
func (c checker) isForTestValues(call *ast.CallExpr) bool {
	return slices.ContainsFunc(call.Args, func(arg ast.Expr) bool { return c.assignments.derives(arg, c.isOfCall) })
}

// outerUses lists the outer contexts that lit passes to calls.
func (c checker) outerUses(lit inspector.Cursor) (uses []*ast.Ident) {
	lit.Inspect([]ast.Node{(*ast.CallExpr)(nil), (*ast.FuncLit)(nil)}, func(cur inspector.Cursor) bool {
		call, ok := cur.Node().(*ast.CallExpr)
		if !ok { // a function literal
			return cur == lit || !c.isCallback(cur)
		}
		if c.onlyInspects(call) || slices.ContainsFunc(call.Args, func(arg ast.Expr) bool { return c.isOwn(arg, lit) }) {
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

func (c checker) isOwn(arg ast.Expr, lit inspector.Cursor) bool {
	name, ok := ast.Unparen(arg).(*ast.Ident)
	return ok && c.isContextVariable(name) && within(c.TypesInfo.Uses[name].Pos(), lit.Node())
}

// isOuter reports whether name is a context from outside lit. A context of another
// record does not count: in nested stages, either of the two may be intended.
func (c checker) isOuter(name *ast.Ident, lit inspector.Cursor) bool {
	if !c.isContextVariable(name) {
		return false
	}
	declared := c.TypesInfo.Uses[name].Pos()
	for f := range lit.Enclosing((*ast.FuncLit)(nil)) {
		if (f == lit || c.isCallback(f)) && within(declared, f.Node()) {
			return false
		}
	}
	return !c.assignments.derives(name, c.isRecordContext) && !c.assignments.derives(name, c.isDetached)
}

// isDetached recognises a context that outlasts others on purpose.
func (c checker) isDetached(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	return ok && (isFunc(c.callee(call), "context", "Background", "TODO") || c.isWithoutCancel(call) || c.returnsWithoutCancel(c.callee(call)))
}

func (c checker) isWithoutCancel(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	return ok && isFunc(c.callee(call), "context", "WithoutCancel")
}

// returnsWithoutCancel recognises a function of the package that detaches a context.
func (c checker) returnsWithoutCancel(callee types.Object) bool {
	f, ok := callee.(*types.Func)
	if !ok || f.Pkg() != c.Pkg || !hasResult(f.Signature(), isContext) {
		return false
	}
	for cur := range c.files.Root().Preorder((*ast.FuncDecl)(nil)) {
		if c.TypesInfo.Defs[cur.Node().(*ast.FuncDecl).Name] != f {
			continue
		}
		for cur := range cur.Preorder((*ast.ReturnStmt)(nil)) {
			detached := func(e ast.Expr) bool { return c.assignments.derives(e, c.isWithoutCancel) }
			if slices.ContainsFunc(cur.Node().(*ast.ReturnStmt).Results, detached) {
				return true
			}
		}
	}
	return false
}

func (c checker) isContextVariable(name *ast.Ident) bool {
	variable, ok := c.TypesInfo.Uses[name].(*types.Var)
	return ok && isContext(variable.Type())
}

func within(pos token.Pos, n ast.Node) bool { return n.Pos() <= pos && pos < n.End() }

// isRecordContext recognises r.Context().
func (c checker) isRecordContext(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok || !isFunc(c.callee(call), batchPath, "Context") {
		return false
	}
	method, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	return ok && isResult(c.TypesInfo.TypeOf(method.X))
}

// onlyInspects reports whether call only reads a value from a context, watches it, or
// derives a context from it that does not end with it. Any context is right for that.
func (c checker) onlyInspects(call *ast.CallExpr) bool {
	callee := c.callee(call)
	switch {
	case isFunc(callee, "context", "AfterFunc", "Cause", "WithoutCancel"):
		return true
	case isFunc(callee, batchPath, "RecordFrom", "SourceFrom"):
		return false // no outer context carries the record
	case callee != nil && callee.Name() == "WithContext":
		return false // what it returns keeps the context, as a request does
	}
	f := signature(c.TypesInfo.TypeOf(call.Fun))
	return f != nil && len(call.Args) == 1 && f.Results().Len() > 0 && !hasResult(f, isContext) && !hasResult(f, isError)
}

// ownContext returns the name of lit's first parameter, or nil if it has no name.
func ownContext(lit inspector.Cursor) *ast.Ident {
	names := lit.Node().(*ast.FuncLit).Type.Params.List[0].Names
	if len(names) == 0 {
		return nil
	}
	return names[0]
}

// replaceWithOwn suggests the function's own context for all uses of one outer
// variable.
func (c checker) replaceWithOwn(lit inspector.Cursor, uses []*ast.Ident, use *ast.Ident) []analysis.SuggestedFix {
	own := ownContext(lit)
	if own == nil {
		return nil
	}
	fix := analysis.SuggestedFix{Message: "Use the function's own context"}
	if !c.isNeeded(c.TypesInfo.Uses[use].(*types.Var)) {
		return nil
	}
	if own.Name == "_" {
		scope := c.TypesInfo.Scopes[lit.Node().(*ast.FuncLit).Type]
		if len(uses) > 1 && c.severalVariables(uses) || scope.Lookup(use.Name) != nil {
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

// isNeeded reports whether the program compiles without the uses of an outer variable in
// function literals: a local variable needs another use.
func (c checker) isNeeded(variable *types.Var) bool {
	if variable.Kind() != types.LocalVar {
		return true
	}
	for name := range c.files.Root().Preorder((*ast.Ident)(nil)) {
		kind, _ := name.ParentEdge()
		if c.TypesInfo.Uses[name.Node().(*ast.Ident)] == variable && kind != edge.AssignStmt_Lhs && !c.inCallback(name, variable) {
			return true
		}
	}
	return false
}

// inCallback reports whether a callback, which the variable comes from outside of, uses name.
func (c checker) inCallback(name inspector.Cursor, variable *types.Var) bool {
	for f := range name.Enclosing((*ast.FuncLit)(nil)) {
		if c.isCallback(f) && !within(variable.Pos(), f.Node()) {
			return true
		}
	}
	return false
}

func (c checker) severalVariables(uses []*ast.Ident) bool {
	return slices.ContainsFunc(uses, func(u *ast.Ident) bool { return c.TypesInfo.Uses[u] != c.TypesInfo.Uses[uses[0]] })
}
