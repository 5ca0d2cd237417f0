package batchvet

import (
	"go/ast"
	"go/types"

	"golang.org/x/tools/go/ast/inspector"
)

// assignments lists the expressions that a package assigns to each variable.
type assignments struct {
	info     *types.Info
	assigned map[types.Object][]ast.Expr
}

func assignmentsIn(info *types.Info, files *inspector.Inspector) assignments {
	a := assignments{info, map[types.Object][]ast.Expr{}}
	for cur := range files.Root().Preorder((*ast.AssignStmt)(nil), (*ast.ValueSpec)(nil), (*ast.RangeStmt)(nil)) {
		switch n := cur.Node().(type) {
		case *ast.AssignStmt:
			a.assign(n.Lhs, n.Rhs)
		case *ast.ValueSpec:
			names := make([]ast.Expr, len(n.Names))
			for i, name := range n.Names {
				names[i] = name
			}
			a.assign(names, n.Values)
		case *ast.RangeStmt:
			a.assign([]ast.Expr{n.Key, n.Value}, []ast.Expr{n.X})
		}
	}
	return a
}

func (a assignments) assign(to, from []ast.Expr) {
	for i, left := range to {
		name, ok := left.(*ast.Ident)
		if !ok {
			continue
		}
		if variable := a.info.ObjectOf(name); len(from) == len(to) {
			a.assigned[variable] = append(a.assigned[variable], from[i])
		} else {
			a.assigned[variable] = append(a.assigned[variable], from...)
		}
	}
}

// derives reports whether e contains an expression that is wanted, or a variable that
// was assigned one, directly or through other variables. It does not look into
// function literals.
func (a assignments) derives(e ast.Expr, wanted func(ast.Expr) bool) bool {
	return a.search(e, wanted, map[types.Object]bool{})
}

func (a assignments) search(e ast.Expr, wanted func(ast.Expr) bool, seen map[types.Object]bool) (found bool) {
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
		if variable := a.info.ObjectOf(name); ok && variable != nil && !seen[variable] {
			seen[variable] = true
			for _, from := range a.assigned[variable] {
				found = found || a.search(from, wanted, seen)
			}
		}
		return !found
	})
	return found
}

// value returns e, or what is assigned to the variable e if that is one expression.
func (a assignments) value(e ast.Expr) ast.Expr {
	e = ast.Unparen(e)
	if name, ok := e.(*ast.Ident); ok && len(a.assigned[a.info.ObjectOf(name)]) == 1 {
		return ast.Unparen(a.assigned[a.info.ObjectOf(name)][0])
	}
	return e
}
