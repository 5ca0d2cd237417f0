package main

import (
	"strings"
	"testing"

	"github.com/matryer/is"
)

func TestAPlanIsCheckedWithTheArgumentsOfTerraform(t *testing.T) {
	is := is.New(t)
	var out, errors strings.Builder
	is.Equal(run([]string{"-terraform", "-"}, strings.NewReader(testdata(t, "terraform/plan.json")), &out, &errors), statusFound)
	is.Equal(errors.String(), "")
	is.Equal(out.String(), `aws_sqs_queue.orders → aws_lambda_function.charge
  error    response-type: FunctionResponseTypes does not contain ReportBatchItemFailures. Lambda
          ignores the function's response, so failed messages are deleted with the rest of the
          batch.
          Set in aws_lambda_event_source_mapping.charge:
            function_response_types = ["ReportBatchItemFailures"]
          https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
  warning  visibility-timeout: The queue's visibility timeout (30 s) is shorter than six times the
          function's timeout (20 s). If Lambda is throttled, messages are redelivered before it can
          try again.
          Set in aws_sqs_queue.orders:
            visibility_timeout_seconds = 120
          https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
  hint     unresolved: The queue's maxReceiveCount is in a redrive policy that is known only after
          apply and depends on aws_sqs_queue.dead_letters.arn. Not checked: redrive.
  ok       batch-window, batch-size, function-timeout

1 error, 1 warning, 1 hint
`)
}

func TestAPlanMayAccompanyTemplates(t *testing.T) {
	is := is.New(t)
	var out, errors strings.Builder
	is.Equal(run([]string{"-github", "-terraform", "testdata/terraform/plan.json", "testdata/queue.yaml", "testdata/broken/template.yaml"}, nil, &out, &errors), statusFound)
	is.Equal(strings.Count(out.String(), "::error "), 2)
	is.True(strings.Contains(out.String(), "::error title=aws_sqs_queue.orders → aws_lambda_function.charge (response-type)::")) // a plan has no lines
	is.Equal(errors.String(), "")
}
