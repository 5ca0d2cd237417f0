// Package templates_test checks that the templates of the examples have what partial-failure responses
// need in AWS. It is a module, so that users of the library do not depend on YAML. Templates are read from
// package examples if it can embed them: the go command tests again when embedded files change, but not
// when files outside the module do.
package templates_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/lambdabatch/batch/examples"
	"github.com/matryer/is"
	"go.yaml.in/yaml/v4"
)

// A template is the deployment of one example: one function and its source.
type template struct {
	folder string
	text   string

	parameters map[string]parameter
	queues     map[string]queue
	streams    map[string]stream
	tables     map[string]table
	function   function
	mapping    mapping        // for the services that Lambda polls
	delivery   deliveryStream // of Firehose, which calls the function itself
	role       role           // of the delivery stream

	functionName string
	sourceName   string // of the queue or stream that the mapping reads
}

// source is the queue that the function reads.
func (t template) source() queue { return t.queues[t.sourceName] }

// A value is a scalar, or a function such as !Ref with its argument.
type value struct{ tag, text string }

func (v *value) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode {
		return fmt.Errorf("line %d: not a scalar", node.Line)
	}
	*v = value{node.Tag, node.Value}
	return nil
}

func ref(name string) value               { return value{"!Ref", name} }
func getAtt(name, attribute string) value { return value{"!GetAtt", name + "." + attribute} }

// The types below have only the properties that the templates use. A property that is misspelt or on
// the wrong resource does not load.

type parameter struct {
	Description string `yaml:"Description"`
	Type        string `yaml:"Type"`
	Default     int    `yaml:"Default"`
	MinValue    int    `yaml:"MinValue"`
}

type queue struct {
	QueueName              value `yaml:"QueueName"`
	FifoQueue              bool  `yaml:"FifoQueue"`
	VisibilityTimeout      int   `yaml:"VisibilityTimeout"`
	MessageRetentionPeriod int   `yaml:"MessageRetentionPeriod"`
	RedrivePolicy          struct {
		DeadLetterTargetArn value `yaml:"deadLetterTargetArn"`
		MaxReceiveCount     value `yaml:"maxReceiveCount"`
	} `yaml:"RedrivePolicy"`
}

type stream struct {
	RetentionPeriodHours int `yaml:"RetentionPeriodHours"`
	StreamModeDetails    struct {
		StreamMode string `yaml:"StreamMode"`
	} `yaml:"StreamModeDetails"`
}

type table struct {
	BillingMode          string `yaml:"BillingMode"`
	AttributeDefinitions []struct {
		AttributeName string `yaml:"AttributeName"`
		AttributeType string `yaml:"AttributeType"`
	} `yaml:"AttributeDefinitions"`
	KeySchema []struct {
		AttributeName string `yaml:"AttributeName"`
		KeyType       string `yaml:"KeyType"`
	} `yaml:"KeySchema"`
	TimeToLiveSpecification struct {
		AttributeName string `yaml:"AttributeName"`
		Enabled       bool   `yaml:"Enabled"`
	} `yaml:"TimeToLiveSpecification"`
}

type function struct {
	buildMethod string

	CodeUri       string   `yaml:"CodeUri"`
	Handler       string   `yaml:"Handler"`
	Runtime       string   `yaml:"Runtime"`
	Architectures []string `yaml:"Architectures"`
	Layers        []value  `yaml:"Layers"`
	MemorySize    int      `yaml:"MemorySize"`
	Timeout       int      `yaml:"Timeout"`
	LoggingConfig struct {
		LogFormat string `yaml:"LogFormat"`
	} `yaml:"LoggingConfig"`
	Environment struct {
		Variables map[string]value `yaml:"Variables"`
	} `yaml:"Environment"`
	Policies []policy `yaml:"Policies"`
}

type policy struct {
	SQSPollerPolicy         queuePolicy  `yaml:"SQSPollerPolicy"`
	SQSSendMessagePolicy    queuePolicy  `yaml:"SQSSendMessagePolicy"`
	KinesisStreamReadPolicy streamPolicy `yaml:"KinesisStreamReadPolicy"`
	Version                 string       `yaml:"Version"`
	Statement               []statement  `yaml:"Statement"`
}

type queuePolicy struct {
	QueueName value `yaml:"QueueName"`
}

type streamPolicy struct {
	StreamName value `yaml:"StreamName"`
}

type statement struct {
	Effect   string  `yaml:"Effect"`
	Action   actions `yaml:"Action"`
	Resource value   `yaml:"Resource"`
}

// actions may be one string or a list in YAML.
type actions []string

func (a *actions) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*a = actions{node.Value}
		return nil
	}
	return node.Load((*[]string)(a))
}

type mapping struct {
	EventSourceArn                 value    `yaml:"EventSourceArn"`
	FunctionName                   value    `yaml:"FunctionName"`
	FunctionResponseTypes          []string `yaml:"FunctionResponseTypes"`
	StartingPosition               string   `yaml:"StartingPosition"`
	BatchSize                      int      `yaml:"BatchSize"`
	MaximumBatchingWindowInSeconds int      `yaml:"MaximumBatchingWindowInSeconds"`
	ParallelizationFactor          int      `yaml:"ParallelizationFactor"`
	TumblingWindowInSeconds        int      `yaml:"TumblingWindowInSeconds"`
	BisectBatchOnFunctionError     bool     `yaml:"BisectBatchOnFunctionError"`
	MaximumRetryAttempts           *int     `yaml:"MaximumRetryAttempts"`
	MaximumRecordAgeInSeconds      int      `yaml:"MaximumRecordAgeInSeconds"`
	DestinationConfig              struct {
		OnFailure struct {
			Destination value `yaml:"Destination"`
		} `yaml:"OnFailure"`
	} `yaml:"DestinationConfig"`
	ScalingConfig struct {
		MaximumConcurrency int `yaml:"MaximumConcurrency"`
	} `yaml:"ScalingConfig"`
	MetricsConfig struct {
		Metrics []string `yaml:"Metrics"`
	} `yaml:"MetricsConfig"`
}

func load(file string) (template, error) {
	folders := fs.FS(examples.Templates)
	if _, err := fs.Stat(folders, file); err != nil {
		folders = os.DirFS("..") // a module's
	}
	content, err := fs.ReadFile(folders, file)
	if err != nil {
		return template{}, err
	}
	var document struct {
		AWSTemplateFormatVersion string               `yaml:"AWSTemplateFormatVersion"`
		Transform                string               `yaml:"Transform"`
		Description              string               `yaml:"Description"`
		Parameters               map[string]parameter `yaml:"Parameters"`
		Resources                map[string]struct {
			Type     string `yaml:"Type"`
			Metadata struct {
				BuildMethod string `yaml:"BuildMethod"`
				Batchdoctor struct {
					Ignore []string `yaml:"ignore"`
				} `yaml:"batchdoctor"`
			} `yaml:"Metadata"`
			Properties yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Load(content, &document, yaml.WithKnownFields()); err != nil {
		return template{}, err
	}
	if document.AWSTemplateFormatVersion != "2010-09-09" || document.Transform != "AWS::Serverless-2016-10-31" {
		return template{}, fmt.Errorf("%s: no SAM template", file)
	}
	t := template{
		folder:     path.Dir(file),
		text:       string(content),
		parameters: document.Parameters,
		queues:     make(map[string]queue),
		streams:    make(map[string]stream),
		tables:     make(map[string]table),
	}
	for name, resource := range document.Resources {
		if err := t.add(name, resource.Type, resource.Properties); err != nil {
			return template{}, fmt.Errorf("%s: %s: %w", file, name, err)
		}
		t.function.buildMethod += resource.Metadata.BuildMethod
	}
	t.sourceName = strings.TrimSuffix(t.mapping.EventSourceArn.text, ".Arn")
	return t, nil
}

func (t *template) add(name, kind string, properties yaml.Node) error {
	switch kind {
	case "AWS::SQS::Queue":
		return addTo(t.queues, name, properties)
	case "AWS::Kinesis::Stream":
		return addTo(t.streams, name, properties)
	case "AWS::DynamoDB::Table":
		return addTo(t.tables, name, properties)
	case "AWS::Serverless::Function":
		t.functionName = name
		return properties.Load(&t.function, yaml.WithKnownFields())
	case "AWS::Lambda::EventSourceMapping":
		return properties.Load(&t.mapping, yaml.WithKnownFields())
	case "AWS::KinesisFirehose::DeliveryStream":
		return properties.Load(&t.delivery, yaml.WithKnownFields())
	case "AWS::IAM::Role":
		return properties.Load(&t.role, yaml.WithKnownFields())
	case "AWS::S3::Bucket":
		return nil // without properties
	}
	return fmt.Errorf("unknown type %q", kind)
}

func addTo[R any](resources map[string]R, name string, properties yaml.Node) error {
	var r R
	err := properties.Load(&r, yaml.WithKnownFields())
	resources[name] = r
	return err
}

// forEach runs test for every template that is wanted.
func forEach(t *testing.T, wanted func(template) bool, test func(*is.I, template)) {
	t.Helper()
	files, err := fs.Glob(os.DirFS(".."), "*/template.yaml")
	is.New(t).NoErr(err)
	tested := 0
	for _, file := range files {
		tmpl, err := load(file)
		is.New(t).NoErr(err)
		if !wanted(tmpl) {
			continue
		}
		tested++
		t.Run(tmpl.folder, func(t *testing.T) { test(is.New(t), tmpl) })
	}
	is.New(t).True(tested > 0)
}

func all(template) bool           { return true }
func onMapping(t template) bool   { return !onFirehose(t) }
func onQueues(t template) bool    { return onMapping(t) && len(t.streams) == 0 }
func onFIFO(t template) bool      { return onQueues(t) && t.source().FifoQueue }
func withTable(t template) bool   { return len(t.tables) > 0 }
func onStreams(t template) bool   { return len(t.streams) > 0 }
func withWindows(t template) bool { return t.mapping.TumblingWindowInSeconds > 0 }
func onFirehose(t template) bool  { return t.delivery.DeliveryStreamType != "" }
