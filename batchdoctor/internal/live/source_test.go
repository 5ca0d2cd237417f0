package live_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

func TestTheARNTellsTheSource(t *testing.T) {
	selfManaged := of("", "orders")
	selfManaged.EventSourceArn = nil
	selfManaged.SelfManagedEventSource, selfManaged.Topics = &types.SelfManagedEventSource{}, []string{"clicks"}
	unnamed := selfManaged
	unnamed.Topics = nil
	unknown := of("", "orders")
	unknown.EventSourceArn = nil
	for name, c := range map[string]struct {
		mapping types.EventSourceMappingConfiguration
		name    string
		kind    diagnosis.Kind
	}{
		"queue":        {of(ordersQueue, "orders"), "orders", diagnosis.SQS},
		"stream":       {of("arn:aws:kinesis:eu-west-1:123456789012:stream/clicks", "orders"), "stream/clicks", diagnosis.Kinesis},
		"table":        {of("arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/1", "orders"), "table/t/stream/1", diagnosis.DynamoDB},
		"cluster":      {of("arn:aws:kafka:eu-west-1:123456789012:cluster/c/1", "orders"), "cluster/c/1", diagnosis.Kafka},
		"broker":       {of("arn:aws:mq:eu-west-1:123456789012:broker:b:1", "orders"), "broker:b:1", diagnosis.Other},
		"self-managed": {selfManaged, "clicks", diagnosis.Kafka},
		"no topic":     {unnamed, "uuid", diagnosis.Kafka},
		"no ARN":       {unknown, "uuid", diagnosis.Other},
		"another text": {of("orders", "orders"), "orders", diagnosis.Other},
	} {
		t.Run(name, func(t *testing.T) {
			f := &functions{mappings: []types.EventSourceMappingConfiguration{c.mapping}, configure: lasting(30)}
			source := read(t, "orders", f, queues{})[0].Source
			is.New(t).Equal(source.Name, c.name)
			is.New(t).Equal(source.Kind, c.kind)
		})
	}
}

func TestARedrivePolicyIsRead(t *testing.T) {
	for policy, want := range map[string]diagnosis.Setting[int]{
		"":                         diagnosis.Unset[int](),
		`{"maxReceiveCount": 3}`:   diagnosis.Known(3),
		`{"maxReceiveCount": "3"}`: diagnosis.Known(3),
		`{}`:                       diagnosis.Known(10), // SQS's default
		`{"maxReceiveCount": "x"}`: diagnosis.Unknown[int]("is not a whole number"),
		`{`:                        diagnosis.Unknown[int]("is in a redrive policy that is not a JSON object"),
	} {
		t.Run(policy, func(t *testing.T) {
			f := &functions{mappings: []types.EventSourceMappingConfiguration{of(ordersQueue, "orders")}, configure: lasting(30)}
			q := queues{attributes: map[string]string{"RedrivePolicy": policy, "VisibilityTimeout": "x"}}
			queue := read(t, "orders", f, q)[0].Source.Queue
			is.New(t).Equal(queue.MaxReceiveCount, want)
			is.New(t).Equal(queue.VisibilityTimeout, diagnosis.Unknown[int]("is not a whole number"))
		})
	}
}

func TestAQueueWithoutARedrivePolicyMayBeADeadLetterQueue(t *testing.T) {
	for name, c := range map[string]struct {
		queues queues
		want   diagnosis.Setting[bool]
	}{
		"of a queue": {queues{sources: []string{"https://sqs/123456789012/bills"}}, diagnosis.Known(true)},
		"of none":    {queues{}, diagnosis.Known(false)},
		"refused":    {queues{sourcesErr: denied}, diagnosis.Unknown[bool]("cannot be read (sqs:ListDeadLetterSourceQueues: AccessDenied: no policy allows it)")},
	} {
		t.Run(name, func(t *testing.T) {
			f := &functions{mappings: []types.EventSourceMappingConfiguration{of(ordersQueue, "orders")}, configure: lasting(30)}
			is.New(t).Equal(read(t, "orders", f, c.queues)[0].Source.Queue.DeadLetters, c.want)
		})
	}
}
