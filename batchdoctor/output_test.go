package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/matryer/is"
)

func TestTextSaysWhatIsWrongWhyAndWhatToAdd(t *testing.T) {
	is := is.New(t)
	broken := strings.NewReplacer(
		"[ReportBatchItemFailures]", "[]",
		"maxReceiveCount: 5", "maxReceiveCount: !Ref Receives",
		"    Type: AWS::Serverless::Function\n", "    Type: AWS::Serverless::Function\n    Metadata: {batchdoctor: {ignore: visibility-timeout}}\n",
	).Replace(testdata(t, "queue.yaml"))
	stdout, status := doctor(t, broken)
	is.Equal(status, statusFound)
	is.Equal(stdout, `Orders → Charge (standard input:26)
  error    response-type: FunctionResponseTypes does not contain ReportBatchItemFailures. Lambda
          ignores the function's response, so failed messages are deleted with the rest of the
          batch.
          Set in Resources.Charge.Properties.Events.Queue.Properties (standard input:26):
            FunctionResponseTypes: [ReportBatchItemFailures]
          https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
  hint     unresolved: The queue's maxReceiveCount refers to Receives, which the template does not
          define. Not checked: redrive.
  silenced visibility-timeout
  ok       batch-window, batch-size, function-timeout

1 error, 1 hint
`)
}

func TestTextSaysThatAPropertyGeneratesTheQueue(t *testing.T) {
	is := is.New(t)
	stdout, _ := doctor(t, `
Resources:
  Charge:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 5
      Events: {News: {Type: SNS, Properties: {Topic: t, SqsSubscription: true}}}
`)
	is.Equal(strings.Count(stdout, "\n          SqsSubscription cannot set this. Define the resource that it generates yourself, and set:\n"), 2)
	is.True(strings.HasSuffix(stdout, "1 error, 1 warning\n")) // response-type, redrive
}

func TestGitHubShowsFindingsAtTheirLines(t *testing.T) {
	is := is.New(t)
	file := filepath.Join(t.TempDir(), "100%,a:b.yaml")
	broken := strings.Replace(testdata(t, "kinesis.yaml"), "Attempts: 5", "Attempts: -1", 1)
	is.NoErr(os.WriteFile(file, []byte(broken), 0o600))
	var out, errors strings.Builder
	is.Equal(run([]string{"-github", file}, nil, &out, &errors), statusGood)
	escaped := strings.NewReplacer("%", "%25", ":", "%3A", ",", "%2C").Replace(file)
	is.Equal(out.String(), "::warning file="+escaped+",line=15,title=Readings → Store (retries)::"+
		"MaximumRetryAttempts and MaximumRecordAgeInSeconds are both unlimited. A poison record blocks its shard until it expires.\n")
}

func TestGitHubCallsSeveritiesByItsOwnNames(t *testing.T) {
	for command, change := range map[string][2]string{
		"::error ":   {"[ReportBatchItemFailures]", "[]"},
		"::warning ": {"maxReceiveCount: 5", "maxReceiveCount: 4"},
		"::notice ":  {"  Timeout: 30", "  Timeout: 4"},
	} {
		stdout, _ := doctor(t, strings.Replace(testdata(t, "queue.yaml"), change[0], change[1], 1), "-github")
		is.New(t).True(strings.HasPrefix(stdout, command+"file=standard input,line="))
	}
}

func TestTheStatusSaysHowGraveTheFindingsAre(t *testing.T) {
	good := testdata(t, "queue.yaml")
	for name, c := range map[string]struct {
		old, new       string
		status, strict int
	}{
		"nothing": {"30", "30", statusGood, statusGood},
		"hint":    {"  Timeout: 30", "  Timeout: 4", statusGood, statusGood},
		"warning": {"maxReceiveCount: 5", "maxReceiveCount: 4", statusGood, statusFound},
		"error":   {"[ReportBatchItemFailures]", "[]", statusFound, statusFound},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			template := strings.Replace(good, c.old, c.new, 1)
			for _, format := range []string{"-json", "-github", "-json=false"} {
				_, status := doctor(t, template, format)
				is.Equal(status, c.status)
				_, status = doctor(t, template, format, "-strict")
				is.Equal(status, c.strict)
			}
		})
	}
}

func TestWrongUseHasItsOwnStatus(t *testing.T) {
	for name, c := range map[string]struct {
		args   []string
		stdin  string
		stderr string
	}{
		"no file":        {nil, "", "no template to check"},
		"unknown flag":   {[]string{"-fix"}, "", "not defined"},
		"two formats":    {[]string{"-json", "-github", "-"}, "", "exclude each other"},
		"no function":    {[]string{"-live"}, "", "-live and -function"},
		"not live":       {[]string{"-function", "orders", "-"}, "", "-live and -function"},
		"no plan":        {[]string{"-terraform", "-"}, "{}", "standard input has no planned_values"},
		"missing plan":   {[]string{"-terraform", "testdata/none.json"}, "", "none.json"},
		"missing file":   {[]string{"testdata/none.yaml"}, "", "none.yaml"},
		"no YAML":        {[]string{"-"}, "a: [", "standard input"},
		"no JSON":        {[]string{"-"}, "{\"Resources\":\n{]", "standard input"},
		"no template":    {[]string{"-"}, "version: 3\nservices: {}\n", "standard input has no Resources"},
		"nothing at all": {[]string{"-"}, "", "has no Resources"},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			var out, errors strings.Builder
			is.Equal(run(c.args, strings.NewReader(c.stdin), &out, &errors), statusUnknown)
			is.Equal(out.String(), "")
			is.True(strings.Contains(errors.String(), c.stderr)) // says what is wrong
		})
	}
}

func TestHelpIsNoError(t *testing.T) {
	var out, errors strings.Builder
	is.New(t).Equal(run([]string{"-h"}, nil, &out, &errors), statusGood)
	is.New(t).True(strings.Contains(errors.String(), "usage: batchdoctor"))
}

func TestATemplateWithoutFunctionsSaysSo(t *testing.T) {
	stdout, status := doctor(t, "Resources: {Q: {Type: AWS::SQS::Queue}}")
	is.New(t).Equal(status, statusGood)
	is.New(t).Equal(stdout, "No event source mapping and no Firehose transformation was found.\n")
}

func TestMetadataSilencesRules(t *testing.T) {
	window := strings.Replace(testdata(t, "kinesis.yaml"), "BatchSize: 500", "TumblingWindowInSeconds: 60", 1)
	for name, c := range map[string]struct {
		resource string
		metadata string
		left     int
	}{
		"of the function":   {"Store", "{batchdoctor: {ignore: [tumbling-window]}}", 0},
		"of the source":     {"Readings", "{batchdoctor: {ignore: [tumbling-window]}}", 0},
		"another rule":      {"Store", "{batchdoctor: {ignore: [bisect]}}", 1},
		"another resource":  {"GivenUp", "{batchdoctor: {ignore: [tumbling-window]}}", 1},
		"one rule, no list": {"Store", "{batchdoctor: {ignore: tumbling-window}}", 0},
		"something else":    {"Store", "{batchdoctor: true}", 1},
	} {
		t.Run(name, func(t *testing.T) {
			silenced := strings.Replace(window, "  "+c.resource+":\n", "  "+c.resource+":\n    Metadata: "+c.metadata+"\n", 1)
			is.New(t).Equal(len(findings(t, silenced)), c.left)
		})
	}
}
