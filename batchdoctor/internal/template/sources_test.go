package template_test

import (
	"fmt"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

const sources = `
Parameters:
  Queue: {Type: String}
  Name: {Type: String, Default: orders}
Resources:
  Orders:
    Type: AWS::SQS::Queue
    Properties: {QueueName: orders, VisibilityTimeout: 60, RedrivePolicy: {maxReceiveCount: 7}}
  Priority:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub "${Orders.QueueName}-priority"}
  Bookings:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub "${AWS::StackName}-bookings.fifo"}
  Readings: {Type: AWS::Kinesis::Stream}
  Consumer: {Type: AWS::Kinesis::StreamConsumer}
  Table: {Type: AWS::DynamoDB::GlobalTable}
  Cluster: {Type: AWS::MSK::ServerlessCluster}
  Broker: {Type: AWS::AmazonMQ::Broker}
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: charge
      EventSourceArn: %s
      %s
`

func TestAMappingFindsItsSource(t *testing.T) {
	for _, c := range []struct {
		arn, property string
		name          string
		kind          diagnosis.Kind
	}{
		{"!GetAtt Orders.Arn", "", "Orders", diagnosis.SQS},
		{"!GetAtt [Orders, Arn]", "", "Orders", diagnosis.SQS},
		{`{"Fn::GetAtt": "Orders.Arn"}`, "", "Orders", diagnosis.SQS},
		{`!Sub "${Orders.Arn}"`, "", "Orders", diagnosis.SQS},
		{`!Sub "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:orders"`, "", "Orders", diagnosis.SQS},
		{`!Sub "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Name}"`, "", "Orders", diagnosis.SQS},
		{`!Sub "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Orders.QueueName}"`, "", "Orders", diagnosis.SQS},
		{`!Sub "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Orders.QueueName}-priority"`, "", "Priority", diagnosis.SQS},
		{`!Sub "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Bookings.QueueName}-priority"`, "", "${Bookings.QueueName}-priority", diagnosis.SQS},
		{`!Sub "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Table}"`, "", "Table", diagnosis.SQS},
		{`!Sub "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Table}-changes"`, "", "${Table}-changes", diagnosis.SQS},
		{`!Sub "${Orders.Arn}-priority"`, "", "${Orders.Arn}-priority", diagnosis.SQS},
		{`!Join [":", [arn, !Ref AWS::Partition, sqs, !Ref AWS::Region, !Ref AWS::AccountId, orders]]`, "", "Orders", diagnosis.SQS},
		{`!Sub "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${AWS::StackName}-bookings.fifo"`, "", "Bookings", diagnosis.SQS},
		{"arn:aws:sqs:eu-west-1:123456789012:orders", "", "Orders", diagnosis.SQS},
		{"arn:aws:sqs:eu-west-1:123456789012:parcels", "", "parcels", diagnosis.SQS},
		{"!GetAtt Readings.Arn", "", "Readings", diagnosis.Kinesis},
		{"!Ref Consumer", "", "Consumer", diagnosis.Kinesis},
		{"arn:aws:kinesis:eu-west-1:123456789012:stream/orders", "", "stream/orders", diagnosis.Kinesis},
		{`!Sub "arn:aws:kinesis:${AWS::Region}:${AWS::AccountId}:stream/${Readings}"`, "", "Readings", diagnosis.Kinesis},
		{`!Sub "arn:aws:kinesis:${AWS::Region}:${AWS::AccountId}:stream/${Readings}-raw"`, "", "stream/${Readings}-raw", diagnosis.Kinesis},
		{`!Sub "arn:aws:kinesis:${AWS::Region}:${AWS::AccountId}:stream/${Readings}/consumer/c:1"`, "", "Readings", diagnosis.Kinesis},
		{`!Sub "${Readings.Arn}/consumer/c:1"`, "", "Readings", diagnosis.Kinesis},
		{"!GetAtt Table.StreamArn", "", "Table", diagnosis.DynamoDB},
		{`!Sub "arn:aws:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${Table}/stream/1"`, "", "Table", diagnosis.DynamoDB},
		{"arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/1", "", "table/t/stream/1", diagnosis.DynamoDB},
		{"!Ref Cluster", "", "Cluster", diagnosis.Kafka},
		{"!Ref AWS::NoValue", "SelfManagedEventSource: {}", "Mapping", diagnosis.Kafka},
		{"!Ref Queue", "", "Queue", diagnosis.SQS},
		{"!Ref Queue", "StartingPosition: LATEST", "Queue", diagnosis.Stream},
		{"!Ref Queue", "Topics: [t]", "Queue", diagnosis.Kafka},
		{"!Ref Queue", "Queues: [q]", "Queue", diagnosis.Other},
		{"!GetAtt Broker.Arn", "", "Broker", diagnosis.Other},
		{"!If [Prod, !GetAtt Orders.Arn, !GetAtt Orders.Arn]", "", "Orders", diagnosis.SQS},
		{"!ImportValue orders-arn", "", "orders-arn", diagnosis.SQS},
		{"!Select [0, []]", "", "Mapping", diagnosis.SQS},
	} {
		t.Run(c.arn+c.property, func(t *testing.T) {
			is := is.New(t)
			source := read(t, fmt.Sprintf(sources, c.arn, c.property)).Mappings[0].Source
			is.Equal(source.Name, c.name)
			is.Equal(source.Kind, c.kind)
		})
	}
}

func TestSettingsOfAQueueInTheTemplateAreRead(t *testing.T) {
	is := is.New(t)
	queue := read(t, fmt.Sprintf(sources, "!GetAtt Orders.Arn", "")).Mappings[0].Source.Queue
	is.Equal(queue.VisibilityTimeout, diagnosis.Known(60))
	is.Equal(queue.MaxReceiveCount, diagnosis.Known(7))
	is.True(queue.FIFO.IsUnset())
}

func TestAQueueElsewhereIsFIFOByItsName(t *testing.T) {
	for arn, want := range map[string]diagnosis.Setting[bool]{
		"arn:aws:sqs:eu-west-1:123456789012:parcels.fifo":                   diagnosis.Known(true),
		"arn:aws:sqs:eu-west-1:123456789012:parcels":                        diagnosis.Known(false),
		`!Sub "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Queue}"`:      diagnosis.Unknown[bool]("is unknown, because the queue's ARN depends on AWS::Region"),
		`!Sub "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:${Queue}.fifo"`: diagnosis.Known(true),
		`!Sub "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:parcels"`:       diagnosis.Known(false),
		"arn:aws:sqs:eu-west-1:123456789012:{{resolve:ssm:/queue}}":         diagnosis.Unknown[bool]("is unknown, because the template does not define the queue"),
		"'{{resolve:ssm:/queue}}'":                                          diagnosis.Unknown[bool]("is unknown, because the queue's ARN is a dynamic reference, which is resolved on deployment"),
		`!Sub "{{resolve:secretsmanager:${Secret}:SecretString}}"`:          diagnosis.Unknown[bool]("is unknown, because the queue's ARN refers to Secret, which the template does not define"),
		"!Ref Queue": diagnosis.Unknown[bool]("is unknown, because the queue's ARN comes from parameter Queue, which has no default"),
	} {
		t.Run(arn, func(t *testing.T) {
			queue := read(t, fmt.Sprintf(sources, arn, "")).Mappings[0].Source.Queue
			is.New(t).Equal(queue.FIFO, want)
			_, unread := queue.MaxReceiveCount.Unread()
			is.New(t).True(unread)
		})
	}
}

func TestAQueueWhoseNameIsTakenTwiceIsUnknown(t *testing.T) {
	const content = `
Resources:
  Old: {Type: AWS::SQS::Queue, Condition: Prod, Properties: {QueueName: orders.fifo, VisibilityTimeout: 300}}
  New: {Type: AWS::SQS::Queue, Condition: Test, Properties: {QueueName: orders.fifo}}
  Mapping: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: f, EventSourceArn: %s}}
`
	is := is.New(t)
	source := read(t, fmt.Sprintf(content, "arn:aws:sqs:eu-west-1:123456789012:orders.fifo")).Mappings[0].Source
	is.Equal(source.Name, "orders.fifo")
	is.Equal(source.Address, "")
	is.Equal(source.Queue.FIFO, diagnosis.Known(true))
	is.Equal(reasonOf(source.Queue.VisibilityTimeout), "is unknown, because the queue may be Old or New")
	is.Equal(reasonOf(source.Queue.MaxReceiveCount), "is unknown, because the queue may be Old or New")
	is.Equal(read(t, fmt.Sprintf(content, "!GetAtt Old.Arn")).Mappings[0].Source.Name, "Old")
}

func TestARedrivePolicyMayBeUnset(t *testing.T) {
	for policy, want := range map[string]diagnosis.Setting[int]{
		"":                                    diagnosis.Unset[int](),
		"!Ref AWS::NoValue":                   diagnosis.Unset[int](),
		"{deadLetterTargetArn: a}":            diagnosis.Known(10), // SQS's default
		"{maxReceiveCount: '3'}":              diagnosis.Known(3),
		"!If [Prod, {maxReceiveCount: 3}, 4]": diagnosis.Unknown[int]("depends on condition Prod"),
		"'{}'":                                diagnosis.Unknown[int]("is in a redrive policy that is not an object"),
	} {
		t.Run(policy, func(t *testing.T) {
			queue := read(t, `
Resources:
  Queue: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: `+policy+` }}
  Mapping: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: !GetAtt Queue.Arn, FunctionName: f}}
`).Mappings[0].Source.Queue
			is.New(t).Equal(queue.MaxReceiveCount, want)
		})
	}
}

func TestAPollerConfigMayDependOnAConditionIfThereIsOneInEachCase(t *testing.T) {
	for config, want := range map[string]diagnosis.Setting[bool]{
		"":                    diagnosis.Unset[bool](),
		"{MinimumPollers: 1}": diagnosis.Known(true),
		"!If [Prod, {MinimumPollers: 2}, {MinimumPollers: 1}]":                 diagnosis.Known(true),
		"!If [Prod, {MinimumPollers: 2}, !If [Test, {MinimumPollers: 1}, {}]]": diagnosis.Known(true),
		"!If [Prod, {MinimumPollers: 2}, !Ref AWS::NoValue]":                   diagnosis.Unknown[bool]("depends on condition Prod"),
		"!If [Prod, !Ref AWS::NoValue, {MinimumPollers: 2}]":                   diagnosis.Unknown[bool]("depends on condition Prod"),
		"!If [Prod, !Ref AWS::NoValue, !Ref AWS::NoValue]":                     diagnosis.Unset[bool](),
		"!Ref Pollers": diagnosis.Unknown[bool]("refers to Pollers, which the template does not define"),
		"yes":          diagnosis.Unknown[bool](`is not an object ("yes")`),
	} {
		t.Run(config, func(t *testing.T) {
			mapping := read(t, `
Resources:
  Mapping: {Type: AWS::Lambda::EventSourceMapping, Properties: {Topics: [t], ProvisionedPollerConfig: `+config+` }}
`).Mappings[0]
			is := is.New(t)
			is.Equal(reasonOf(mapping.ProvisionedPoller), reasonOf(want))
			got, known := mapping.ProvisionedPoller.Value()
			is.Equal(got, reasonOf(want) == "" && !want.IsUnset())
			is.Equal(known, got)
		})
	}
}

func TestADestinationNeedNotBeInTheTemplate(t *testing.T) {
	for config, want := range map[string]diagnosis.Setting[string]{
		"":                                diagnosis.Unset[string](),
		"{OnFailure: {}}":                 diagnosis.Unset[string](),
		"{OnFailure: {Destination: arn}}": diagnosis.Known("arn"),
		"{OnFailure: {Destination: !GetAtt Queue.Arn}}":                  diagnosis.Known("Queue.Arn"),
		"{OnFailure: {Destination: !Ref Elsewhere}}":                     diagnosis.Known("Elsewhere"),
		"{OnFailure: {Destination: !Select [0, [a]]}}":                   diagnosis.Unknown[string]("is computed by Fn::Select"),
		"{OnFailure: {Destination: !If [Prod, !GetAtt Queue.Arn, arn]}}": diagnosis.Known("Queue.Arn"),
		"{OnFailure: {Destination: !If [Prod, arn, !Ref AWS::NoValue]}}": diagnosis.Unknown[string]("depends on condition Prod"),
		"{OnFailure: {Destination: !If [Prod, !Ref AWS::NoValue, arn]}}": diagnosis.Unknown[string]("depends on condition Prod"),
		"{OnFailure: {Destination: {Arn: arn}}}":                         diagnosis.Unknown[string]("has a destination that is not a text"),
		"!If [Prod, {OnFailure: {Destination: arn}}, {}]":                diagnosis.Unknown[string]("depends on condition Prod"),
		"{OnFailure: {Destination: '{{resolve:ssm:/arn}}'}}":             diagnosis.Known("{{resolve:ssm:/arn}}"),
	} {
		t.Run(config, func(t *testing.T) {
			mapping := read(t, `
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Mapping: {Type: AWS::Lambda::EventSourceMapping, Properties: {StartingPosition: LATEST, DestinationConfig: `+config+` }}
`).Mappings[0]
			is.New(t).Equal(mapping.OnFailure, want)
		})
	}
}
