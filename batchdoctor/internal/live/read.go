// Package live asks AWS how a function is deployed. It only reads.
package live

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// An Account is what the reader calls of AWS.
type Account struct {
	Lambda interface {
		ListEventSourceMappings(context.Context, *lambda.ListEventSourceMappingsInput, ...func(*lambda.Options)) (*lambda.ListEventSourceMappingsOutput, error)
		GetFunctionConfiguration(context.Context, *lambda.GetFunctionConfigurationInput, ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error)
	}
	SQS interface {
		GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
		GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
		ListDeadLetterSourceQueues(context.Context, *sqs.ListDeadLetterSourceQueuesInput, ...func(*sqs.Options)) (*sqs.ListDeadLetterSourceQueuesOutput, error)
	}
}

// Connect returns the account of the environment: its credentials, region and profile.
func Connect(ctx context.Context) (Account, error) {
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return Account{}, err
	}
	return Account{Lambda: lambda.NewFromConfig(c), SQS: sqs.NewFromConfig(c)}, nil
}

// Read translates the mappings of a function, its sources and the function itself. The function
// is a name or an ARN, and may end in an alias or a version; otherwise the mappings of all
// aliases and versions are read. Settings that AWS refuses to show are unknown. If it refuses to
// list mappings, or there is no such function, that is the error.
func (a Account) Read(ctx context.Context, function string) (diagnosis.Deployment, error) {
	mappings, err := a.mappings(ctx, function)
	if err != nil {
		return diagnosis.Deployment{}, err
	}
	if len(mappings) == 0 {
		_, err := a.Lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
		return diagnosis.Deployment{}, in("lambda:GetFunctionConfiguration", err)
	}
	var d diagnosis.Deployment
	r := reader{account: a, functions: make(map[string]diagnosis.Function)}
	for _, m := range mappings {
		d.Mappings = append(d.Mappings, r.mapping(ctx, m))
	}
	return d, nil
}

// mappings lists all mappings of the region and picks those of the function: AWS does not say
// whether a listing by the name of a function includes the mappings of its aliases.
func (a Account) mappings(ctx context.Context, function string) ([]types.EventSourceMappingConfiguration, error) {
	var found []types.EventSourceMappingConfiguration
	pages := lambda.NewListEventSourceMappingsPaginator(a.Lambda, &lambda.ListEventSourceMappingsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, in("lambda:ListEventSourceMappings", err)
		}
		for _, m := range page.EventSourceMappings {
			if m.FunctionArn != nil && means(function, *m.FunctionArn) {
				found = append(found, m)
			}
		}
	}
	return found, nil
}

// means reports whether a name or an ARN that a person writes means the function with the ARN.
func means(written, arn string) bool {
	name, qualifier := split(written)
	arnName, arnQualifier := split(arn)
	if name != arnName || qualifier != "" && published(qualifier) != published(arnQualifier) {
		return false
	}
	writtenOwner, _, _ := strings.Cut(written, "function:")
	owner, _, _ := strings.Cut(arn, "function:")
	return writtenOwner == written || strings.HasSuffix(owner, writtenOwner) // a partial ARN has no region
}

// published returns an alias or a version, or "" for the code that is not published: without a
// qualifier, an ARN means $LATEST.
func published(qualifier string) string {
	if qualifier == "$LATEST" {
		return ""
	}
	return qualifier
}

// split returns the name of a function and its alias or version.
func split(function string) (name, qualifier string) {
	if _, after, ok := strings.Cut(function, "function:"); ok {
		function = after
	}
	name, qualifier, _ = strings.Cut(function, ":")
	return name, qualifier
}

// in names the operation that an error is from.
func in(operation string, err error) error {
	if err == nil {
		return nil
	}
	var response smithy.APIError
	if errors.As(err, &response) {
		return fmt.Errorf("%s: %s: %s", operation, response.ErrorCode(), response.ErrorMessage())
	}
	return fmt.Errorf("%s: %w", operation, err)
}

// refused is the reason for settings that an operation did not return.
func refused(operation string, err error) string {
	return "cannot be read (" + strings.Trim(strings.Join(strings.Fields(in(operation, err).Error()), " "), " .") + ")"
}
