package live_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
	"github.com/lambdabatch/batch/batchdoctor/internal/live"
)

func TestEverySettingIsRead(t *testing.T) {
	m := of(ordersQueue, "orders:live")
	m.FunctionResponseTypes = []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}
	m.BatchSize, m.MaximumBatchingWindowInSeconds = aws.Int32(100), aws.Int32(2)
	m.MaximumRetryAttempts, m.MaximumRecordAgeInSeconds, m.TumblingWindowInSeconds = aws.Int32(-1), aws.Int32(60), aws.Int32(30)
	m.BisectBatchOnFunctionError = aws.Bool(true)
	m.ProvisionedPollerConfig = &types.ProvisionedPollerConfig{}
	m.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn")}}
	f := &functions{
		mappings: []types.EventSourceMappingConfiguration{m},
		configure: func(string) (*lambda.GetFunctionConfigurationOutput, error) {
			return &lambda.GetFunctionConfigurationOutput{
				Timeout: aws.Int32(30), Environment: &types.EnvironmentResponse{Variables: map[string]string{"TOKEN": "secret", "MAX_RECEIVES": "5"}},
			}, nil
		},
	}
	q := queues{attributes: map[string]string{
		"VisibilityTimeout": "182", "RedrivePolicy": `{"deadLetterTargetArn":"arn","maxReceiveCount":5}`,
	}}
	is.New(t).Equal(read(t, "orders", f, q), []diagnosis.Mapping{{
		Resource: described("uuid", "uuid"),
		Source: diagnosis.Source{
			Resource: described("orders", "https://sqs/123456789012/orders"),
			Kind:     diagnosis.SQS,
			Queue: diagnosis.Queue{
				FIFO: diagnosis.Known(false), VisibilityTimeout: diagnosis.Known(182), MaxReceiveCount: diagnosis.Known(5),
			},
		},
		Function: diagnosis.Function{
			Resource:    described("orders:live", "orders"),
			Timeout:     diagnosis.Known(30),
			Environment: diagnosis.Known([]diagnosis.Variable{{Name: "MAX_RECEIVES"}, {Name: "TOKEN"}}), // no secrets
		},
		ResponseTypes:     diagnosis.Known([]string{"ReportBatchItemFailures"}),
		BatchSize:         diagnosis.Known(100),
		BatchWindow:       diagnosis.Known(2),
		RetryAttempts:     diagnosis.Known(-1),
		RecordAge:         diagnosis.Known(60),
		TumblingWindow:    diagnosis.Known(30),
		BisectOnError:     diagnosis.Known(true),
		ProvisionedPoller: diagnosis.Known(true),
		OnFailure:         diagnosis.Known("arn"),
	}})
}

func TestSettingsThatAWSLeavesOutAreUnset(t *testing.T) {
	is := is.New(t)
	m := of(ordersQueue, "orders")
	m.DestinationConfig = &types.DestinationConfig{OnFailure: &types.OnFailure{}}
	f := &functions{mappings: []types.EventSourceMappingConfiguration{m}, configure: lasting(30)}
	got := read(t, "orders", f, queues{})[0]
	is.True(got.BatchSize.IsUnset() && got.BisectOnError.IsUnset() && got.ProvisionedPoller.IsUnset() && got.OnFailure.IsUnset())
	is.True(got.Source.Queue.VisibilityTimeout.IsUnset() && got.Source.Queue.MaxReceiveCount.IsUnset())
	is.True(got.Function.Environment.IsUnset())
}

func TestAFunctionIsNamedInEveryWay(t *testing.T) {
	for written, want := range map[string][]string{
		"orders":                         {"orders", "orders:3", "orders:live"},
		"orders:live":                    {"orders:live"},
		"function:orders":                {"orders", "orders:3", "orders:live"},
		"123456789012:function:orders:3": {"orders:3"},
		owner + "orders":                 {"orders", "orders:3", "orders:live"},
		owner + "orders:live":            {"orders:live"},
		"orders:$LATEST":                 {"orders"},
		owner + "orders:$LATEST":         {"orders"},
		owner + "order":                  nil,
		"210987654321:function:orders":   nil,
		"arn:aws:lambda:us-east-1:123456789012:function:orders": nil,
		"": nil,
	} {
		t.Run(written, func(t *testing.T) {
			f := &functions{configure: lasting(30)}
			for _, function := range []string{"orders", "orders-2", "orders:3", "orders:live"} {
				f.mappings = append(f.mappings, of(ordersQueue, function))
			}
			f.mappings = append(f.mappings, types.EventSourceMappingConfiguration{})
			var names []string
			for _, m := range read(t, written, f, queues{}) {
				names = append(names, m.Function.Name)
			}
			is.New(t).Equal(names, want)
		})
	}
}

func TestAMappingOfTheLatestCodeIsFoundHoweverItIsWritten(t *testing.T) {
	for _, function := range []string{"orders", "orders:$LATEST"} {
		f := &functions{configure: lasting(30), mappings: []types.EventSourceMappingConfiguration{of(ordersQueue, function)}}
		for _, written := range []string{"orders", "orders:$LATEST", owner + "orders:$LATEST"} {
			is.New(t).Equal(len(read(t, written, f, queues{})), 1)
		}
		is.New(t).Equal(len(read(t, "orders:live", f, queues{})), 0)
	}
}

func TestAFunctionIsAskedForOnce(t *testing.T) {
	f := &functions{configure: lasting(30), mappings: []types.EventSourceMappingConfiguration{
		of(ordersQueue, "orders"), of(ordersQueue, "orders:live"), of(ordersQueue, "orders"),
	}}
	read(t, "orders", f, queues{})
	is.New(t).True(slices.Equal(f.asked, []string{owner + "orders", owner + "orders:live"}))
}

func TestAMissingPermissionIsTheReasonOfUnknownSettings(t *testing.T) {
	refuse := func(string) (*lambda.GetFunctionConfigurationOutput, error) { return nil, denied }
	mappings := []types.EventSourceMappingConfiguration{of(ordersQueue+".fifo", "orders")}
	reason := func(s diagnosis.Setting[int]) string {
		text, _ := s.Unread()
		return text
	}
	is := is.New(t)
	got := read(t, "orders", &functions{mappings: mappings, configure: refuse}, queues{urlErr: denied})[0]
	is.Equal(reason(got.Function.Timeout), "cannot be read (lambda:GetFunctionConfiguration: AccessDenied: no policy allows it)")
	_, unread := got.Function.Environment.Unread()
	is.True(unread)
	is.Equal(reason(got.Source.Queue.VisibilityTimeout), "cannot be read (sqs:GetQueueUrl: AccessDenied: no policy allows it)")
	is.Equal(got.Source.Queue.FIFO, diagnosis.Known(true)) // by its name
	is.Equal(got.Source.Address, "")

	got = read(t, "orders", &functions{mappings: mappings, configure: refuse}, queues{attributesErr: errors.New("no network")})[0]
	is.Equal(reason(got.Source.Queue.MaxReceiveCount), "cannot be read (sqs:GetQueueAttributes: no network)")
	is.Equal(got.Source.Address, "https://sqs/123456789012/orders.fifo")
}

func TestAnUnreadableEnvironmentIsUnknown(t *testing.T) {
	f := &functions{mappings: []types.EventSourceMappingConfiguration{of(ordersQueue, "orders")}}
	f.configure = func(string) (*lambda.GetFunctionConfigurationOutput, error) {
		broken := &types.EnvironmentError{ErrorCode: aws.String("KMSAccessDeniedException")}
		return &lambda.GetFunctionConfigurationOutput{Timeout: aws.Int32(9), Environment: &types.EnvironmentResponse{Error: broken}}, nil
	}
	got := read(t, "orders", f, queues{})[0].Function
	is.New(t).Equal(got.Timeout, diagnosis.Known(9))
	is.New(t).Equal(got.Environment, diagnosis.Unknown[[]diagnosis.Variable]("cannot be read (KMSAccessDeniedException)"))
}

func TestWithoutMappingsTheFunctionMustExist(t *testing.T) {
	is := is.New(t)
	f := &functions{configure: lasting(30)}
	is.Equal(len(read(t, "orders", f, queues{})), 0)
	is.Equal(f.asked, []string{"orders"})
	f.configure = func(string) (*lambda.GetFunctionConfigurationOutput, error) {
		return nil, &types.ResourceNotFoundException{Message: aws.String("Function not found: orders")}
	}
	_, err := live.Account{Lambda: f}.Read(t.Context(), "orders")
	is.Equal(err.Error(), "lambda:GetFunctionConfiguration: ResourceNotFoundException: Function not found: orders")
}

func TestAListingThatIsRefusedIsAnError(t *testing.T) {
	_, err := live.Account{Lambda: &functions{listErr: denied}}.Read(t.Context(), "orders")
	is.New(t).Equal(err.Error(), "lambda:ListEventSourceMappings: AccessDenied: no policy\nallows it.")
}
