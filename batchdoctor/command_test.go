package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/matryer/is"
)

// A printed finding is an object of the array that -json prints.
type printed struct{ Source, Function, Rule, Severity, Message string }

func doctor(t *testing.T, template string, args ...string) (stdout string, status int) {
	t.Helper()
	var out, errors strings.Builder
	status = run(append(args, "-"), strings.NewReader(template), &out, &errors)
	if status == statusUnknown {
		t.Fatal(errors.String())
	}
	return out.String(), status
}

func findings(t *testing.T, template string) []printed {
	t.Helper()
	stdout, _ := doctor(t, template, "-json")
	var found []printed
	is.New(t).NoErr(json.Unmarshal([]byte(stdout), &found))
	return found
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	is.New(t).NoErr(err)
	return string(content)
}

// Every change breaks one rule of a good template.
var changes = []struct {
	template string
	old, new string
	rule     string
	severity string
	source   string
	function string
}{
	{"queue.yaml", "[ReportBatchItemFailures]", "[]", "response-type", "error", "Orders", "Charge"},
	{"queue.yaml", "            FunctionResponseTypes: [ReportBatchItemFailures]\n", "", "response-type", "error", "Orders", "Charge"},
	{"queue.yaml", "VisibilityTimeout: 182", "VisibilityTimeout: 29", "visibility-timeout", "error", "Orders", "Charge"},
	{"queue.yaml", "VisibilityTimeout: 182", "VisibilityTimeout: 181", "visibility-timeout", "warning", "Orders", "Charge"},
	{"queue.yaml", "    Timeout: 30", "    Timeout: 31", "visibility-timeout", "warning", "Orders", "Charge"},
	{"queue.yaml", "      VisibilityTimeout: 182\n", "", "visibility-timeout", "warning", "Orders", "Charge"},
	{"queue.yaml", "maxReceiveCount: 5", "maxReceiveCount: 4", "redrive", "warning", "Orders", "Charge"},
	{"queue.yaml", "RedrivePolicy:", "RedriveAllowPolicy:", "redrive", "warning", "Orders", "Charge"},
	{"queue.yaml", "WindowInSeconds: 2", "WindowInSeconds: 0", "batch-window", "error", "Orders", "Charge"},
	{"queue.yaml", "BatchSize: 100", "BatchSize: 10001", "batch-size", "error", "Orders", "Charge"},
	{"queue.yaml", "    Timeout: 30", "    Timeout: 4", "function-timeout", "hint", "Orders", "Charge"},
	{"queue.yaml", "    Timeout: 30", "    MemorySize: 256", "function-timeout", "hint", "Orders", "Charge"},
	{"queue.yaml", "!GetAtt Orders.Arn", "!GetAtt Nested.Outputs.Queue", "unresolved", "hint", "Nested.Outputs.Queue", "Charge"},
	{"queue.yaml", "BatchSize: 100", "BatchSize: !FindInMap [Sizes, Prod, Batch]", "unresolved", "hint", "Orders", "Charge"},
	{"fifo.yaml", "TRIES: !Sub \"${Receives}\"", "TRIES: 6", "fifo-max-receives", "hint", "Bookings", "Book"},
	{"fifo.yaml", "Failures]\n", "Failures]\n      BatchSize: 11\n", "batch-size", "error", "Bookings", "Book"},
	{"kinesis.yaml", "BatchSize: 500", "BatchSize: 10001", "batch-size", "error", "Readings", "Store"},
	{"kinesis.yaml", "OnFunctionError: true", "OnFunctionError: false", "bisect", "warning", "Readings", "Store"},
	{"kinesis.yaml", "Attempts: 5", "Attempts: -1", "retries", "warning", "Readings", "Store"},
	{"kinesis.yaml", "OnFailure:", "OnSuccess:", "destination", "warning", "Readings", "Store"},
	{"kinesis.yaml", "BatchSize: 500", "TumblingWindowInSeconds: 60", "tumbling-window", "hint", "Readings", "Store"},
	{"kinesis.yaml", "[ReportBatchItemFailures]", "!Ref AWS::NoValue", "response-type", "error", "Readings", "Store"},
	{"dynamodb.json", `"MaximumRecordAgeInSeconds": 3600,`, "", "retries", "warning", "Table", "Index"},
	{"dynamodb.json", `"true"`, `"false"`, "bisect", "warning", "Table", "Index"},
	{"dynamodb.json", `"Timeout": 30`, `"Timeout": {"Ref": "Seconds"}`, "unresolved", "hint", "Table", "Index"},
	{"kafka.yaml", "ProvisionedPollerConfig:", "ScalingConfig:", "provisioned-kafka", "error", "cluster/clicks/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2", "Index"},
	{"kafka.yaml", "[ReportBatchItemFailures]", "[]", "response-type", "error", "cluster/clicks/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2", "Index"},
	{"kafka.yaml", "Topics: [clicks]", "BatchSize: 10001", "batch-size", "error", "cluster/clicks/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2", "Index"},
	{"firehose.yaml", `"3"`, `"3.1"`, "firehose", "warning", "Clicks", "Transform"},
	{"firehose.yaml", "Timeout: 120", "Timeout: 59", "firehose", "warning", "Clicks", "Transform"},
	{"firehose.yaml", `"3"`, `!ImportValue buffer`, "unresolved", "hint", "Clicks", "Transform"},
}

func TestBreakingOneRuleYieldsItsFindingOnly(t *testing.T) {
	for _, change := range changes {
		t.Run(change.rule+"/"+change.new, func(t *testing.T) {
			is := is.New(t)
			good := testdata(t, change.template)
			broken := strings.Replace(good, change.old, change.new, 1)
			is.True(broken != good) // the change applies
			found := findings(t, broken)
			is.True(len(found) > 0)
			for _, f := range found {
				is.Equal(f.Rule, change.rule)
				is.Equal(f.Severity, change.severity)
				is.Equal(f.Source, change.source)
				is.Equal(f.Function, change.function)
				is.True(f.Message != "")
			}
			is.True(len(found) == 1 || change.rule == "unresolved") // one per unknown setting
		})
	}
}

func TestAGoodTemplateHasNoFinding(t *testing.T) {
	files, err := filepath.Glob("testdata/*.*")
	is.New(t).NoErr(err)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			stdout, status := doctor(t, testdata(t, filepath.Base(file)), "-json", "-strict")
			is.New(t).Equal(stdout, "[]\n")
			is.New(t).Equal(status, statusGood)
		})
	}
}

func TestTheExamplesHaveNoFinding(t *testing.T) {
	is := is.New(t)
	files, err := filepath.Glob("../examples/*/template.yaml")
	is.NoErr(err)
	is.True(len(files) >= 10)
	var out, errors strings.Builder
	is.Equal(run(append([]string{"-strict", "-json"}, files...), nil, &out, &errors), statusGood)
	is.Equal(out.String(), "[]\n")
	is.Equal(errors.String(), "")
}

func TestJSONIsExact(t *testing.T) {
	is := is.New(t)
	broken := strings.Replace(testdata(t, "queue.yaml"), "[ReportBatchItemFailures]", "[]", 1)
	stdout, status := doctor(t, broken, "-json")
	is.Equal(status, statusFound)
	is.Equal(stdout, `[
  {
    "source": "Orders",
    "function": "Charge",
    "rule": "response-type",
    "severity": "error",
    "message": "FunctionResponseTypes does not contain ReportBatchItemFailures. `+
		`Lambda ignores the function's response, so failed messages are deleted with the rest of the batch."
  }
]
`)
}
