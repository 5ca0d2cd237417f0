package batchvet

import (
	"go/ast"

	"golang.org/x/tools/go/ast/inspector"
)

// callbacks lists the function literals that are passed to functions of package batch,
// each with the calls that it is passed to. A literal may be passed in a variable, if it is
// all that is assigned to it.
type callbacks map[*ast.FuncLit][]*ast.CallExpr

func (c checker) findCallbacks() callbacks {
	found := make(callbacks)
	for cur := range c.files.Root().Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		if !isFunc(c.callee(call), batchPath) {
			continue
		}
		for _, arg := range call.Args {
			if lit := c.assignments.literal(arg); lit != nil {
				found[lit] = append(found[lit], call)
			}
		}
	}
	return found
}

func (f callbacks) callsWith(lit inspector.Cursor) []*ast.CallExpr {
	return f[lit.Node().(*ast.FuncLit)]
}

// isCallback reports whether lit is passed to package batch, and its first parameter is a
// context.
func (c checker) isCallback(lit inspector.Cursor) bool {
	if c.callbacks.callsWith(lit) == nil {
		return false
	}
	params := signature(c.TypesInfo.TypeOf(lit.Node().(*ast.FuncLit))).Params()
	return params.Len() > 0 && isContext(params.At(0).Type())
}
