package batchvet_test

import (
	"path/filepath"
	"testing"

	"github.com/matryer/is"
	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/lambdabatch/batch/batchvet"

	// The programs in testdata import these, and go mod tidy does not look there.
	_ "github.com/aws/aws-lambda-go/events"
	_ "github.com/lambdabatch/batch"
	_ "github.com/samber/lo/it"
)

// In testdata each program has mistakes, with what is said of them and how they are
// mended, and near misses. All are loaded at once, since that takes most of the time.
func TestMistakesAreReportedAndNearMissesAreNot(t *testing.T) {
	is := is.New(t)
	module, err := filepath.Abs(".") // the library is found through its go.mod
	is.NoErr(err)
	programs := []string{"collected", "contexts", "dropped", "support", "tests", "twice"}
	for i, program := range programs {
		programs[i] = "./testdata/" + program
	}
	analysistest.RunWithSuggestedFixes(t, module, batchvet.Analyzer, programs...)
}
