package report_test

import (
	"strings"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
	"github.com/lambdabatch/batch/batchdoctor/internal/report"
)

var fixes = []diagnosis.Fix{
	{Property: diagnosis.SetResponseTypes, Value: "ReportBatchItemFailures"},
	{Property: diagnosis.SetBatchSize, Value: "10"},
	{Property: diagnosis.SetBatchWindow, Value: "1"},
	{Property: diagnosis.SetProvisionedPoller, Value: "1"},
	{Property: diagnosis.SetBisect, Value: "true"},
	{Property: diagnosis.SetRetryAttempts, Value: "5"},
	{Property: diagnosis.SetOnFailure, Value: ""},
	{Property: diagnosis.SetVisibilityTimeout, Value: "180"},
	{Property: diagnosis.SetRedrivePolicy, Value: "5"},
	{Property: diagnosis.SetMaxReceiveCount, Value: "5"},
	{Property: diagnosis.SetTimeout, Value: "30"},
	{Property: diagnosis.SetVariable, Value: "5"},
	{Property: diagnosis.SetFirehoseBuffer, Value: "1"},
}

// snippets prints every fix in a format.
func snippets(t *testing.T, format diagnosis.Format) string {
	t.Helper()
	var all strings.Builder
	for _, fix := range fixes {
		var text strings.Builder
		resource := diagnosis.Resource{Name: "R", Address: "r", Format: format}
		checkup := diagnosis.Checkup{Findings: []diagnosis.Finding{{Rule: "rule", Message: "Wrong.", Resource: resource, Fix: fix}}}
		is.New(t).NoErr(report.Text(&text, []diagnosis.Checkup{checkup}))
		for line := range strings.Lines(text.String()) {
			if snippet, ok := strings.CutPrefix(line, strings.Repeat(" ", 12)); ok {
				all.WriteString(snippet)
			}
		}
	}
	return all.String()
}

func TestAFixIsWrittenInTheFormatOfItsResource(t *testing.T) {
	is := is.New(t)
	is.Equal(snippets(t, diagnosis.YAML), `FunctionResponseTypes: [ReportBatchItemFailures]
BatchSize: 10
MaximumBatchingWindowInSeconds: 1
ProvisionedPollerConfig:
  MinimumPollers: 1
BisectBatchOnFunctionError: true
MaximumRetryAttempts: 5
DestinationConfig:
  OnFailure:
    Destination: !GetAtt GivenUp.Arn # a queue, a topic or a bucket
VisibilityTimeout: 180
RedrivePolicy:
  deadLetterTargetArn: !GetAtt DeadLetters.Arn # a queue
  maxReceiveCount: 5
RedrivePolicy:
  maxReceiveCount: 5
Timeout: 30
Environment:
  Variables:
    MAX_RECEIVES: 5 # the queue's maxReceiveCount
Parameters:
  - ParameterName: BufferSizeInMBs
    ParameterValue: "1"
`)
	is.Equal(snippets(t, diagnosis.JSON), `"FunctionResponseTypes": ["ReportBatchItemFailures"]
"BatchSize": 10
"MaximumBatchingWindowInSeconds": 1
"ProvisionedPollerConfig": {"MinimumPollers": 1}
"BisectBatchOnFunctionError": true
"MaximumRetryAttempts": 5
"DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["GivenUp", "Arn"]}}}
"VisibilityTimeout": 180
"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}, "maxReceiveCount": 5}
"RedrivePolicy": {"maxReceiveCount": 5}
"Timeout": 30
"Environment": {"Variables": {"MAX_RECEIVES": "5"}}
"Parameters": [{"ParameterName": "BufferSizeInMBs", "ParameterValue": "1"}]
`)
	is.Equal(snippets(t, diagnosis.Terraform), `function_response_types = ["ReportBatchItemFailures"]
batch_size = 10
maximum_batching_window_in_seconds = 1
provisioned_poller_config {
  minimum_pollers = 1
}
bisect_batch_on_function_error = true
maximum_retry_attempts = 5
destination_config {
  on_failure {
    destination_arn = aws_sqs_queue.given_up.arn # a queue, a topic or a bucket
  }
}
visibility_timeout_seconds = 180
redrive_policy = jsonencode({
  deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
  maxReceiveCount     = 5
})
maxReceiveCount = 5 # in redrive_policy
timeout = 30
environment {
  variables = {
    MAX_RECEIVES = "5" # the queue's maxReceiveCount
  }
}
parameters {
  parameter_name  = "BufferSizeInMBs"
  parameter_value = "1"
}
`)
	is.Equal(snippets(t, diagnosis.CommandLine), `aws lambda update-event-source-mapping --uuid r --function-response-types ReportBatchItemFailures
aws lambda update-event-source-mapping --uuid r --batch-size 10
aws lambda update-event-source-mapping --uuid r --maximum-batching-window-in-seconds 1
aws lambda update-event-source-mapping --uuid r --provisioned-poller-config MinimumPollers=1
aws lambda update-event-source-mapping --uuid r --bisect-batch-on-function-error
aws lambda update-event-source-mapping --uuid r --maximum-retry-attempts 5
aws lambda update-event-source-mapping --uuid r --destination-config '{"OnFailure": {"Destination": "ARN"}}'
aws sqs set-queue-attributes --queue-url r --attributes VisibilityTimeout=180
aws sqs set-queue-attributes --queue-url r --attributes '{"RedrivePolicy": "{\"deadLetterTargetArn\": \"ARN\", \"maxReceiveCount\": 5}"}'
aws sqs set-queue-attributes --queue-url r --attributes '{"RedrivePolicy": "{\"deadLetterTargetArn\": \"ARN\", \"maxReceiveCount\": 5}"}'
aws lambda update-function-configuration --function-name r --timeout 30
`)
}

func TestAFixOfAResourceElsewhereSaysSo(t *testing.T) {
	var text strings.Builder
	finding := diagnosis.Finding{Rule: "redrive", Message: "Wrong.", Resource: diagnosis.Resource{Name: "orders"}, Fix: fixes[1]}
	is.New(t).NoErr(report.Text(&text, []diagnosis.Checkup{{Source: "orders", Findings: []diagnosis.Finding{finding}}}))
	is.New(t).Equal(text.String(), `orders
  hint     redrive: Wrong.
          Set where orders is defined:
            BatchSize: 10

1 hint
`)
}
