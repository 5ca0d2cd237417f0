package report

import (
	"fmt"
	"strings"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// snippet writes the fix of a finding in the format of its resource, line by line.
func snippet(f diagnosis.Finding) []string {
	if f.Fix.Property == "" {
		return nil
	}
	var text string
	switch f.Resource.Format {
	case diagnosis.JSON:
		text = inJSON(f.Fix)
	case diagnosis.Terraform:
		text = inTerraform(f.Fix)
	case diagnosis.CommandLine:
		text = onCommandLine(f.Fix, f.Resource.Address)
	default:
		text = inYAML(f.Fix)
	}
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func inYAML(fix diagnosis.Fix) string {
	switch fix.Property {
	case diagnosis.SetResponseTypes:
		return fmt.Sprintf("FunctionResponseTypes: [%s]", fix.Value)
	case diagnosis.SetProvisionedPoller:
		return fmt.Sprintf("ProvisionedPollerConfig:\n  MinimumPollers: %s", fix.Value)
	case diagnosis.SetOnFailure:
		return "DestinationConfig:\n  OnFailure:\n    Destination: !GetAtt GivenUp.Arn # a queue, a topic or a bucket"
	case diagnosis.SetRedrivePolicy:
		return fmt.Sprintf("RedrivePolicy:\n  deadLetterTargetArn: !GetAtt DeadLetters.Arn # a queue\n  maxReceiveCount: %s", fix.Value)
	case diagnosis.SetMaxReceiveCount:
		return fmt.Sprintf("RedrivePolicy:\n  maxReceiveCount: %s", fix.Value)
	case diagnosis.SetVariable:
		return fmt.Sprintf("Environment:\n  Variables:\n    MAX_RECEIVES: %s # the queue's maxReceiveCount", fix.Value)
	case diagnosis.SetFirehoseBuffer:
		return fmt.Sprintf("Parameters:\n  - ParameterName: BufferSizeInMBs\n    ParameterValue: %q", fix.Value)
	}
	return fmt.Sprintf("%s: %s", fix.Property, fix.Value)
}

func inJSON(fix diagnosis.Fix) string {
	switch fix.Property {
	case diagnosis.SetResponseTypes:
		return fmt.Sprintf(`"FunctionResponseTypes": [%q]`, fix.Value)
	case diagnosis.SetProvisionedPoller:
		return fmt.Sprintf(`"ProvisionedPollerConfig": {"MinimumPollers": %s}`, fix.Value)
	case diagnosis.SetOnFailure:
		return `"DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["GivenUp", "Arn"]}}}`
	case diagnosis.SetRedrivePolicy:
		return fmt.Sprintf(`"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}, "maxReceiveCount": %s}`, fix.Value)
	case diagnosis.SetMaxReceiveCount:
		return fmt.Sprintf(`"RedrivePolicy": {"maxReceiveCount": %s}`, fix.Value)
	case diagnosis.SetVariable:
		return fmt.Sprintf(`"Environment": {"Variables": {"MAX_RECEIVES": %q}}`, fix.Value)
	case diagnosis.SetFirehoseBuffer:
		return fmt.Sprintf(`"Parameters": [{"ParameterName": "BufferSizeInMBs", "ParameterValue": %q}]`, fix.Value)
	}
	return fmt.Sprintf("%q: %s", fix.Property, fix.Value)
}

func inTerraform(fix diagnosis.Fix) string {
	switch fix.Property {
	case diagnosis.SetResponseTypes:
		return fmt.Sprintf("function_response_types = [%q]", fix.Value)
	case diagnosis.SetBatchSize:
		return "batch_size = " + fix.Value
	case diagnosis.SetBatchWindow:
		return "maximum_batching_window_in_seconds = " + fix.Value
	case diagnosis.SetProvisionedPoller:
		return fmt.Sprintf("provisioned_poller_config {\n  minimum_pollers = %s\n}", fix.Value)
	case diagnosis.SetBisect:
		return "bisect_batch_on_function_error = " + fix.Value
	case diagnosis.SetRetryAttempts:
		return "maximum_retry_attempts = " + fix.Value
	case diagnosis.SetOnFailure:
		return "destination_config {\n  on_failure {\n    destination_arn = aws_sqs_queue.given_up.arn # a queue, a topic or a bucket\n  }\n}"
	case diagnosis.SetVisibilityTimeout:
		return "visibility_timeout_seconds = " + fix.Value
	case diagnosis.SetRedrivePolicy:
		return fmt.Sprintf("redrive_policy = jsonencode({\n  deadLetterTargetArn = aws_sqs_queue.dead_letters.arn\n  maxReceiveCount     = %s\n})", fix.Value)
	case diagnosis.SetMaxReceiveCount:
		return fmt.Sprintf("maxReceiveCount = %s # in redrive_policy", fix.Value)
	case diagnosis.SetTimeout:
		return "timeout = " + fix.Value
	case diagnosis.SetVariable:
		return fmt.Sprintf("environment {\n  variables = {\n    MAX_RECEIVES = %q # the queue's maxReceiveCount\n  }\n}", fix.Value)
	case diagnosis.SetFirehoseBuffer:
		return fmt.Sprintf("parameters {\n  parameter_name  = \"BufferSizeInMBs\"\n  parameter_value = %q\n}", fix.Value)
	}
	return ""
}

// onCommandLine returns "" if no single command changes the setting and nothing else.
func onCommandLine(fix diagnosis.Fix, address string) string {
	const onMapping = "aws lambda update-event-source-mapping --uuid %s "
	const onQueue = "aws sqs set-queue-attributes --queue-url %s --attributes "
	switch fix.Property {
	case diagnosis.SetResponseTypes:
		return fmt.Sprintf(onMapping+"--function-response-types %s", address, fix.Value)
	case diagnosis.SetBatchSize:
		return fmt.Sprintf(onMapping+"--batch-size %s", address, fix.Value)
	case diagnosis.SetBatchWindow:
		return fmt.Sprintf(onMapping+"--maximum-batching-window-in-seconds %s", address, fix.Value)
	case diagnosis.SetProvisionedPoller:
		return fmt.Sprintf(onMapping+"--provisioned-poller-config MinimumPollers=%s", address, fix.Value)
	case diagnosis.SetBisect:
		return fmt.Sprintf(onMapping+"--bisect-batch-on-function-error", address)
	case diagnosis.SetRetryAttempts:
		return fmt.Sprintf(onMapping+"--maximum-retry-attempts %s", address, fix.Value)
	case diagnosis.SetOnFailure:
		return fmt.Sprintf(onMapping+`--destination-config '{"OnFailure": {"Destination": "ARN"}}'`, address)
	case diagnosis.SetVisibilityTimeout:
		return fmt.Sprintf(onQueue+"VisibilityTimeout=%s", address, fix.Value)
	case diagnosis.SetRedrivePolicy, diagnosis.SetMaxReceiveCount: // the policy is replaced as a whole
		return fmt.Sprintf(onQueue+`'{"RedrivePolicy": "{\"deadLetterTargetArn\": \"ARN\", \"maxReceiveCount\": %s}"}'`, address, fix.Value)
	case diagnosis.SetTimeout:
		return fmt.Sprintf("aws lambda update-function-configuration --function-name %s --timeout %s", address, fix.Value)
	}
	return "" // update-function-configuration would replace all variables
}
