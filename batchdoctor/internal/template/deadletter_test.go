package template_test

import (
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

func TestADeadLetterQueueIsTheTargetOfARedrivePolicy(t *testing.T) {
	for target, want := range map[string]bool{
		"!GetAtt Dead.Arn":                        true,
		"arn:aws:sqs:eu-west-1:123456789012:dead": true,
		"arn:aws:sns:eu-west-1:123456789012:dead": false, // a topic
		`!Sub "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${Dead.QueueName}"`:      true,
		`!Sub "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:${Dead.QueueName}-dead"`: false,
		"!GetAtt Queue.Arn": false,
		"!Ref Elsewhere":    false,
		"":                  false,
	} {
		for _, owner := range []string{"AWS::SQS::Queue", "AWS::SNS::Subscription"} {
			t.Run(owner+target, func(t *testing.T) {
				queue := read(t, `
Resources:
  Owner: {Type: `+owner+`, Properties: {RedrivePolicy: {maxReceiveCount: 5, deadLetterTargetArn: `+target+` }}}
  Dead: {Type: AWS::SQS::Queue, Properties: {QueueName: dead}}
  Queue: {Type: AWS::SQS::Queue}
  Mapping: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: !GetAtt Dead.Arn, FunctionName: f}}
`).Mappings[0].Source.Queue
				got, _ := queue.DeadLetters.Value()
				is.New(t).Equal(got, want)
			})
		}
	}
}

func TestADeadLetterQueueIsNamedByWhatSendsToIt(t *testing.T) {
	for _, owner := range []string{
		"AWS::SQS::Queue, Properties: {RedrivePolicy: !If [Prod, {deadLetterTargetArn: !GetAtt Dead.Arn}, !Ref AWS::NoValue]}",
		"AWS::SQS::Queue, Properties: {RedrivePolicy: !If [Prod, {maxReceiveCount: 5}, {deadLetterTargetArn: !GetAtt Dead.Arn}]}",
		"AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: !If [Prod, a, !If [Test, b, !GetAtt Dead.Arn]]}}",
		"AWS::Lambda::Function, Properties: {DeadLetterConfig: {TargetArn: !GetAtt Dead.Arn}}",
		"AWS::Serverless::Function, Properties: {DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Dead.Arn}}",
		"AWS::Serverless::Function, Properties: {EventInvokeConfig: {DestinationConfig: {OnFailure: {Destination: !GetAtt Dead.Arn}}}}",
		"AWS::Serverless::Function, Properties: {Events: {S: {Type: Kinesis, Properties: {DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Dead.Arn}}}}}}",
		"AWS::Serverless::Function, Properties: {Events: {S: {Type: SNS, Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn}}}}}",
		"AWS::Events::Rule, Properties: {Targets: [{Id: a}, {Id: b, DeadLetterConfig: {Arn: !GetAtt Dead.Arn}}]}",
		"AWS::Scheduler::Schedule, Properties: {Target: {DeadLetterConfig: {Arn: !GetAtt Dead.Arn}}}",
		"AWS::Lambda::EventInvokeConfig, Properties: {DestinationConfig: {OnFailure: {Destination: !GetAtt Dead.Arn}}}",
	} {
		t.Run(owner, func(t *testing.T) {
			mappings := read(t, `
Resources:
  Owner: {Type: `+owner+`}
  Dead: {Type: AWS::SQS::Queue}
  Mapping: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: !GetAtt Dead.Arn, FunctionName: f}}
`).Mappings
			is.New(t).Equal(mappings[len(mappings)-1].Source.Queue.DeadLetters, diagnosis.Known(true))
		})
	}
}

func TestADeadLetterQueueOfAllFunctionsIsKnown(t *testing.T) {
	mapping := read(t, `
Globals: {Function: {DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Dead.Arn}}}
Resources:
  Dead: {Type: AWS::SQS::Queue}
  Mapping: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: !GetAtt Dead.Arn, FunctionName: f}}
`).Mappings[0]
	is.New(t).Equal(mapping.Source.Queue.DeadLetters, diagnosis.Known(true))
}

func TestAQueueThatSomethingElseNamesIsNotADeadLetterQueue(t *testing.T) {
	for _, owner := range []string{
		"AWS::Events::Rule, Properties: {Targets: [{Arn: !GetAtt Orders.Arn, DeadLetterConfig: {Arn: a}}]}",
		"AWS::Lambda::EventInvokeConfig, Properties: {DestinationConfig: {OnSuccess: {Destination: !GetAtt Orders.Arn}}}",
		"AWS::SNS::Subscription, Properties: {RedrivePolicy: {deadLetterTargetArn: !If [orders, a, b]}}",
		"AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref Orders]}",
	} {
		t.Run(owner, func(t *testing.T) {
			mapping := read(t, `
Resources:
  Owner: {Type: `+owner+`}
  Orders: {Type: AWS::SQS::Queue, Properties: {QueueName: orders}}
  Mapping: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: !GetAtt Orders.Arn, FunctionName: f}}
`).Mappings[0]
			is.New(t).True(mapping.Source.Queue.DeadLetters.IsUnset())
		})
	}
}
