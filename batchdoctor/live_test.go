package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/matryer/is"
)

const deployedMapping = `{"EventSourceMappings": [{
	"UUID": "14e0db71-5d35-4b4c-a3f2-6a4d8b3c1e2f", "BatchSize": 10,
	"FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:orders:live",
	"EventSourceArn": "arn:aws:sqs:eu-west-1:123456789012:orders"}]}`

// aws starts a server that responds like Lambda and SQS, and makes the SDK ask it.
func aws(t *testing.T, attributes string) (operations *[]string) {
	t.Helper()
	operations = new([]string)
	responses := map[string]string{
		"GET /2015-03-31/event-source-mappings": deployedMapping,
		"GET /2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:orders:live/configuration": `{"Timeout": 20}`,
		"AmazonSQS.GetQueueUrl":                `{"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"}`,
		"AmazonSQS.GetQueueAttributes":         attributes,
		"AmazonSQS.ListDeadLetterSourceQueues": `{}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		operation := r.Header.Get("X-Amz-Target")
		if operation == "" {
			operation = r.Method + " " + strings.TrimSuffix(r.URL.Path, "/")
		}
		*operations = append(*operations, operation)
		if response := responses[operation]; response != "" {
			_, _ = io.WriteString(w, response)
			return
		}
		w.Header().Set("X-Amzn-Errortype", "AccessDenied")
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(server.Close)
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key",
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_PROFILE": "", "AWS_SESSION_TOKEN": "",
	} {
		t.Setenv(name, value)
	}
	return operations
}

func TestADeployedFunctionIsCheckedWithCommandsToRun(t *testing.T) {
	is := is.New(t)
	operations := aws(t, `{"Attributes": {"VisibilityTimeout": "30"}}`)
	var out, errors strings.Builder
	is.Equal(run([]string{"-live", "-function", "orders"}, nil, &out, &errors), statusFound)
	is.Equal(errors.String(), "")
	is.Equal(len(*operations), 5) // nothing but what it reads
	is.Equal(out.String(), `orders → orders:live
  error    response-type: FunctionResponseTypes does not contain ReportBatchItemFailures. Lambda
          ignores the function's response, so failed messages are deleted with the rest of the
          batch.
          Run:
            aws lambda update-event-source-mapping --uuid 14e0db71-5d35-4b4c-a3f2-6a4d8b3c1e2f --function-response-types ReportBatchItemFailures
          https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
  warning  visibility-timeout: The queue's visibility timeout (30 s) is shorter than six times the
          function's timeout (20 s). If Lambda is throttled, messages are redelivered before it can
          try again.
          Run:
            aws sqs set-queue-attributes --queue-url https://sqs.eu-west-1.amazonaws.com/123456789012/orders --attributes VisibilityTimeout=120
          https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
  warning  redrive: The queue has no redrive policy. A message that always fails is redelivered
          until its retention period ends, and then it is lost.
          Run:
            aws sqs set-queue-attributes --queue-url https://sqs.eu-west-1.amazonaws.com/123456789012/orders --attributes '{"RedrivePolicy": "{\"deadLetterTargetArn\": \"ARN\", \"maxReceiveCount\": 5}"}'
          https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
  ok       batch-window, batch-size, function-timeout

1 error, 2 warnings
`)
}

func TestWithoutPermissionForTheQueueItsRulesAreUnresolved(t *testing.T) {
	is := is.New(t)
	aws(t, "")
	var out, errors strings.Builder
	is.Equal(run([]string{"-live", "-function", "orders", "-github"}, nil, &out, &errors), statusFound)
	is.True(strings.Contains(out.String(), "The queue's VisibilityTimeout cannot be read (sqs:GetQueueAttributes: AccessDenied: "))
	is.True(!strings.Contains(out.String(), "--queue-url"))
}

func TestAnUnknownFunctionIsAnError(t *testing.T) {
	is := is.New(t)
	aws(t, "")
	var out, errors strings.Builder
	is.Equal(run([]string{"-live", "-function", "parcels"}, nil, &out, &errors), statusUnknown)
	is.Equal(out.String(), "")
	is.True(strings.HasPrefix(errors.String(), "batchdoctor: lambda:GetFunctionConfiguration: AccessDenied"))
}
