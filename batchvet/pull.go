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
		if isFunc(c.callee(call), "iter", "Pull") && isStream(c.TypesInfo.TypeOf(call.Args[0])) && dropsStop(cur) && !c.inTest(call) {
			c.Reportf(call.Pos(), "the stop function of %s is not used, so the record that was pulled last is reported as still running "+
				"unless the stream ends first: name it and defer its call", c.callName(call))
		}
	}
}

// dropsStop reports whether the second result of the call is assigned to the blank identifier.
func dropsStop(call inspector.Cursor) bool {
	switch kind, _ := call.ParentEdge(); kind {
	case edge.AssignStmt_Rhs:
		left := call.Parent().Node().(*ast.AssignStmt).Lhs
		return len(left) == 2 && isBlank(left[1])
	case edge.ValueSpec_Values:
		names := call.Parent().Node().(*ast.ValueSpec).Names
		return len(names) == 2 && isBlank(names[1])
	}
	return false
}
