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
		"!GetAtt Queue.Arn":                       false,
		"!Ref Elsewhere":                          false,
		"":                                        false,
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
		"AWS::Lambda::EventInvokeConfig, Properties: {DestinationConfig: {OnFailure: {Destination: !GetAtt Dead.Arn}}}",
	} {
		t.Run(owner, func(t *testing.T) {
			mapping := read(t, `
Resources:
  Owner: {Type: `+owner+`}
  Dead: {Type: AWS::SQS::Queue}
  Mapping: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: !GetAtt Dead.Arn, FunctionName: f}}
`).Mappings[0]
			is.New(t).Equal(mapping.Source.Queue.DeadLetters, diagnosis.Known(true))
		})
	}
}
