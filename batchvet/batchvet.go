// Package batchvet finds mistakes in the use of package batch that compile, and
// lose records or do nothing.
//
// Test code is checked for outer contexts only: test files, and packages that import
// testing or rapid. What throws a stream away there, collects an event or ranges
// twice does so to see what happens, and answers no invocation.
package batchvet

import (
	"go/ast"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
)

const doc = `find misuse of github.com/lambdabatch/batch

It reports

  - a stage, Then, Ack or Fail whose result is not used;
  - Collect and CollectFirehose in a function that answers an invocation;
  - a function literal given to a stage that hands an outer context on,
    where it gets the record's own;
  - a stream that a stage or a handler ranges over twice.`

// Analyzer reports every mistake that the package comment of batchvet names.
// Run it through its command, or add it to a driver of your own.
var Analyzer = &analysis.Analyzer{
	Name:     "batchvet",
	Doc:      doc,
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

// A check looks at one package.
type check struct {
	*analysis.Pass
	files  *inspector.Inspector
	origin origins
	tests  bool // the package supports tests: none of its files ends up in a function
}

func run(pass *analysis.Pass) (any, error) {
	files := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	c := check{Pass: pass, files: files, origin: originsOf(pass.TypesInfo, files), tests: supportsTests(pass)}
	c.dropped()
	c.collected()
	c.outerContexts()
	c.twice()
	return nil, nil
}

func (c check) inTest(n ast.Node) bool { return c.tests || isTestFile(c.Pass, n) }

func isTestFile(pass *analysis.Pass, n ast.Node) bool {
	return strings.HasSuffix(pass.Fset.File(n.Pos()).Name(), "_test.go")
}

func supportsTests(pass *analysis.Pass) bool {
	return slices.ContainsFunc(pass.Files, func(file *ast.File) bool {
		return !isTestFile(pass, file) && slices.ContainsFunc(file.Imports, func(spec *ast.ImportSpec) bool {
			return spec.Path.Value == `"testing"` || spec.Path.Value == `"pgregory.net/rapid"`
		})
	})
}
