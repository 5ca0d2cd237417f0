package batchvet

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/ast/inspector"
)

// origins has, for each local variable, what is assigned to it somewhere.
type origins struct {
	info     *types.Info
	assigned map[types.Object][]ast.Expr
}

func originsOf(info *types.Info, files *inspector.Inspector) origins {
	o := origins{info, map[types.Object][]ast.Expr{}}
	for cur := range files.Root().Preorder((*ast.AssignStmt)(nil), (*ast.ValueSpec)(nil), (*ast.RangeStmt)(nil)) {
		switch n := cur.Node().(type) {
		case *ast.AssignStmt:
			o.assign(n.Lhs, n.Rhs)
		case *ast.ValueSpec:
			names := make([]ast.Expr, len(n.Names))
			for i, name := range n.Names {
				names[i] = name
			}
			o.assign(names, n.Values)
		case *ast.RangeStmt:
			o.assign([]ast.Expr{n.Key, n.Value}, []ast.Expr{n.X})
		}
	}
	return o
}

func (o origins) assign(to, from []ast.Expr) {
	for i, left := range to {
		name, ok := left.(*ast.Ident)
		if !ok {
			continue
		}
		if variable := o.info.ObjectOf(name); len(from) == len(to) {
			o.assigned[variable] = append(o.assigned[variable], from[i])
		} else {
			o.assigned[variable] = append(o.assigned[variable], from...)
		}
	}
}

// leads reports whether e is made of something that is wanted, directly or through
// variables. It does not look into function literals.
func (o origins) leads(e ast.Expr, wanted func(ast.Expr) bool) bool {
	return o.search(e, wanted, map[types.Object]bool{})
}

func (o origins) search(e ast.Expr, wanted func(ast.Expr) bool, seen map[types.Object]bool) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		part, ok := n.(ast.Expr)
		if _, literal := n.(*ast.FuncLit); found || literal {
			return false
		}
		if !ok {
			return true
		}
		if found = wanted(part); found {
			return false
		}
		name, ok := part.(*ast.Ident)
		if variable := o.info.ObjectOf(name); ok && variable != nil && !seen[variable] {
			seen[variable] = true
			for _, from := range o.assigned[variable] {
				found = found || o.search(from, wanted, seen)
			}
		}
		return !found
	})
	return found
}
