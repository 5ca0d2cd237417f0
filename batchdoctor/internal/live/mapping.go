package live

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// A reader asks for each function once.
type reader struct {
	account   Account
	functions map[string]diagnosis.Function // by ARN
}

func (r reader) mapping(ctx context.Context, m types.EventSourceMappingConfiguration) diagnosis.Mapping {
	uuid := aws.ToString(m.UUID)
	read := diagnosis.Mapping{
		Resource:       described(uuid, uuid),
		Source:         r.source(ctx, m),
		Function:       r.function(ctx, aws.ToString(m.FunctionArn)),
		BatchSize:      number(m.BatchSize),
		BatchWindow:    number(m.MaximumBatchingWindowInSeconds),
		RetryAttempts:  number(m.MaximumRetryAttempts),
		RecordAge:      number(m.MaximumRecordAgeInSeconds),
		TumblingWindow: number(m.TumblingWindowInSeconds),
		OnFailure:      onFailure(m.DestinationConfig),
	}
	var responseTypes []string
	for _, t := range m.FunctionResponseTypes {
		responseTypes = append(responseTypes, string(t))
	}
	read.ResponseTypes = diagnosis.Known(responseTypes)
	if m.BisectBatchOnFunctionError != nil {
		read.BisectOnError = diagnosis.Known(*m.BisectBatchOnFunctionError)
	}
	if m.ProvisionedPollerConfig != nil {
		read.ProvisionedPoller = diagnosis.Known(true)
	}
	return read
}

func described(name, address string) diagnosis.Resource {
	return diagnosis.Resource{Name: name, Address: address, Format: diagnosis.CommandLine}
}

func number(n *int32) diagnosis.Setting[int] {
	if n == nil {
		return diagnosis.Unset[int]()
	}
	return diagnosis.Known(int(*n))
}

func onFailure(config *types.DestinationConfig) diagnosis.Setting[string] {
	if config == nil || config.OnFailure == nil || aws.ToString(config.OnFailure.Destination) == "" {
		return diagnosis.Unset[string]()
	}
	return diagnosis.Known(*config.OnFailure.Destination)
}

func (r reader) source(ctx context.Context, m types.EventSourceMappingConfiguration) diagnosis.Source {
	if m.SelfManagedEventSource != nil {
		name := cmp.Or(strings.Join(m.Topics, ", "), aws.ToString(m.UUID))
		return diagnosis.Source{Resource: described(name, ""), Kind: diagnosis.Kafka}
	}
	address, err := arn.Parse(aws.ToString(m.EventSourceArn))
	if err != nil {
		return diagnosis.Source{Resource: described(cmp.Or(aws.ToString(m.EventSourceArn), aws.ToString(m.UUID)), "")}
	}
	s := diagnosis.Source{Resource: described(address.Resource, ""), Kind: kindOf(address.Service)}
	if s.Kind == diagnosis.SQS {
		s.Queue, s.Address = r.account.queue(ctx, address)
	}
	return s
}

func kindOf(service string) diagnosis.Kind {
	switch service {
	case "sqs":
		return diagnosis.SQS
	case "kinesis":
		return diagnosis.Kinesis
	case "dynamodb":
		return diagnosis.DynamoDB
	case "kafka":
		return diagnosis.Kafka
	}
	return diagnosis.Other
}

func (r reader) function(ctx context.Context, functionARN string) diagnosis.Function {
	if f, read := r.functions[functionARN]; read {
		return f
	}
	name, qualifier := split(functionARN)
	f := diagnosis.Function{Resource: described(name, name)}
	if qualifier != "" {
		f.Name += ":" + qualifier
	}
	c, err := r.account.Lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &functionARN})
	if err != nil {
		reason := refused("lambda:GetFunctionConfiguration", err)
		f.Timeout = diagnosis.Unknown[int](reason)
		f.Environment = diagnosis.Unknown[[]diagnosis.Variable](reason)
	} else {
		f.Timeout, f.Environment = number(c.Timeout), environment(c.Environment)
	}
	r.functions[functionARN] = f
	return f
}

// environment keeps the names of the variables only, because values may be secret.
func environment(e *types.EnvironmentResponse) diagnosis.Setting[[]diagnosis.Variable] {
	switch {
	case e == nil:
		return diagnosis.Unset[[]diagnosis.Variable]()
	case e.Error != nil:
		return diagnosis.Unknown[[]diagnosis.Variable]("cannot be read (" + aws.ToString(e.Error.ErrorCode) + ")")
	}
	var all []diagnosis.Variable
	for _, name := range slices.Sorted(maps.Keys(e.Variables)) {
		all = append(all, diagnosis.Variable{Name: name})
	}
	return diagnosis.Known(all)
}
