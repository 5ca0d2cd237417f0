package main

import (
	"os"
	"strings"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

func TestTheReadmeShowsWhatTheCommandPrints(t *testing.T) {
	is := is.New(t)
	readme, err := os.ReadFile("README.md")
	is.NoErr(err)
	t.Chdir("testdata/broken")
	var out, errors strings.Builder
	is.Equal(run([]string{"template.yaml"}, nil, &out, &errors), statusFound)
	is.True(strings.Contains(string(readme), "```\n"+out.String()+"```\n"))
}

func TestTheReadmeListsEveryRule(t *testing.T) {
	is := is.New(t)
	readme, err := os.ReadFile("README.md")
	is.NoErr(err)
	for _, rule := range []diagnosis.Rule{
		diagnosis.ResponseType, diagnosis.ProvisionedKafka, diagnosis.VisibilityTimeout, diagnosis.Redrive,
		diagnosis.FIFOMaxReceives, diagnosis.BatchWindow, diagnosis.BatchSize, diagnosis.Bisect, diagnosis.Retries,
		diagnosis.Destination, diagnosis.TumblingWindow, diagnosis.FunctionTimeout, diagnosis.Firehose, diagnosis.Unresolved,
	} {
		is.True(strings.Contains(string(readme), "\n| `"+string(rule)+"` | ")) // a row of the table
	}
}
