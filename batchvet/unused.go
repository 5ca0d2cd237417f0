package batchvet

import (
	"fmt"
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/inspector"
)

// checkUnused reports calls whose stream, stage or Result is not used.
func (c checker) checkUnused() {
	unread := unreadCalls(c.functions)
	for cur := range c.files.Root().Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		if c.inTest(call) || !unread[call.Lparen] && !c.isUnused(cur) {
			continue
		}
		if message := c.unusedMessage(call); message != "" {
			c.Report(analysis.Diagnostic{
				Pos: call.Pos(), End: call.End(), Message: message, SuggestedFixes: c.assignBack(cur),
			})
		}
	}
}

// isUnused reports whether the call is a statement, or is assigned to the blank
// identifier in a function. At package level, such an assignment only checks a type. Of several
// results, those that are streams matter.
func (c checker) isUnused(call inspector.Cursor) bool {
	parent := call.Parent()
	for {
		if _, ok := parent.Node().(*ast.ParenExpr); !ok {
			break
		}
		call, parent = parent, parent.Parent()
	}
	switch n := parent.Node().(type) {
	case *ast.ExprStmt, *ast.GoStmt, *ast.DeferStmt:
		return true
	case *ast.AssignStmt:
		_, i := call.ParentEdge()
		return i >= 0 && dropped(c, n.Lhs, n.Rhs, i)
	case *ast.ValueSpec:
		_, i := call.ParentEdge()
		_, local := parent.Parent().Parent().Node().(*ast.DeclStmt)
		return local && i >= 0 && dropped(c, n.Names, n.Values, i)
	}
	return false
}

// dropped reports whether the value at i, or each stream in it if it has several results, is assigned to the blank identifier.
func dropped[E ast.Expr](c checker, names []E, values []ast.Expr, i int) bool {
	if len(names) == len(values) {
		return isBlank(names[i])
	}
	results, ok := c.TypesInfo.TypeOf(values[i]).(*types.Tuple)
	for k := range names {
		if ok && isStream(results.At(k).Type()) && !isBlank(names[k]) {
			return false
		}
	}
	return ok
}

func isBlank(e ast.Expr) bool {
	name, ok := e.(*ast.Ident)
	return ok && name.Name == "_"
}

// unusedMessage returns the diagnostic for an unused result of call, or "" if the
// result need not be used.
func (c checker) unusedMessage(call *ast.CallExpr) string {
	result, callee, name := c.TypesInfo.TypeOf(call), c.callee(call), c.callName(call)
	switch {
	case result == nil:
		return ""
	case hasStream(result):
		return fmt.Sprintf("the stream returned by %s is unused, so nothing runs: return it or pass it to the next stage", name)
	case !isFunc(callee, batchPath):
		return ""
	case isStage(result):
		return fmt.Sprintf("%s only makes a stage, which is unused here, so nothing runs: call the stage with a stream or pass it to a handler", name)
	case isResult(result) && isFunc(callee, batchPath, "Ack", "Fail"):
		return fmt.Sprintf("%s returns a new Result and leaves the old one unchanged: yield the new one", name)
	case isResult(result):
		return fmt.Sprintf("the Result returned by %s is unused, so the outcome of its record is lost: yield the Result", name)
	}
	return ""
}

// assignBack suggests assigning the result of a statement to the variable that it was
// made from. The variable must have the result's type and be read afterwards.
func (c checker) assignBack(cur inspector.Cursor) []analysis.SuggestedFix {
	call := cur.Node().(*ast.CallExpr)
	if _, ok := cur.Parent().Node().(*ast.ExprStmt); !ok {
		return nil
	}
	name, ok := c.inputOf(call).(*ast.Ident)
	if !ok {
		return nil
	}
	variable, ok := c.TypesInfo.ObjectOf(name).(*types.Var)
	if !ok || !types.Identical(variable.Type(), c.TypesInfo.TypeOf(call)) || !c.readAfter(cur, variable) {
		return nil
	}
	text := name.Name + " = "
	return []analysis.SuggestedFix{{
		Message:   "Assign the result to " + name.Name,
		TextEdits: []analysis.TextEdit{{Pos: call.Pos(), End: call.Pos(), NewText: []byte(text)}},
	}}
}

// inputOf returns the receiver of Ack and Fail, and the first argument of a stage.
func (c checker) inputOf(call *ast.CallExpr) ast.Expr {
	if method, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && isResult(c.TypesInfo.TypeOf(method.X)) {
		return method.X
	}
	if len(call.Args) == 0 {
		return nil
	}
	return call.Args[0]
}

// readAfter reports whether a statement after call mentions variable. Those in call's
// block count, or, if call is the last one there, those after the block.
func (c checker) readAfter(call inspector.Cursor, variable *types.Var) bool {
	for at := call.Parent(); ; at = at.Parent() {
		switch at.Parent().Node().(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			return false
		case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
		default:
			continue // the other branch of an if statement does not run after it
		}
		next, ok := at.NextSibling()
		if !ok {
			continue
		}
		for ; ok; next, ok = next.NextSibling() {
			if c.mentions(next, variable) {
				return true
			}
		}
		return false
	}
}

func (c checker) mentions(in inspector.Cursor, variable *types.Var) bool {
	for name := range in.Preorder((*ast.Ident)(nil)) {
		if c.TypesInfo.Uses[name.Node().(*ast.Ident)] == variable {
			return true
		}
	}
	return false
}
