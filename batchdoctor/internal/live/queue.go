package live

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

// queue returns the settings of a queue, and its URL. It is "" if it is unknown.
func (a Account) queue(ctx context.Context, address arn.ARN) (q diagnosis.Queue, url string) {
	q.FIFO = diagnosis.Known(strings.HasSuffix(address.Resource, ".fifo"))
	found, err := a.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &address.Resource, QueueOwnerAWSAccountId: &address.AccountID})
	if err != nil {
		return unread(q, refused("sqs:GetQueueUrl", err)), ""
	}
	attributes, err := a.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl:       found.QueueUrl,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameVisibilityTimeout, types.QueueAttributeNameRedrivePolicy},
	})
	if err != nil {
		return unread(q, refused("sqs:GetQueueAttributes", err)), aws.ToString(found.QueueUrl)
	}
	q.VisibilityTimeout = parsed(attributes.Attributes[string(types.QueueAttributeNameVisibilityTimeout)])
	q.MaxReceiveCount = maxReceiveCount(attributes.Attributes[string(types.QueueAttributeNameRedrivePolicy)])
	if q.MaxReceiveCount.IsUnset() {
		q.DeadLetters = a.deadLetters(ctx, found.QueueUrl)
	}
	return q, aws.ToString(found.QueueUrl)
}

// deadLetters reports whether the redrive policy of another queue names the one with the URL.
func (a Account) deadLetters(ctx context.Context, url *string) diagnosis.Setting[bool] {
	sources, err := a.SQS.ListDeadLetterSourceQueues(ctx, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: url})
	if err != nil {
		return diagnosis.Unknown[bool](refused("sqs:ListDeadLetterSourceQueues", err))
	}
	return diagnosis.Known(len(sources.QueueUrls) > 0)
}

func unread(q diagnosis.Queue, reason string) diagnosis.Queue {
	q.VisibilityTimeout = diagnosis.Unknown[int](reason)
	q.MaxReceiveCount = diagnosis.Unknown[int](reason)
	return q
}

func parsed(text string) diagnosis.Setting[int] {
	if text == "" {
		return diagnosis.Unset[int]()
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return diagnosis.Unknown[int]("is not a whole number")
	}
	return diagnosis.Known(n)
}

const maxReceiveCountDefault = 10

// maxReceiveCount reads a redrive policy. The count may be a number or a text.
func maxReceiveCount(policy string) diagnosis.Setting[int] {
	if policy == "" {
		return diagnosis.Unset[int]()
	}
	var fields struct {
		MaxReceiveCount json.RawMessage `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(policy), &fields); err != nil {
		return diagnosis.Unknown[int]("is in a redrive policy that is not a JSON object")
	}
	return parsed(strings.Trim(string(fields.MaxReceiveCount), `"`)).Or(maxReceiveCountDefault)
}
