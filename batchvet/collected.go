package batchvet

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/inspector"
)

// collected reports Collect and CollectFirehose where an invocation is answered.
func (c check) collected() {
	started := c.started()
	for cur := range c.files.Root().Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		instead := "call Run with the source and the stage"
		switch callee := c.callee(call); {
		case c.inTest(call):
			continue
		case isFunc(callee, batchPath, "CollectFirehose"):
			instead = "give the stage to FirehoseHandler"
		case !isFunc(callee, batchPath, "Collect"):
			continue
		}
		event := c.eventOf(cur, started)
		if event == nil || !c.origin.leads(call.Args[0], event) || c.origin.leads(call.Args[0], c.isOf) {
			continue
		}
		c.Report(analysis.Diagnostic{
			Pos: call.Pos(), End: call.End(), SuggestedFixes: c.run(call),
			Message: fmt.Sprintf("%s keeps no deadline, and sees an empty batch where a stage swallows all of it: %s", c.name(call), instead),
		})
	}
}

// started has the functions of this package that are given to lambda.Start and its like.
func (c check) started() map[types.Object]bool {
	functions := map[types.Object]bool{}
	for cur := range c.files.Root().Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		if !isFunc(c.callee(call), lambdaPath) {
			continue
		}
		for _, arg := range call.Args {
			switch f := ast.Unparen(arg).(type) {
			case *ast.Ident:
				functions[c.TypesInfo.Uses[f]] = true
			case *ast.SelectorExpr:
				functions[c.TypesInfo.Uses[f.Sel]] = true
			}
		}
	}
	return functions
}

// eventOf recognises the event if the function right around call answers an
// invocation, and is nil otherwise.
func (c check) eventOf(call inspector.Cursor, started map[types.Object]bool) func(ast.Expr) bool {
	for f := range call.Enclosing((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
		var handles *types.Signature
		given := false
		switch n := f.Node().(type) {
		case *ast.FuncDecl:
			function := c.TypesInfo.Defs[n.Name]
			handles, given = signature(function.Type()), started[function]
		case *ast.FuncLit:
			handles = signature(c.TypesInfo.TypeOf(n))
			outer, ok := f.Parent().Node().(*ast.CallExpr)
			given = ok && isFunc(c.callee(outer), lambdaPath)
		}
		if !given && !answers(handles) {
			return nil
		}
		return func(e ast.Expr) bool {
			name, ok := e.(*ast.Ident)
			return ok && isEventOf(handles, c.TypesInfo.Uses[name])
		}
	}
	return nil
}

func isEventOf(f *types.Signature, variable types.Object) bool {
	for p := range f.Params().Variables() {
		if p == variable {
			return !isContext(p.Type())
		}
	}
	return false
}

// answers reports whether a function is one for lambda.Start by what it takes and returns.
func answers(f *types.Signature) bool {
	if takes(f, isContext) && takes(f, isBatchEvent) {
		return givesAnswer(f)
	}
	if f.Params().Len() != 2 || f.Results().Len() != 2 {
		return false
	}
	_, structure := f.Params().At(1).Type().Underlying().(*types.Struct)
	return structure && isContext(f.Params().At(0).Type()) &&
		isNamed(f.Results().At(0).Type(), batchPath, "Response", "FirehoseResponse") && isError(f.Results().At(1).Type())
}

// givesAnswer reports whether what a function returns can be the answer of an invocation: an error, and before it nothing
// or what JSON makes an object of.
func givesAnswer(f *types.Signature) bool {
	n := f.Results().Len()
	if n == 0 || n > 2 || !isError(f.Results().At(n-1).Type()) {
		return false
	}
	_, basic := f.Results().At(0).Type().Underlying().(*types.Basic)
	return !basic
}

// isOf reports whether e is a call of batch.Of, whose streams answer nobody.
func (c check) isOf(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	return ok && isFunc(c.callee(call), batchPath, "Of")
}

// run turns Collect(stage(source)) into Run(source, stage).
func (c check) run(collect *ast.CallExpr) []analysis.SuggestedFix {
	name, ok := ast.Unparen(collect.Fun).(*ast.SelectorExpr) // no type arguments
	if !ok || name.Sel.Name != "Collect" {
		return nil
	}
	stage, ok := ast.Unparen(collect.Args[0]).(*ast.CallExpr)
	if !ok || len(stage.Args) != 1 || isFunc(c.callee(stage), batchPath) {
		return nil
	}
	source, ok := ast.Unparen(stage.Args[0]).(*ast.CallExpr)
	if !ok || !c.isSource(source) {
		return nil
	}
	var text bytes.Buffer
	if format.Node(&text, c.Fset, stage.Fun) != nil {
		return nil
	}
	return []analysis.SuggestedFix{{
		Message: "Call Run",
		TextEdits: []analysis.TextEdit{
			{Pos: name.Sel.Pos(), End: name.Sel.End(), NewText: []byte("Run")},
			{Pos: stage.Pos(), End: source.Pos()},
			{Pos: source.End(), End: stage.End(), NewText: []byte(", " + text.String())},
		},
	}}
}

// isSource reports whether call makes a stream of the records of an invocation.
func (c check) isSource(call *ast.CallExpr) bool {
	callee := c.callee(call)
	return isFunc(callee, batchPath) && isStream(c.TypesInfo.TypeOf(call)) && takes(signature(callee.Type()), isContext)
}
