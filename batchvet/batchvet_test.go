package batchvet_test

import (
	"path/filepath"
	"testing"

	"github.com/matryer/is"
	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/lambdabatch/batch/batchvet"

	// The programs in testdata import these packages. go mod tidy ignores testdata and would
	// remove them from go.mod.
	_ "github.com/aws/aws-lambda-go/events"
	_ "github.com/lambdabatch/batch"
	_ "github.com/samber/lo/it"
)

// Each program in testdata has mistakes, with the expected diagnostics and fixes, and
// near misses. All are loaded at once, because loading takes most of the time.
func TestMistakesAreReportedAndNearMissesAreNot(t *testing.T) {
	is := is.New(t)
	module, err := filepath.Abs(".") // its go.mod finds the library
	is.NoErr(err)
	programs := []string{"collect", "contexts", "pull", "support", "tests", "twice", "unused"}
	for i, program := range programs {
		programs[i] = "./testdata/" + program
	}
	analysistest.RunWithSuggestedFixes(t, module, batchvet.Analyzer, programs...)
}
