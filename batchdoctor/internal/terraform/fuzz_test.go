package terraform_test

import (
	"testing"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
	"github.com/lambdabatch/batch/batchdoctor/internal/terraform"
)

// FuzzPlan checks that no file makes the reader or the rules panic or hang, and that every
// finding can be printed.
func FuzzPlan(f *testing.F) {
	f.Add([]byte(state))
	f.Add([]byte(modules))
	f.Fuzz(func(t *testing.T, content []byte) {
		deployment, err := terraform.Read("plan.json", content)
		if err != nil {
			return
		}
		for _, found := range diagnosis.Findings(diagnosis.Examine(deployment)) {
			if found.Rule == "" || found.Message == "" || found.Resource.Format != diagnosis.Terraform {
				t.Errorf("%+v", found)
			}
		}
	})
}

// modules has every kind of reference, some in a circle.
const modules = `{"planned_values": {"root_module": {"resources": [
	{"address": "aws_sqs_queue.q[0]", "mode": "managed", "type": "aws_sqs_queue", "name": "q", "values": {"redrive_policy": "{\"maxReceiveCount\": 3}"}},
	{"address": "aws_sqs_queue_redrive_policy.r", "mode": "managed", "type": "aws_sqs_queue_redrive_policy", "name": "r"},
	{"address": "aws_lambda_alias.a", "mode": "managed", "type": "aws_lambda_alias", "name": "a"},
	{"address": "aws_kinesis_firehose_delivery_stream.s", "mode": "managed", "type": "aws_kinesis_firehose_delivery_stream", "name": "s", "values": {
		"x_configuration": [{"processing_configuration": [{"processors": [{"type": "Lambda", "parameters": [{"parameter_name": "LambdaArn"}]}]}]}]}}],
	"child_modules": [{"address": "module.m[\"k\"]", "resources": [
		{"address": "module.m[\"k\"].aws_lambda_event_source_mapping.m", "mode": "managed", "type": "aws_lambda_event_source_mapping", "name": "m", "values": {}}]}]}},
	"resource_changes": [{"address": "module.m[\"k\"].aws_lambda_event_source_mapping.m", "change": {"after_unknown": {"event_source_arn": true, "batch_size": true}}},
		{"address": "aws_sqs_queue_redrive_policy.r", "change": {"after_unknown": true}}],
	"configuration": {"root_module": {"resources": [
		{"mode": "managed", "type": "aws_lambda_alias", "name": "a", "expressions": {"function_name": {"references": ["aws_lambda_alias.a.arn"]}}},
		{"mode": "managed", "type": "aws_sqs_queue_redrive_policy", "name": "r", "expressions": {"queue_url": {"references": ["aws_sqs_queue.q[0].id", "aws_sqs_queue.q[0]", "aws_sqs_queue.q"]}}}],
		"module_calls": {"m": {"for_each_expression": {"references": ["module.m[\"k\"].o", "each.value"]},
			"expressions": {"v": {"references": ["each.value.x", "module.m", "data.aws_sqs_queue.d.arn", "local.l"]}},
			"module": {"outputs": {"o": {"expression": {"references": ["var.v"]}}}, "resources": [
				{"mode": "managed", "type": "aws_lambda_event_source_mapping", "name": "m", "expressions": {
					"event_source_arn": {"references": ["var.v"]}, "batch_size": {"references": ["var.v", "each.value"]}, "function_name": {"references": ["module.m.o"]}}}]}}}}}}`
