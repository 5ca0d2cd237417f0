package templates_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/matryer/is"
)

type deliveryStream struct {
	DeliveryStreamType string `yaml:"DeliveryStreamType"`
	Destination        struct {
		BucketARN         value  `yaml:"BucketARN"`
		RoleARN           value  `yaml:"RoleARN"`
		Prefix            string `yaml:"Prefix"`
		ErrorOutputPrefix string `yaml:"ErrorOutputPrefix"`
		BufferingHints    struct {
			SizeInMBs         int `yaml:"SizeInMBs"`
			IntervalInSeconds int `yaml:"IntervalInSeconds"`
		} `yaml:"BufferingHints"`
		DynamicPartitioningConfiguration struct {
			Enabled bool `yaml:"Enabled"`
		} `yaml:"DynamicPartitioningConfiguration"`
		ProcessingConfiguration struct {
			Enabled    bool        `yaml:"Enabled"`
			Processors []processor `yaml:"Processors"`
		} `yaml:"ProcessingConfiguration"`
	} `yaml:"ExtendedS3DestinationConfiguration"`
}

type processor struct {
	Type       string `yaml:"Type"`
	Parameters []struct {
		ParameterName  string `yaml:"ParameterName"`
		ParameterValue value  `yaml:"ParameterValue"`
	} `yaml:"Parameters"`
}

func (p processor) parameter(name string) (v value) {
	for _, parameter := range p.Parameters {
		if parameter.ParameterName == name {
			v = parameter.ParameterValue
		}
	}
	return v
}

type role struct {
	AssumeRolePolicyDocument struct {
		Version   string `yaml:"Version"`
		Statement []struct {
			Effect    string `yaml:"Effect"`
			Action    string `yaml:"Action"`
			Principal struct {
				Service string `yaml:"Service"`
			} `yaml:"Principal"`
		} `yaml:"Statement"`
	} `yaml:"AssumeRolePolicyDocument"`
	Policies []struct {
		PolicyName     string `yaml:"PolicyName"`
		PolicyDocument policy `yaml:"PolicyDocument"`
	} `yaml:"Policies"`
}

func TestFirehoseCallsTheFunctionAndWaitsForIt(t *testing.T) {
	forEach(t, onFirehose, func(is *is.I, tmpl template) {
		processing := tmpl.delivery.Destination.ProcessingConfiguration
		is.True(processing.Enabled)
		is.Equal(len(processing.Processors), 1)
		is.Equal(processing.Processors[0].Type, "Lambda")
		is.Equal(processing.Processors[0].parameter("LambdaArn"), getAtt(tmpl.functionName, "Arn"))
		size, err := strconv.Atoi(processing.Processors[0].parameter("BufferSizeInMBs").text)
		is.NoErr(err)
		is.True(size >= 1 && size <= 3) // as base64 in 6 MB, with room for longer data in the response
		is.True(tmpl.function.Timeout > 0 && tmpl.function.Timeout <= 300)
	})
}

func TestPartitionKeysChooseTheFolderAndFailuresHaveASeparateOne(t *testing.T) {
	forEach(t, onFirehose, func(is *is.I, tmpl template) {
		destination := tmpl.delivery.Destination
		is.True(destination.DynamicPartitioningConfiguration.Enabled)
		is.True(destination.BufferingHints.SizeInMBs >= 64 && destination.BufferingHints.SizeInMBs <= 128)
		is.True(destination.BufferingHints.IntervalInSeconds >= 60 && destination.BufferingHints.IntervalInSeconds <= 900)
		is.True(strings.Contains(destination.Prefix, "!{partitionKeyFromLambda:"))
		is.True(strings.Contains(destination.ErrorOutputPrefix, "!{firehose:error-output-type}"))
	})
}

func TestFirehoseMayCallTheFunctionWriteToTheBucketAndNothingElse(t *testing.T) {
	forEach(t, onFirehose, func(is *is.I, tmpl template) {
		bucket, isARN := strings.CutSuffix(tmpl.delivery.Destination.BucketARN.text, ".Arn")
		is.True(isARN)
		is.Equal(tmpl.delivery.Destination.RoleARN, getAtt("Role", "Arn"))
		is.Equal(len(tmpl.role.AssumeRolePolicyDocument.Statement), 1)
		is.Equal(tmpl.role.AssumeRolePolicyDocument.Statement[0].Action, "sts:AssumeRole")
		is.Equal(tmpl.role.AssumeRolePolicyDocument.Statement[0].Principal.Service, "firehose.amazonaws.com")
		is.Equal(len(tmpl.role.Policies), 1)
		is.Equal(tmpl.role.Policies[0].PolicyDocument, policy{Version: "2012-10-17", Statement: []statement{
			{"Allow", actions{"lambda:InvokeFunction", "lambda:GetFunctionConfiguration"}, getAtt(tmpl.functionName, "Arn")},
			{"Allow", actions{"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"}, getAtt(bucket, "Arn")},
			{"Allow", actions{"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"}, value{"!Sub", "${" + bucket + ".Arn}/*"}},
		}})
		is.Equal(tmpl.function.Policies, nil) // the function itself calls no service
	})
}
