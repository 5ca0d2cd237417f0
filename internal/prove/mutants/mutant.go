package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// A mutant is one change of one file.
type mutant struct {
	File     string // from the root of the module
	Function string // "" outside of functions
	Line     int
	Text     string // the line where the change begins
	Operator string
	Before   string
	After    string

	column  int    // from 1
	hash    string // of the declaration
	at      int    // where in the declaration
	changes []change
	choice  choice
	within  [2]int // the lines of the function
}

// A change replaces the bytes from one offset to another.
type change struct {
	from, to int
	with     string
}

// apply returns the changed file.
func (m mutant) apply(source []byte) []byte { return apply(source, m.changes) }

// apply makes changes that do not overlap, in the order of their places.
func apply(source []byte, changes []change) []byte {
	var out bytes.Buffer
	done := 0
	for _, c := range changes {
		out.Write(source[done:c.from])
		out.WriteString(c.with)
		done = c.to
	}
	out.Write(source[done:])
	return out.Bytes()
}

// find returns the mutants of a file, in the order of the file.
func find(name string, source []byte) ([]mutant, error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &finder{
		file:    files.File(parsed.Pos()),
		name:    name,
		source:  source,
		boolean: map[ast.Expr]bool{},
		block:   map[ast.Stmt]bool{},
	}
	for _, declaration := range parsed.Decls {
		f.declaration(declaration)
	}
	slices.SortStableFunc(f.found, func(a, b mutant) int { return a.changes[0].from - b.changes[0].from })
	return f.found, nil
}

func hashOf(parts ...[]byte) string {
	sum := sha256.New()
	for _, part := range parts {
		sum.Write(part)
		sum.Write([]byte{0})
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

type finder struct {
	file     *token.File
	name     string
	source   []byte
	start    int    // of the declaration
	hash     string // of the declaration
	function *ast.FuncDecl
	path     []ast.Node        // from the declaration to the node
	boolean  map[ast.Expr]bool // expressions that are conditions
	block    map[ast.Stmt]bool // statements of blocks
	found    []mutant
}

func (f *finder) declaration(d ast.Decl) {
	f.function, _ = d.(*ast.FuncDecl)
	f.start, f.hash = f.offset(d.Pos()), hashOf([]byte(f.text(d)))
	if general, ok := d.(*ast.GenDecl); ok && general.Tok != token.CONST && general.Tok != token.VAR {
		return
	}
	// The signatures of the functions around a node: a return belongs to the innermost.
	var signatures []*ast.FuncType
	f.path = nil
	ast.Inspect(d, func(n ast.Node) bool {
		if n == nil {
			if _, ok := signatureOf(f.path[len(f.path)-1]); ok {
				signatures = signatures[:len(signatures)-1]
			}
			f.path = f.path[:len(f.path)-1]
			return true
		}
		if _, ok := n.(*ast.StructType); ok {
			return false // its tags are no values
		}
		f.path = append(f.path, n)
		if signature, ok := signatureOf(n); ok {
			signatures = append(signatures, signature)
		}
		switch n := n.(type) {
		case *ast.ReturnStmt:
			f.returned(n, signatures[len(signatures)-1])
		case ast.Expr:
			f.expression(n)
		case ast.Stmt:
			f.statement(n)
		}
		f.dropped(n)
		return true
	})
}

func signatureOf(n ast.Node) (*ast.FuncType, bool) {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return n.Type, true
	case *ast.FuncLit:
		return n.Type, true
	}
	return nil, false
}

func (f *finder) offset(p token.Pos) int { return f.file.Offset(p) }

func (f *finder) text(n ast.Node) string {
	return string(f.source[f.offset(n.Pos()):f.offset(n.End())])
}

// add notes a mutant. Before and after show it, the changes make it.
func (f *finder) add(operator string, n ast.Node, after string, changes ...change) {
	at := f.offset(n.Pos())
	start := bytes.LastIndexByte(f.source[:at], '\n') + 1
	length := bytes.IndexByte(f.source[start:], '\n')
	m := mutant{
		File:     f.name,
		Line:     f.file.Line(n.Pos()),
		Text:     strings.TrimSpace(string(f.source[start : start+max(length, 0)])),
		Operator: operator,
		Before:   short(f.text(n)),
		After:    short(after),
		column:   at - start + 1,
		hash:     f.hash,
		at:       at - f.start,
		changes:  changes,
	}
	if f.function != nil {
		m.choice = f.choiceFor(operator, n, changes)
		m.Function = nameOf(f.function)
		m.within = [2]int{f.file.Line(f.function.Pos()), f.file.Line(f.function.End())}
	}
	f.found = append(f.found, m)
}

// replace notes a mutant that has other text in place of a node.
func (f *finder) replace(operator string, n ast.Node, after string) {
	f.add(operator, n, after, change{f.offset(n.Pos()), f.offset(n.End()), after})
}

// around notes a mutant that has text before and after a node.
func (f *finder) around(operator string, n ast.Node, before, after, shown string) {
	from, to := f.offset(n.Pos()), f.offset(n.End())
	f.add(operator, n, shown, change{from, from, before}, change{to, to, after})
}

// nameOf returns the name of a function, with its receiver's type but without type parameters.
func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	name := ""
	ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return name == ""
	})
	return name + "." + f.Name.Name
}

// short returns the text on one line of at most 100 characters.
func short(text string) string {
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) > 100 {
		return string(line[:99]) + "…"
	}
	return string(line)
}
