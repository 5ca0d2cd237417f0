package main

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
)

// The changes are made so that they compile where possible: what an expression used is still used, but not evaluated.

// compared lists what a comparison becomes, first at its boundary and then negated.
var compared = map[token.Token][]struct{ operator, becomes string }{
	token.LSS: {{"boundary", "<="}, {"negation", ">="}},
	token.LEQ: {{"boundary", "<"}, {"negation", ">"}},
	token.GTR: {{"boundary", ">="}, {"negation", "<="}},
	token.GEQ: {{"boundary", ">"}, {"negation", "<"}},
	token.EQL: {{"negation", "!="}},
	token.NEQ: {{"negation", "=="}},
}

var calculated = map[token.Token]string{
	token.ADD: "-", token.SUB: "+", token.MUL: "/", token.QUO: "*", token.REM: "*",
	token.AND: "|", token.OR: "&", token.XOR: "&", token.SHL: ">>", token.SHR: "<<", token.AND_NOT: "&",
	token.ADD_ASSIGN: "-=", token.SUB_ASSIGN: "+=", token.MUL_ASSIGN: "/=", token.QUO_ASSIGN: "*=", token.REM_ASSIGN: "*=",
	token.AND_ASSIGN: "|=", token.OR_ASSIGN: "&=", token.XOR_ASSIGN: "&=", token.SHL_ASSIGN: ">>=", token.SHR_ASSIGN: "<<=",
	token.AND_NOT_ASSIGN: "&=",
}

func (f *finder) expression(n ast.Expr) {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		f.binary(n)
	case *ast.UnaryExpr:
		if n.Op == token.NOT || n.Op == token.SUB {
			f.replace("sign", n, f.text(n.X))
		}
	case *ast.BasicLit:
		f.constant(n)
	case *ast.Ident:
		switch n.Name {
		case "true":
			f.replace("constant", n, "false")
		case "false":
			f.replace("constant", n, "true")
		}
	}
}

func (f *finder) binary(n *ast.BinaryExpr) {
	for _, c := range compared[n.Op] {
		f.operator(c.operator, n, n.OpPos, n.Op.String(), c.becomes)
	}
	if becomes, ok := calculated[n.Op]; ok && !isText(n) {
		f.operator("arithmetic", n, n.OpPos, n.Op.String(), becomes)
	}
	// A side is dropped by a constant next to it, so that its variables are still used.
	switch n.Op {
	case token.LAND:
		f.around("side", n.X, "(true || (", "))", "true")
		f.around("side", n.Y, "(true || (", "))", "true")
	case token.LOR:
		f.around("side", n.X, "(false && (", "))", "false")
		f.around("side", n.Y, "(false && (", "))", "false")
	}
}

func (f *finder) operator(operator string, n ast.Node, pos token.Pos, is, becomes string) {
	at := f.offset(pos)
	from := f.offset(n.Pos())
	text := f.text(n)
	after := text[:at-from] + becomes + text[at-from+len(is):]
	f.add(operator, n, after, change{at, at + len(is), becomes})
}

// isText reports whether an operand is a string literal, which can only be joined.
func isText(n ast.Expr) bool {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		return isText(n.X) || isText(n.Y)
	case *ast.BasicLit:
		return n.Kind == token.STRING
	}
	return false
}

func (f *finder) constant(n *ast.BasicLit) {
	switch n.Kind {
	case token.INT:
		f.replace("constant", n, "("+n.Value+" + 1)")
	case token.CHAR:
		f.replace("constant", n, "("+n.Value+" + 1)")
	case token.STRING:
		if n.Value == `""` || n.Value == "``" {
			f.replace("constant", n, `"mutant"`)
		} else {
			f.replace("constant", n, `""`)
		}
	}
}

func (f *finder) statement(n ast.Stmt) {
	switch n := n.(type) {
	case *ast.IfStmt:
		f.condition(n.Cond)
	case *ast.ForStmt:
		if n.Cond != nil {
			f.condition(n.Cond)
		}
	case *ast.SwitchStmt:
		f.cases(n)
	case *ast.IncDecStmt:
		becomes := map[token.Token]string{token.INC: "--", token.DEC: "++"}[n.Tok]
		f.operator("arithmetic", n, n.TokPos, n.Tok.String(), becomes)
	case *ast.AssignStmt:
		if becomes, ok := calculated[n.Tok]; ok && !isText(n.Rhs[0]) {
			f.operator("arithmetic", n, n.TokPos, n.Tok.String(), becomes)
		}
	case *ast.BranchStmt:
		becomes := map[token.Token]string{token.BREAK: "continue", token.CONTINUE: "break"}[n.Tok]
		if becomes != "" {
			f.operator("jump", n, n.TokPos, n.Tok.String(), becomes)
		}
	}
}

// cases takes the cases of a switch without a value for conditions.
func (f *finder) cases(n *ast.SwitchStmt) {
	if n.Tag != nil {
		return
	}
	for _, clause := range n.Body.List {
		for _, condition := range clause.(*ast.CaseClause).List {
			f.condition(condition)
		}
	}
}

func (f *finder) condition(n ast.Expr) {
	f.boolean[n] = true
	f.around("condition", n, "true || (", ")", "true")
	f.around("condition", n, "false && (", ")", "false")
	if b, ok := n.(*ast.BinaryExpr); ok && compared[b.Op] != nil {
		return // its negation is a mutant anyway
	}
	if _, ok := n.(*ast.UnaryExpr); ok {
		return // so is that of !x
	}
	f.around("condition", n, "!(", ")", "!("+f.text(n)+")")
}

// dropped drops each statement of a block.
func (f *finder) dropped(n ast.Node) {
	var statements []ast.Stmt
	switch n := n.(type) {
	case *ast.BlockStmt:
		statements = n.List
	case *ast.CaseClause:
		statements = n.Body
	case *ast.CommClause:
		statements = n.Body
	}
	for _, s := range statements {
		f.block[s] = true
		switch s := s.(type) {
		case *ast.ExprStmt, *ast.DeferStmt, *ast.GoStmt, *ast.SendStmt, *ast.IncDecStmt:
			f.around("statement", s, "if false { ", " }", "nothing")
		case *ast.AssignStmt:
			if s.Tok != token.DEFINE {
				f.around("statement", s, "if false { ", " }", "nothing")
			}
		}
	}
}

// returned returns the zero value in place of each value.
func (f *finder) returned(n *ast.ReturnStmt, signature *ast.FuncType) {
	var types []string
	if signature.Results != nil {
		for _, field := range signature.Results.List {
			for range max(1, len(field.Names)) {
				types = append(types, f.text(field.Type))
			}
		}
	}
	if len(n.Results) == 0 || len(types) != len(n.Results) {
		return
	}
	for i, value := range n.Results {
		zero := zeroOf(types[i])
		if isZero(value) || f.text(value) == zero {
			continue
		}
		values := make([]string, len(n.Results))
		for j, other := range n.Results {
			values[j] = f.text(other)
		}
		values[i] = zero
		at := f.offset(n.Pos())
		instead := "return " + strings.Join(values, ", ")
		f.add("return", n, instead, change{at, at, "if true { " + instead + " }; "})
	}
}

func isZero(value ast.Expr) bool {
	switch value := value.(type) {
	case *ast.Ident:
		return value.Name == "nil" || value.Name == "false" || value.Name == "true" // the latter is a constant
	case *ast.BasicLit:
		return value.Kind == token.INT || value.Kind == token.STRING
	case *ast.CompositeLit:
		return len(value.Elts) == 0
	}
	return false
}

var number = regexp.MustCompile(`^(u?int(8|16|32|64)?|float(32|64)|byte|rune)$`)

func zeroOf(kind string) string {
	switch {
	case kind == "bool":
		return "false"
	case kind == "string":
		return `""`
	case kind == "error" || kind == "any" || strings.HasPrefix(kind, "*") || strings.HasPrefix(kind, "[]") ||
		strings.HasPrefix(kind, "map[") || strings.HasPrefix(kind, "func("):
		return "nil"
	case number.MatchString(kind):
		return "0"
	}
	return "*new(" + kind + ")"
}
