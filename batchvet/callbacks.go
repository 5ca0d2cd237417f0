package batchvet

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/ast/inspector"
)

// callbacks lists the function literals that are passed to functions of package batch,
// each with the calls that it is passed to. A literal may be passed in a variable, if it is
// all that is assigned to it, and through functions that wrap it, such as one that retries.
type callbacks map[*ast.FuncLit][]*ast.CallExpr

func (c checker) findCallbacks() callbacks {
	found := make(callbacks)
	for cur := range c.files.Root().Preorder((*ast.CallExpr)(nil)) {
		call := cur.Node().(*ast.CallExpr)
		if !isFunc(c.callee(call), batchPath) {
			continue
		}
		for _, arg := range call.Args {
			c.addCallbacks(found, call, arg, map[ast.Expr]bool{})
		}
	}
	return found
}

// addCallbacks adds the literal that arg is, or the literals that arg wraps if it is the result of a
// call and takes a context. A variable may be assigned what wraps the variable itself, so it skips
// what it has seen.
func (c checker) addCallbacks(found callbacks, call *ast.CallExpr, arg ast.Expr, seen map[ast.Expr]bool) {
	value := c.assignments.value(arg)
	if seen[value] {
		return
	}
	seen[value] = true
	switch e := value.(type) {
	case *ast.FuncLit:
		found[e] = append(found[e], call)
	case *ast.CallExpr:
		if takesContext(c.TypesInfo.TypeOf(e)) {
			for _, wrapped := range e.Args {
				c.addCallbacks(found, call, wrapped, seen)
			}
		}
	}
}

func (f callbacks) callsWith(lit inspector.Cursor) []*ast.CallExpr {
	return f[lit.Node().(*ast.FuncLit)]
}

// isCallback reports whether lit is passed to package batch, and its first parameter is a
// context.
func (c checker) isCallback(lit inspector.Cursor) bool {
	return c.callbacks.callsWith(lit) != nil && takesContext(c.TypesInfo.TypeOf(lit.Node().(*ast.FuncLit)))
}

// takesContext reports whether t is a function whose first parameter is a context.
func takesContext(t types.Type) bool {
	f := signature(t)
	return f != nil && f.Params().Len() > 0 && isContext(f.Params().At(0).Type())
}
