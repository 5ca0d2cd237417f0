package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// A choice makes the change of a mutant at run time, so that one compilation serves many mutants: the condition, which
// is written as on, chooses between the changed and the original text. The text between before and after stays as it
// is, except for the choices of other mutants in it.
type choice struct {
	from, to      int
	before, after string // both "": there is no place for a choice
}

// on stands for the condition until the mutant has a number.
const on = "\x00"

func (c choice) possible() bool { return c.before != "" }

// choiceFor returns the choice at the innermost expression or statement that allows one.
func (f *finder) choiceFor(operator string, n ast.Node, changes []change) choice {
	if operator == "statement" {
		return choice{f.offset(n.Pos()), f.offset(n.End()), "if !" + on + " { ", " }"}
	}
	for _, around := range append([]ast.Node{n}, f.outwards()...) {
		c := choice{from: f.offset(around.Pos()), to: f.offset(around.End())}
		switch around := around.(type) {
		case ast.Expr:
			if f.isBoolean(around) {
				c.before, c.after = "("+on+" && ("+f.changed(c, changes)+") || !"+on+" && (", "))"
			}
		case *ast.ReturnStmt:
			if f.block[around] {
				c.before = "if " + on + " { " + f.changed(c, changes) + " }; "
			}
		case *ast.AssignStmt:
			if f.block[around] && around.Tok != token.DEFINE {
				c.before, c.after = "if "+on+" { "+f.changed(c, changes)+" } else { ", " }"
			}
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.SendStmt, *ast.DeferStmt, *ast.GoStmt, *ast.BranchStmt:
			if f.block[around.(ast.Stmt)] {
				c.before, c.after = "if "+on+" { "+f.changed(c, changes)+" } else { ", " }"
			}
		case *ast.BlockStmt:
			return choice{}
		}
		if c.possible() {
			// Lines keep their numbers, by which the compiler's errors are understood.
			if strings.Contains(c.before, "\n") {
				return choice{}
			}
			return c
		}
	}
	return choice{}
}

// outwards returns the nodes around the current one, the innermost first.
func (f *finder) outwards() []ast.Node {
	nodes := slices.Clone(f.path)
	slices.Reverse(nodes)
	return nodes
}

func (f *finder) isBoolean(n ast.Expr) bool {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		return f.boolean[n] || compared[n.Op] != nil || n.Op == token.LAND || n.Op == token.LOR
	case *ast.UnaryExpr:
		return n.Op == token.NOT
	}
	return f.boolean[n]
}

// changed returns the text of a choice with the changes of its mutant.
func (f *finder) changed(c choice, changes []change) string {
	var moved []change
	for _, change := range changes {
		change.from, change.to = change.from-c.from, change.to-c.from
		moved = append(moved, change)
	}
	return string(apply(f.source[c.from:c.to], moved))
}

// choose returns a file in which each of the mutants can be chosen. The condition of mutant i is calls[i].
func choose(source []byte, mutants map[int]mutant) []byte {
	type insertion struct {
		at, other int // the other end
		opens     bool
		number    int
		text      string
	}
	var all []insertion
	for number, m := range mutants {
		condition := fmt.Sprintf("mutantIs(%d)", number)
		all = append(all,
			insertion{m.choice.from, m.choice.to, true, number, strings.ReplaceAll(m.choice.before, on, condition)},
			insertion{m.choice.to, m.choice.from, false, number, strings.ReplaceAll(m.choice.after, on, condition)})
	}
	// Choices are nested like brackets: at one place the inner ones are closed first, and the outer ones opened first.
	slices.SortFunc(all, func(a, b insertion) int {
		switch {
		case a.at != b.at:
			return cmp.Compare(a.at, b.at)
		case a.opens != b.opens:
			return map[bool]int{true: 1, false: -1}[a.opens]
		case a.opens:
			return cmp.Or(cmp.Compare(b.other, a.other), cmp.Compare(a.number, b.number))
		}
		return cmp.Or(cmp.Compare(b.other, a.other), cmp.Compare(b.number, a.number))
	})
	changes := make([]change, len(all))
	for i, in := range all {
		changes[i] = change{in.at, in.at, in.text}
	}
	return apply(source, changes)
}

// chooser is the file that reads which mutant is chosen.
func chooser(name string) string {
	return "package " + name + `

import "os"

var mutantChosen = func() (n int) {
	for _, digit := range os.Getenv("MUTANT") {
		n = 10*n + int(digit-'0')
	}
	return n
}()

func mutantIs(n int) bool { return n == mutantChosen }
`
}
