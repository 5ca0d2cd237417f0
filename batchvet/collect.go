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

// checkCollect reports Collect and CollectFirehose in functions that respond to Lambda.
func (c checker) checkCollect() {
	started := c.lambdaHandlers()
	for cur := range c.files.Root().Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		instead := "call Run with the source and the stage"
		switch callee := c.callee(call); {
		case c.inTest(call):
			continue
		case isFunc(callee, batchPath, "CollectFirehose"):
			instead = "pass the stage to FirehoseHandler"
		case !isFunc(callee, batchPath, "Collect"):
			continue
		}
		event := c.eventParam(cur, started)
		if event == nil || !c.assignments.derives(call.Args[0], event) || c.assignments.derives(call.Args[0], c.isOfCall) {
			continue
		}
		c.Report(analysis.Diagnostic{
			Pos: call.Pos(), End: call.End(), SuggestedFixes: c.callRun(call),
			Message: fmt.Sprintf("%s waits past the function's deadline, and reports nothing if a stage drops the whole batch: %s", c.callName(call), instead),
		})
	}
}

// lambdaHandlers returns the functions that this package passes to lambda.Start and the
// other functions of package lambda.
func (c checker) lambdaHandlers() map[types.Object]bool {
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

// eventParam returns a function that recognises the event parameter of the handler
// around call. It is nil if the innermost function around call is not a handler.
func (c checker) eventParam(call inspector.Cursor, started map[types.Object]bool) func(ast.Expr) bool {
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
		if !given && !isHandlerFunc(handles) {
			return nil
		}
		return func(e ast.Expr) bool {
			name, ok := e.(*ast.Ident)
			return ok && isEventParam(handles, c.TypesInfo.Uses[name])
		}
	}
	return nil
}

func isEventParam(f *types.Signature, variable types.Object) bool {
	for p := range f.Params().Variables() {
		if p == variable {
			return !isContext(p.Type())
		}
	}
	return false
}

// isHandlerFunc reports whether the parameters and results are those of a handler for
// lambda.Start.
func isHandlerFunc(f *types.Signature) bool {
	if hasParam(f, isContext) && hasParam(f, isBatchEvent) {
		return returnsResponse(f)
	}
	if f.Params().Len() != 2 || f.Results().Len() != 2 {
		return false
	}
	_, structure := f.Params().At(1).Type().Underlying().(*types.Struct)
	return structure && isContext(f.Params().At(0).Type()) &&
		isNamed(f.Results().At(0).Type(), batchPath, "Response", "FirehoseResponse") && isError(f.Results().At(1).Type())
}

// returnsResponse reports whether a function's results can be a response to Lambda: an
// error, with nothing before it or a value that is not of a basic type.
func returnsResponse(f *types.Signature) bool {
	n := f.Results().Len()
	if n == 0 || n > 2 || !isError(f.Results().At(n-1).Type()) {
		return false
	}
	_, basic := f.Results().At(0).Type().Underlying().(*types.Basic)
	return !basic
}

// isOfCall reports whether e is a call of batch.Of, whose streams belong to no
// invocation.
func (c checker) isOfCall(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	return ok && isFunc(c.callee(call), batchPath, "Of")
}

// callRun suggests Run(source, stage) for Collect(stage(source)).
func (c checker) callRun(collect *ast.CallExpr) []analysis.SuggestedFix {
	name, ok := ast.Unparen(collect.Fun).(*ast.SelectorExpr) // no type arguments
	if !ok || name.Sel.Name != "Collect" {
		return nil
	}
	stage, ok := ast.Unparen(collect.Args[0]).(*ast.CallExpr)
	if !ok || isFunc(c.callee(stage), batchPath) || !c.isStageOfRun(stage.Fun) {
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
		Message: "Call Run instead",
		TextEdits: []analysis.TextEdit{
			{Pos: name.Sel.Pos(), End: name.Sel.End(), NewText: []byte("Run")},
			{Pos: stage.Pos(), End: source.Pos()},
			{Pos: source.End(), End: stage.End(), NewText: []byte(", " + text.String())},
		},
	}}
}

// isStageOfRun reports whether Run takes fun as its stage. A variadic function and one whose
// streams are of types of their own can be called, but are no stages for Run.
func (c checker) isStageOfRun(fun ast.Expr) bool {
	f := signature(c.TypesInfo.TypeOf(fun))
	if f == nil || c.TypesInfo.Types[fun].IsType() || f.Variadic() || f.Params().Len() != 1 || f.Results().Len() != 1 {
		return false
	}
	return isNamed(f.Params().At(0).Type(), "iter", "Seq") && isNamed(f.Results().At(0).Type(), "iter", "Seq")
}

// isSource reports whether call makes a stream from the records of an invocation.
func (c checker) isSource(call *ast.CallExpr) bool {
	callee := c.callee(call)
	return isFunc(callee, batchPath) && isStream(c.TypesInfo.TypeOf(call)) && hasParam(signature(callee.Type()), isContext)
}
