package readme

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/matryer/is"
)

// A reader of the package documentation sees an example together with the functions that it calls only if its file
// has no other example and no test.
func TestOneExampleOfThePackageIsShownWithTheFunctionsOfTheOthers(t *testing.T) {
	is := is.New(t)
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, root+"/example_test.go", nil, parser.ParseComments)
	is.NoErr(err)
	examples := doc.Examples(file)
	is.Equal(len(examples), 1)
	shown, ok := examples[0].Code.(*ast.File)
	is.True(ok)
	for _, helper := range strings.Fields("charge store process printResults printResponse invoke messageInGroup threeMessages") {
		is.True(shown.Scope.Lookup(helper) != nil) // in example_test.go
	}
}
