package report_test

import (
	"strings"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
	"github.com/lambdabatch/batch/batchdoctor/internal/report"
)

func TestANameCannotBeginALine(t *testing.T) {
	var text strings.Builder
	name := "a\n::error::\x1b[2Jb"
	is.New(t).NoErr(report.Text(&text, []diagnosis.Checkup{{Source: name, Function: name}}))
	is.New(t).Equal(text.String(), "a�::error::�[2Jb → a�::error::�[2Jb\n\nNothing is wrong.\n")
}
