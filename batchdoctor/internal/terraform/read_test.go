package terraform_test

import (
	"strings"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
	"github.com/lambdabatch/batch/batchdoctor/internal/terraform"
)

const state = `{"format_version": "1.0", "values": {"root_module": {"child_modules": [{"address": "module.m", "resources": [
	{"address": "module.m.aws_sqs_queue.q", "mode": "managed", "type": "aws_sqs_queue", "name": "q", "values": {
		"arn": "arn:aws:sqs:eu-west-1:123456789012:orders", "visibility_timeout_seconds": 180, "redrive_policy": ""}},
	{"address": "module.m.aws_lambda_function.f", "mode": "managed", "type": "aws_lambda_function", "name": "f", "values": {
		"arn": "arn:aws:lambda:eu-west-1:123456789012:function:f", "timeout": 30}},
	{"address": "module.m.aws_lambda_event_source_mapping.m", "mode": "managed", "type": "aws_lambda_event_source_mapping", "name": "m", "values": {
		"event_source_arn": "arn:aws:sqs:eu-west-1:123456789012:orders", "maximum_retry_attempts": null,
		"function_name": "arn:aws:lambda:eu-west-1:123456789012:function:f:live"}}
]}]}}}`

func TestAStateIsReadLikeAPlan(t *testing.T) {
	is := is.New(t)
	is.Equal(read(t, []byte("\ufeff"+state)), diagnosis.Deployment{Mappings: []diagnosis.Mapping{{
		Resource: described("module.m.aws_lambda_event_source_mapping.m"),
		Source: diagnosis.Source{
			Resource: described("module.m.aws_sqs_queue.q"), Kind: diagnosis.SQS,
			Queue: diagnosis.Queue{VisibilityTimeout: diagnosis.Known(180)},
		},
		Function: diagnosis.Function{Resource: described("module.m.aws_lambda_function.f"), Timeout: diagnosis.Known(30)},
	}}})
}

func TestDataSourcesThatWereReadBeforeAreInThePriorState(t *testing.T) {
	prior := `"prior_state": {"values": {"root_module": {"resources": [
		{"address": "data.aws_lambda_function.f", "mode": "data", "type": "aws_lambda_function", "name": "f", "values": {"function_name": "f", "timeout": 60}},
		{"address": "aws_lambda_function.f", "mode": "managed", "type": "aws_lambda_function", "name": "f", "values": {"function_name": "f", "timeout": 90}}]}}}`
	content := plan(t, []part{mapping(nil).with("function_name", "f")}, nil)
	d := read(t, []byte(strings.Replace(string(content), "{", "{"+prior+",", 1)))
	is.New(t).Equal(d.Mappings[0].Function.Timeout, diagnosis.Known(60))
	is.New(t).Equal(d.Mappings[0].Function.Address, "") // it is defined elsewhere
}

func TestADeposedObjectHidesNothingOfTheOneThatReplacesIt(t *testing.T) {
	is := is.New(t)
	m := mapping(nil).withUnknown("function_response_types", refer("local.types"))
	deposed := part{address: m.address, unknown: object{}, deposed: "abcd1234"}
	for _, parts := range [][]part{{m, deposed}, {deposed, m}} {
		types := read(t, plan(t, parts, nil)).Mappings[0].ResponseTypes
		is.Equal(reasonOf(types), "is known only after apply and depends on local.types")
	}
}

func TestAFileThatIsNoPlanIsAnError(t *testing.T) {
	for content, want := range map[string]string{
		"":               "plan.json: unexpected end of JSON input",
		"{}":             "plan.json has no planned_values and no values, so terraform show -json did not print it",
		`{"version": 4}`: "plan.json has no planned_values and no values, so terraform show -json did not print it",
		`{"errored": true, "planned_values": {}}`: "plan.json is a plan that Terraform could not finish",
		`{"planned_values": 1}`:                   "plan.json: json: cannot unmarshal number",
		`{"@level":"info"}` + "\n{}":              "plan.json: invalid character",
	} {
		t.Run(content, func(t *testing.T) {
			_, err := terraform.Read("plan.json", []byte(content))
			is.New(t).True(err != nil && strings.HasPrefix(err.Error(), want))
		})
	}
}

func TestAnEmptyPlanHasNothingToCheck(t *testing.T) {
	is.New(t).Equal(read(t, []byte(`{"planned_values": {}}`)), diagnosis.Deployment{})
}
