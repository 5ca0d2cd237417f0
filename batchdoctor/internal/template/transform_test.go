package template_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

const (
	include = "Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://b/more.yaml}}"
	maySet  = "may be set by Fn::Transform"
)

func reasonOf[T any](s diagnosis.Setting[T]) string {
	reason, _ := s.Unread()
	return reason
}

// included has a mapping, a queue and a function. Two places per resource take a macro.
const included = `
Resources:
  Queue: {Type: AWS::SQS::Queue, %s Properties: {QueueName: orders, %s}}
  Function: {Type: AWS::Lambda::Function, %s Properties: {FunctionName: charge, %s}}
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    %s
    Properties:
      EventSourceArn: !GetAtt Queue.Arn
      FunctionName: !Ref Function
      BatchSize: 7
      %s
`

func TestAMacroMaySetWhatIsMissing(t *testing.T) {
	for name, places := range map[string][]any{
		"in properties":      {"", include, "", include, "", include},
		"next to properties": {include + ",", "", include + ",", "", include, ""},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			m := read(t, fmt.Sprintf(included, places...)).Mappings[0]
			is.Equal(m.BatchSize, diagnosis.Known(7))
			is.Equal(m.Source.Name, "Queue")
			is.Equal(m.Function.Name, "Function")
			is.Equal(reasonOf(m.ResponseTypes), maySet)
			is.Equal(reasonOf(m.BatchWindow), maySet)
			is.Equal(reasonOf(m.ProvisionedPoller), maySet)
			is.Equal(reasonOf(m.BisectOnError), maySet)
			is.Equal(reasonOf(m.OnFailure), maySet)
			is.Equal(reasonOf(m.Source.Queue.FIFO), maySet)
			is.Equal(reasonOf(m.Source.Queue.VisibilityTimeout), maySet)
			is.Equal(reasonOf(m.Source.Queue.MaxReceiveCount), maySet)
			is.Equal(reasonOf(m.Function.Timeout), maySet)
			is.Equal(reasonOf(m.Function.Environment), maySet)
		})
	}
}

func TestAMacroMaySetAllProperties(t *testing.T) {
	is := is.New(t)
	m := read(t, "Resources: {M: {Type: AWS::Lambda::EventSourceMapping, Properties: {"+include+"}}}").Mappings[0]
	is.Equal(reasonOf(m.ResponseTypes), maySet)
	is.Equal(reasonOf(m.Source.Queue.VisibilityTimeout), "is unknown, because the queue's ARN may be set by Fn::Transform")
	is.Equal(reasonOf(m.Function.Timeout), "is unknown, because the name of the function may be set by Fn::Transform")

	m = read(t, `
Resources:
  F: {Type: AWS::Lambda::Function, Properties: {`+include+`}}
  M: {Type: AWS::Lambda::EventSourceMapping, Properties: {EventSourceArn: a, FunctionName: !Ref F}}
`).Mappings[0]
	is.Equal(reasonOf(m.Function.Timeout), maySet)
}

func TestAMacroMayCompleteAPartOfASetting(t *testing.T) {
	content := func(policy, environment, destination string) diagnosis.Mapping {
		return read(t, `
Resources:
  Q: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: a`+policy+`}}}
  F: {Type: AWS::Lambda::Function, Properties: {Environment: {`+environment+`}}}
  M:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {EventSourceArn: !GetAtt Q.Arn, FunctionName: !Ref F, DestinationConfig: {OnFailure: {`+destination+`}}}
`).Mappings[0]
	}
	is := is.New(t)
	m := content(", "+include, "Variables: {A: b, "+include+"}", include+", Type: SQS")
	is.Equal(reasonOf(m.Source.Queue.MaxReceiveCount), maySet)
	is.Equal(reasonOf(m.Function.Environment), maySet)
	is.Equal(reasonOf(m.OnFailure), maySet)
	is.Equal(reasonOf(content("", include+", Other: {}", "").Function.Environment), maySet)
}

func TestAMacroMaySetTheGlobalsOfFunctions(t *testing.T) {
	for _, globals := range []string{"{" + include + "}", "{Function: {" + include + "}}"} {
		t.Run(globals, func(t *testing.T) {
			is := is.New(t)
			m := read(t, `
Globals: `+globals+`
Resources: {F: {Type: AWS::Serverless::Function, Properties: {Events: {Q: {Type: SQS, Properties: {Queue: a}}}}}}
`).Mappings[0]
			is.Equal(reasonOf(m.Function.Timeout), maySet)
			is.Equal(reasonOf(m.Function.Environment), maySet)
		})
	}
}

func TestAMacroMaySetWhatIsMissingInAnEvent(t *testing.T) {
	for name, event := range map[string]string{
		"in properties":      "{Type: SQS, Properties: {Queue: a, " + include + "}}",
		"next to properties": "{Type: SQS, " + include + ", Properties: {Queue: a}}",
		"of a subscription":  "{Type: SNS, Properties: {SqsSubscription: {" + include + ", BatchSize: 7}}}",
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			d := read(t, "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Events: {E: "+event+"}}}}")
			is.Equal(len(d.Gaps), 0)
			is.Equal(reasonOf(d.Mappings[0].ResponseTypes), maySet)
		})
	}
}

func TestWhatAMacroMayCreateIsAGap(t *testing.T) {
	function := func(properties string) string {
		return "Resources: {R: {Type: AWS::Serverless::Function, Properties: {" + properties + "}}}"
	}
	stream := func(properties string) string {
		return "Resources: {R: {Type: AWS::KinesisFirehose::DeliveryStream, Properties: {" + properties + "}}}"
	}
	for content, reason := range map[string]string{
		"Resources: {R: {" + include + "}}":                                           "has a Type that " + maySet,
		function(include):                                                             "has Events that cannot be read: the property " + maySet,
		function("Events: {E: {" + include + ", Properties: {}}}"):                    "has an event E that " + maySet,
		function("Events: {E: {" + include + "}}"):                                    "has an event E that is computed by Fn::Transform",
		function("Events: {E: {Type: SQS, Properties: {" + include + "}}}"):           "has an event E that is computed by Fn::Transform",
		function("Events: {E: {Type: SNS, Properties: {Topic: t, " + include + "}}}"): "has an event whose SqsSubscription " + maySet,
		stream(include): "has a destination that " + maySet,
		stream("S3DestinationConfiguration: {BucketARN: b, " + include + "}"):                             "has a ProcessingConfiguration that " + maySet,
		stream("S3DestinationConfiguration: {ProcessingConfiguration: {Enabled: true, " + include + "}}"): "has Processors that cannot be read: the property " + maySet,
	} {
		t.Run(strings.ReplaceAll(content, include, "Fn::Transform"), func(t *testing.T) {
			is := is.New(t)
			d := read(t, content)
			is.Equal(len(d.Mappings)+len(d.Transformations), 0)
			is.Equal(len(d.Gaps), 1)
			is.Equal(d.Gaps[0].Reason, reason)
		})
	}
}
