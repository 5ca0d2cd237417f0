package main

import (
	"encoding/json"
	"fmt"
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

func TestTheReadmeGrantsWhatLiveAsksFor(t *testing.T) {
	is := is.New(t)
	readme, err := os.ReadFile("README.md")
	is.NoErr(err)
	_, policy, _ := strings.Cut(string(readme), "These permissions are enough. All of them only read:\n\n```json\n")
	policy, _, _ = strings.Cut(policy, "```")
	var document struct{ Statement []struct{ Action any } }
	is.NoErr(json.Unmarshal([]byte(policy), &document))
	var actions []string
	for _, s := range document.Statement {
		actions = append(actions, strings.Fields(strings.Trim(fmt.Sprint(s.Action), "[]"))...)
	}
	asked := aws(t, `{"Attributes": {}}`)
	var out, errors strings.Builder
	is.Equal(run([]string{"-live", "-function", "orders"}, nil, &out, &errors), statusFound)
	is.Equal(len(actions), len(*asked))
	is.Equal(actions, []string{"lambda:ListEventSourceMappings", "lambda:GetFunctionConfiguration", "sqs:GetQueueUrl", "sqs:GetQueueAttributes",
		"sqs:ListDeadLetterSourceQueues"})
}
