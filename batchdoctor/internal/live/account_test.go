package live_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
	"github.com/lambdabatch/batch/batchdoctor/internal/live"
)

const (
	owner       = "arn:aws:lambda:eu-west-1:123456789012:function:"
	ordersQueue = "arn:aws:sqs:eu-west-1:123456789012:orders"
)

var denied = &smithy.GenericAPIError{Code: "AccessDenied", Message: "no policy\nallows it."}

// A functions is a fake of Lambda. It returns one mapping per page.
type functions struct {
	mappings  []types.EventSourceMappingConfiguration
	listErr   error
	configure func(name string) (*lambda.GetFunctionConfigurationOutput, error)
	asked     []string
}

func (f *functions) ListEventSourceMappings(_ context.Context, in *lambda.ListEventSourceMappingsInput, _ ...func(*lambda.Options)) (*lambda.ListEventSourceMappingsOutput, error) {
	page, _ := strconv.Atoi(aws.ToString(in.Marker))
	if f.listErr != nil || page >= len(f.mappings) {
		return &lambda.ListEventSourceMappingsOutput{}, f.listErr
	}
	out := &lambda.ListEventSourceMappingsOutput{EventSourceMappings: f.mappings[page : page+1]}
	if page++; page < len(f.mappings) {
		out.NextMarker = aws.String(strconv.Itoa(page))
	}
	return out, nil
}

func (f *functions) GetFunctionConfiguration(_ context.Context, in *lambda.GetFunctionConfigurationInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error) {
	f.asked = append(f.asked, *in.FunctionName)
	return f.configure(*in.FunctionName)
}

func lasting(seconds int32) func(string) (*lambda.GetFunctionConfigurationOutput, error) {
	return func(string) (*lambda.GetFunctionConfigurationOutput, error) {
		return &lambda.GetFunctionConfigurationOutput{Timeout: &seconds}, nil
	}
}

// A queues is a fake of SQS.
type queues struct {
	urlErr, attributesErr, sourcesErr error
	attributes                        map[string]string
	sources                           []string // of dead letters
}

func (q queues) GetQueueUrl(_ context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	return &sqs.GetQueueUrlOutput{QueueUrl: aws.String("https://sqs/" + *in.QueueOwnerAWSAccountId + "/" + *in.QueueName)}, q.urlErr
}

func (q queues) GetQueueAttributes(_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	return &sqs.GetQueueAttributesOutput{Attributes: q.attributes}, q.attributesErr
}

func (q queues) ListDeadLetterSourceQueues(context.Context, *sqs.ListDeadLetterSourceQueuesInput, ...func(*sqs.Options)) (*sqs.ListDeadLetterSourceQueuesOutput, error) {
	return &sqs.ListDeadLetterSourceQueuesOutput{QueueUrls: q.sources}, q.sourcesErr
}

func of(source, function string) types.EventSourceMappingConfiguration {
	return types.EventSourceMappingConfiguration{UUID: aws.String("uuid"), EventSourceArn: aws.String(source), FunctionArn: aws.String(owner + function)}
}

func read(t *testing.T, function string, f *functions, q queues) []diagnosis.Mapping {
	t.Helper()
	d, err := live.Account{Lambda: f, SQS: q}.Read(t.Context(), function)
	is.New(t).NoErr(err)
	return d.Mappings
}

func described(name, address string) diagnosis.Resource {
	return diagnosis.Resource{Name: name, Address: address, Format: diagnosis.CommandLine}
}
