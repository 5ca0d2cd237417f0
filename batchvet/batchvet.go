// Package batchvet finds misuse of package batch that compiles, but loses records
// or does nothing: unused stages and Results, Collect in a Lambda handler, a function
// in a stage that uses the context of an enclosing function instead of its own
// parameter (an outer context), a Stream that is ranged over twice, and one that is
// pulled and not stopped.
//
// In test files, and in packages that import testing or rapid, it reports outer
// contexts only, because tests do the rest on purpose.
package batchvet

import (
	"go/ast"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/ssa"
)

const doc = `find misuse of github.com/lambdabatch/batch

It reports

  - a stage, Then, Ack or Fail whose result is not used;
  - Collect or CollectFirehose in a Lambda handler;
  - a function literal in a stage that passes on an outer context instead of
    the record's context, which is its parameter;
  - a stream that a stage or a handler ranges over twice;
  - a stream that is read by iter.Pull whose stop function is not used.`

// Analyzer reports unused stages and Results, Collect in Lambda handlers, outer
// contexts in stages, streams ranged over twice, and streams that are pulled and not
// stopped. Run it with the command batchvet, or add it to your own driver.
var Analyzer = &analysis.Analyzer{
	Name:     "batchvet",
	Doc:      doc,
	Requires: []*analysis.Analyzer{inspect.Analyzer},
	Run:      run,
}

// A checker checks one package.
type checker struct {
	*analysis.Pass
	files       *inspector.Inspector
	assignments assignments
	callbacks   callbacks
	functions   []*ssa.Function
	testSupport bool // a package of test helpers: none of its files is part of a Lambda function
}

func run(pass *analysis.Pass) (any, error) {
	files := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	c := checker{Pass: pass, files: files, assignments: assignmentsIn(pass.TypesInfo, files), testSupport: isTestSupport(pass)}
	c.callbacks = c.findCallbacks()
	if c.usesBatch() { // building SSA takes time, and most packages of a program do not need it
		c.functions = c.buildFunctions()
	}
	c.checkUnused()
	c.checkCollect()
	c.checkContexts()
	c.checkTwice()
	c.checkPull()
	return nil, nil
}

func (c checker) inTest(n ast.Node) bool { return c.testSupport || isTestFile(c.Pass, n) }

func isTestFile(pass *analysis.Pass, n ast.Node) bool {
	return strings.HasSuffix(pass.Fset.File(n.Pos()).Name(), "_test.go")
}

func isTestSupport(pass *analysis.Pass) bool {
	return slices.ContainsFunc(pass.Files, func(file *ast.File) bool {
		return !isTestFile(pass, file) && slices.ContainsFunc(file.Imports, func(spec *ast.ImportSpec) bool {
			return spec.Path.Value == `"testing"` || spec.Path.Value == `"pgregory.net/rapid"`
		})
	})
}
