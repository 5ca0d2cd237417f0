package batchvet

import (
	"go/ast"

	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
)

// checkPull reports streams that are pulled without a stop function. If a stage returns, or
// panics, before the end of its stream, the stream still holds the record that was pulled last.
func (c checker) checkPull() {
	for cur := range c.files.Root().Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		if isFunc(c.callee(call), "iter", "Pull") && isStream(c.TypesInfo.TypeOf(call.Args[0])) && c.dropsStop(cur) && !c.inTest(call) {
			c.Reportf(call.Pos(), "the stop function of %s is not used, so the record that was pulled last is reported as still running "+
				"unless the stream ends first: name it and defer its call", c.callName(call))
		}
	}
}

// dropsStop reports whether the second result of the call is assigned to the blank identifier, or to a variable that is
// assigned to nothing else.
func (c checker) dropsStop(call inspector.Cursor) bool {
	switch kind, _ := call.ParentEdge(); kind {
	case edge.AssignStmt_Rhs:
		left := call.Parent().Node().(*ast.AssignStmt).Lhs
		return len(left) == 2 && c.isDropped(left[1])
	case edge.ValueSpec_Values:
		names := call.Parent().Node().(*ast.ValueSpec).Names
		return len(names) == 2 && c.isDropped(names[1])
	}
	return false
}

func (c checker) isDropped(e ast.Expr) bool {
	name, ok := e.(*ast.Ident)
	if !ok || isBlank(e) {
		return ok
	}
	variable := c.TypesInfo.Defs[name]
	if variable == nil { // declared elsewhere
		return false
	}
	for cur := range c.files.Root().Preorder((*ast.Ident)(nil)) {
		if c.TypesInfo.Uses[cur.Node().(*ast.Ident)] == variable && !assignsToBlank(cur) {
			return false
		}
	}
	return true
}

// assignsToBlank reports whether the statement around a variable is _ = variable.
func assignsToBlank(variable inspector.Cursor) bool {
	kind, _ := variable.ParentEdge()
	if kind != edge.AssignStmt_Rhs {
		return false
	}
	left := variable.Parent().Node().(*ast.AssignStmt).Lhs
	return len(left) == 1 && isBlank(left[0])
}
