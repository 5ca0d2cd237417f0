package template_test

import (
	"strings"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

const serverless = `
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Timeout: 40
    Environment: {Variables: {STAGE: prod, MAX_RECEIVES: 3}}
Resources:
  Charge:
    Type: AWS::Serverless::Function
    Metadata: {batchdoctor: {ignore: [bisect, retries]}}
    Properties:
      AutoPublishAlias: live
      Environment: {Variables: {TABLE: orders}}
      Events:
        Queue: {Type: SQS, Properties: {Queue: "arn:aws:sqs:eu-west-1:123456789012:orders", BatchSize: 7}}
        Stream: {Type: Kinesis, Properties: {Stream: "arn:aws:kinesis:eu-west-1:123456789012:stream/s", TumblingWindowInSeconds: 5}}
        Table: {Type: DynamoDB, Properties: {Stream: !Ref Open}}
        Topic: {Type: MSK, Properties: {ProvisionedPollerConfig: {MinimumPollers: 1}}}
        Own: {Type: SelfManagedKafka, Properties: {Topics: [t]}}
        Broker: {Type: MQ, Properties: {Broker: b}}
        News: {Type: SNS, Properties: {Topic: t, SqsSubscription: true}}
        Olds: {Type: SNS, Properties: {Topic: t, SqsSubscription: {BatchSize: 3, QueueArn: !GetAtt Queue.Arn}}}
        Direct: {Type: SNS, Properties: {Topic: t, SqsSubscription: false}}
        Web: {Type: Api, Properties: {Path: /, Method: get}}
  Queue: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: 60}}
  Ship:
    Type: AWS::Serverless::Function
    Properties: {Timeout: 50}
  Shipping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref Ship.Alias, EventSourceArn: "arn:aws:sqs:eu-west-1:123456789012:parcels"}
  Numbered:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref ShipAliaslive, EventSourceArn: "arn:aws:sqs:eu-west-1:123456789012:parcels"}
`

func TestEventsOfAServerlessFunctionAreMappings(t *testing.T) {
	is := is.New(t)
	mappings := read(t, serverless).Mappings
	var names []string
	var kinds []diagnosis.Kind
	for _, m := range mappings {
		names = append(names, m.Name)
		kinds = append(kinds, m.Source.Kind)
	}
	is.Equal(names, []string{"ChargeQueue", "ChargeStream", "ChargeTable", "ChargeTopic", "ChargeOwn", "ChargeNews", "ChargeOlds", "Shipping", "Numbered"})
	is.Equal(kinds, []diagnosis.Kind{diagnosis.SQS, diagnosis.Kinesis, diagnosis.DynamoDB, diagnosis.Kafka, diagnosis.Kafka, diagnosis.SQS,
		diagnosis.SQS, diagnosis.SQS, diagnosis.SQS})
	is.Equal(mappings[0].BatchSize, diagnosis.Known(7))
	is.Equal(mappings[0].Address, "Resources.Charge.Properties.Events.Queue.Properties")
	is.Equal(mappings[0].Line, 15)
	is.Equal(mappings[0].Ignored, []diagnosis.Rule{diagnosis.Bisect, diagnosis.Retries})
	is.Equal(mappings[1].TumblingWindow, diagnosis.Known(5))
	is.Equal(mappings[3].ProvisionedPoller, diagnosis.Known(true))
	is.True(mappings[4].ProvisionedPoller.IsUnset())
}

func TestSAMPutsAQueueBetweenATopicAndAFunction(t *testing.T) {
	is := is.New(t)
	mappings := read(t, serverless).Mappings
	is.Equal(mappings[5].Source.Name, "ChargeNewsQueue")
	is.Equal(mappings[5].Source.Queue, diagnosis.Queue{})
	is.Equal(mappings[6].Source.Name, "Queue")
	is.Equal(mappings[6].Source.Queue.VisibilityTimeout, diagnosis.Known(60))
	is.Equal(mappings[6].BatchSize, diagnosis.Known(3))
}

func TestGlobalsCompleteAServerlessFunction(t *testing.T) {
	is := is.New(t)
	mappings := read(t, serverless).Mappings
	is.Equal(mappings[0].Function.Timeout, diagnosis.Known(40))
	is.Equal(variables(t, mappings[0].Function), "STAGE MAX_RECEIVES TABLE")
	is.Equal(mappings[7].Function.Timeout, diagnosis.Known(50))
	is.Equal(variables(t, mappings[7].Function), "STAGE MAX_RECEIVES")
	is.Equal(mappings[8].Function.Name, "Ship") // by the alias that SAM creates
}

func variables(t *testing.T, f diagnosis.Function) string {
	t.Helper()
	read, ok := f.Environment.Value()
	is.New(t).True(ok)
	var names []string
	for _, v := range read {
		names = append(names, v.Name)
	}
	return strings.Join(names, " ")
}

func TestVariablesOfAFunctionMayBeUnknown(t *testing.T) {
	for name, c := range map[string]struct{ old, new, reason string }{
		"environment": {"{Variables: {TABLE: orders}}", "!If [Prod, a, b]", "depends on condition Prod"},
		"variables":   {"{TABLE: orders}", "!FindInMap [a, b, c]", "is looked up in a mapping (Fn::FindInMap)"},
		"globals":     {"{Variables: {STAGE: prod, MAX_RECEIVES: 3}}", "!If [Prod, a, b]", "depends on condition Prod"},
	} {
		t.Run(name, func(t *testing.T) {
			function := read(t, strings.Replace(serverless, c.old, c.new, 1)).Mappings[0].Function
			reason, _ := function.Environment.Unread()
			is.New(t).Equal(reason, c.reason)
		})
	}
}

func TestAGapIsSilencedByItsResource(t *testing.T) {
	d := read(t, `
Resources:
  Function:
    Type: AWS::Serverless::Function
    Metadata: {batchdoctor: {ignore: [unresolved]}}
    Properties: {Events: !If [Prod, {}, {Queue: {Type: SQS}}]}
`)
	is.New(t).Equal(d.Gaps[0].Ignored, []diagnosis.Rule{diagnosis.Unresolved})
}

func TestResourcesThatAreNotEvaluatedAreGaps(t *testing.T) {
	for name, c := range map[string]struct{ content, gap, reason string }{
		"loop over mappings": {mapping + "  Fn::ForEach::Queues: [Q, [A, B], {'Map${Q}': {Type: AWS::Lambda::EventSourceMapping}}]\n",
			"Fn::ForEach::Queues", "is not evaluated"},
		"loop over topics": {mapping + "  Fn::ForEach::Topics: [Q, [A, B], {'Topic${Q}': {Type: AWS::SNS::Topic}}]\n", "", ""},
		"events": {"Resources: {F: {Type: AWS::Serverless::Function, Properties: {Events: !If [Prod, {}, 1]}}}",
			"F", "has Events that cannot be read: the property depends on condition Prod"},
		"included resources": {mapping + "  Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://b/resources.yaml}}\n",
			"Fn::Transform", "is not evaluated"},
		"event": {"Resources: {F: {Type: AWS::Serverless::Function, Properties: {Events: {A: !If [Prod, {Type: SQS}, !Ref AWS::NoValue]}}}}",
			"F", "has an event A that depends on condition Prod"},
		"properties of an event": {"Resources: {F: {Type: AWS::Serverless::Function, Properties: {Events: {A: {Type: SQS, Properties: !If [Prod, {}, 1]}}}}}",
			"F", "has an event A that depends on condition Prod"},
		"subscription": {"Resources: {F: {Type: AWS::Serverless::Function, Properties: {Events: {A: {Type: SNS, Properties: " +
			"{SqsSubscription: !If [Prod, true, false]}}}}}}",
			"F", "has an event whose SqsSubscription depends on condition Prod"},
		"processor": {"Resources: {D: {Type: AWS::KinesisFirehose::DeliveryStream, Properties: " +
			"{SplunkDestinationConfiguration: {ProcessingConfiguration: {Processors: [!If [Prod, {Type: Lambda}, !Ref AWS::NoValue]]}}}}}",
			"D", "has a processor that depends on condition Prod"},
		"loop over events": {"Resources: {F: {Type: AWS::Serverless::Function, Properties: {Events: {'Fn::ForEach::E': [], A: {Type: SQS}}}}}",
			"F", "has Events that Fn::ForEach::E creates"},
		"processors": {"Resources: {D: {Type: AWS::KinesisFirehose::DeliveryStream, Properties: " +
			"{SplunkDestinationConfiguration: {ProcessingConfiguration: {Processors: !If [Prod, [], 1]}}}}}",
			"D", "has Processors that cannot be read: the property depends on condition Prod"},
		"processing": {"Resources: {D: {Type: AWS::KinesisFirehose::DeliveryStream, Properties: " +
			"{SplunkDestinationConfiguration: {ProcessingConfiguration: !If [Prod, [], 1]}}}}",
			"D", "has a ProcessingConfiguration that depends on condition Prod"},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			gaps := read(t, c.content).Gaps
			if c.gap == "" {
				is.Equal(len(gaps), 0)
				return
			}
			is.Equal(len(gaps), 1)
			is.Equal(gaps[0].Name, c.gap)
			is.Equal(gaps[0].Reason, c.reason)
		})
	}
}

func TestATransformationIsALambdaProcessorThatIsEnabled(t *testing.T) {
	const firehose = `
Resources:
  Clicks:
    Type: AWS::KinesisFirehose::DeliveryStream
    Properties:
      HttpEndpointDestinationConfiguration:
        ProcessingConfiguration:
          Enabled: true
          Processors:
            - {Type: AppendDelimiterToRecord}
            - {Type: Lambda, Parameters: [{ParameterName: LambdaArn, ParameterValue: charge}, {ParameterName: BufferSizeInMBs, ParameterValue: "0.5"}]}
`
	is := is.New(t)
	transformations := read(t, firehose).Transformations
	is.Equal(len(transformations), 1)
	is.Equal(transformations[0].Name, "Clicks")
	is.Equal(transformations[0].Function.Name, "charge")
	is.Equal(transformations[0].BufferSize, diagnosis.Known(0.5))
	is.Equal(len(read(t, strings.Replace(firehose, "true", "false", 1)).Transformations), 0)
}
