package batchvet

import (
	"fmt"
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/inspector"
)

// dropped reports calls whose Stream, stage or Result nobody uses.
func (c check) dropped() {
	for cur := range c.files.Root().Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		if c.inTest(call) || !unused(cur) {
			continue
		}
		if message := c.loss(call); message != "" {
			c.Report(analysis.Diagnostic{
				Pos: call.Pos(), End: call.End(), Message: message, SuggestedFixes: c.assignBack(cur),
			})
		}
	}
}

// unused reports whether the call is a statement, or is assigned to the blank identifier.
func unused(call inspector.Cursor) bool {
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
		return i >= 0 && len(n.Lhs) == len(n.Rhs) && blank(n.Lhs[i])
	case *ast.ValueSpec:
		_, i := call.ParentEdge()
		_, local := parent.Parent().Parent().Node().(*ast.DeclStmt) // what a file declares holds a type to its word
		return local && i >= 0 && i < len(n.Names) && len(n.Names) == len(n.Values) && blank(n.Names[i])
	}
	return false
}

func blank(e ast.Expr) bool {
	name, ok := e.(*ast.Ident)
	return ok && name.Name == "_"
}

// loss says what is lost with the result of call, or nothing if it may be dropped.
func (c check) loss(call *ast.CallExpr) string {
	result, callee, name := c.TypesInfo.TypeOf(call), c.callee(call), c.name(call)
	switch {
	case result == nil:
		return ""
	case isStream(result):
		return fmt.Sprintf("nothing ranges over the stream of %s, so nothing is done: return it or give it to the next stage", name)
	case !isFunc(callee, batchPath):
		return ""
	case isStage(result):
		return fmt.Sprintf("%s only makes a stage, and nothing is done: call the stage with a stream, or give it to a handler", name)
	case isResult(result) && isFunc(callee, batchPath, "Ack", "Fail"):
		return fmt.Sprintf("%s changes nothing, it returns a new Result: send that one on", name)
	case isResult(result):
		return fmt.Sprintf("the Result of %s is lost, and what became of the record with it: yield it", name)
	}
	return ""
}

// assignBack assigns the result of a call that is a statement to the variable that
// it was made of, if that one has its type and is read afterwards.
func (c check) assignBack(cur inspector.Cursor) []analysis.SuggestedFix {
	call := cur.Node().(*ast.CallExpr)
	if _, ok := cur.Parent().Node().(*ast.ExprStmt); !ok {
		return nil
	}
	name, ok := c.madeOf(call).(*ast.Ident)
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

// madeOf is the receiver of Ack and Fail, and the first argument of a stage.
func (c check) madeOf(call *ast.CallExpr) ast.Expr {
	if method, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && isResult(c.TypesInfo.TypeOf(method.X)) {
		return method.X
	}
	if len(call.Args) == 0 {
		return nil
	}
	return call.Args[0]
}

// readAfter reports whether what follows the statement of call mentions variable: in
// its block, or after that one if the statement is its last.
func (c check) readAfter(call inspector.Cursor, variable *types.Var) bool {
	for at := call.Parent(); ; at = at.Parent() {
		switch at.Parent().Node().(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			return false
		case *ast.BlockStmt, *ast.CaseClause, *ast.CommClause:
		default:
			continue // the other branch of an if statement does not follow
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

func (c check) mentions(in inspector.Cursor, variable *types.Var) bool {
	for name := range in.Preorder((*ast.Ident)(nil)) {
		if c.TypesInfo.Uses[name.Node().(*ast.Ident)] == variable {
			return true
		}
	}
	return false
}
