package terraform_test

import (
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

func firehose(processing, written any) part {
	return part{
		address: "aws_kinesis_firehose_delivery_stream.s",
		values:  object{"extended_s3_configuration": list(object{"processing_configuration": processing}), "redshift_configuration": list()},
		written: object{"extended_s3_configuration": list(object{"processing_configuration": list(written)})},
	}
}

func parameter(name, value any) object {
	return object{"parameter_name": name, "parameter_value": value}
}

func processing(parameters ...any) []any {
	return list(object{"enabled": true, "processors": list(object{"type": "Lambda", "parameters": parameters})})
}

func TestAFirehoseTransformationIsRead(t *testing.T) {
	is := is.New(t)
	unknown := object{"parameter_name": "LambdaArn"} // its value is left out
	written := processing(
		parameter(constant("BufferSizeInMBs"), constant("0.5")),
		parameter(constant("LambdaArn"), refer("aws_lambda_function.f.arn")),
	)[0]
	s := firehose(processing(unknown, parameter("BufferSizeInMBs", "0.5")), written)
	is.Equal(read(t, plan(t, []part{function("f"), s}, nil)), diagnosis.Deployment{Transformations: []diagnosis.Transformation{{
		Resource:   described("aws_kinesis_firehose_delivery_stream.s"),
		Function:   diagnosis.Function{Resource: described("aws_lambda_function.f"), Timeout: diagnosis.Known(30)},
		BufferSize: diagnosis.Known(0.5),
	}}})
}

func TestAFirehoseTransformationMayBeIncomplete(t *testing.T) {
	for name, c := range map[string]struct {
		processing any
		function   string
		buffer     string
	}{
		"ARN":            {processing(parameter("LambdaArn", "arn:aws:lambda:a:1:function:f:$LATEST")), "aws_lambda_function.f", "unset"},
		"unknown ARN":    {processing(object{"parameter_name": "LambdaArn"}), "function", "unset"},
		"unknown buffer": {processing(object{"parameter_name": "BufferSizeInMBs"}), "function", "is known only after apply"},
		"no number":      {processing(parameter("BufferSizeInMBs", "x")), "function", "is not a number"},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			d := read(t, plan(t, []part{function("f"), firehose(c.processing, object{})}, nil))
			is.Equal(d.Transformations[0].Function.Name, c.function)
			is.Equal(show(d.Transformations[0].BufferSize), c.buffer)
		})
	}
}

func TestAFirehoseStreamWithoutTransformationIsNotChecked(t *testing.T) {
	for name, processing := range map[string]any{
		"none":              list(),
		"disabled":          list(object{"enabled": false, "processors": list(object{"type": "Lambda"})}),
		"not enabled":       list(object{"enabled": nil, "processors": list(object{"type": "Lambda"})}),
		"another processor": list(object{"enabled": true, "processors": list(object{"type": "AppendDelimiterToRecord"})}),
	} {
		t.Run(name, func(t *testing.T) {
			is.New(t).Equal(read(t, plan(t, []part{firehose(processing, object{})}, nil)), diagnosis.Deployment{})
		})
	}
}

func TestAFirehoseStreamElsewhereIsNotChecked(t *testing.T) {
	s := firehose(processing(parameter("LambdaArn", "f")), object{}).at("data.aws_kinesis_firehose_delivery_stream.s")
	is.New(t).Equal(read(t, plan(t, []part{s}, nil)), diagnosis.Deployment{})
}

func TestAFirehoseStreamThatIsKnownAfterApplyIsAGap(t *testing.T) {
	noProcessing := firehose(nil, object{})
	noProcessing.values["extended_s3_configuration"] = list(object{})
	nothing := firehose(nil, object{})
	nothing.values, nothing.unknown = nil, true
	nothing.written["extended_s3_configuration"] = refer("local.destination")
	for name, s := range map[string]part{
		"processors": firehose(list(object{"enabled": true}), object{}),
		"processing": noProcessing,
		"everything": nothing,
	} {
		t.Run(name, func(t *testing.T) {
			is.New(t).Equal(read(t, plan(t, []part{s}, nil)), diagnosis.Deployment{Gaps: []diagnosis.Gap{{
				Resource: described("aws_kinesis_firehose_delivery_stream.s"),
				Reason:   "has a processing_configuration that is known only after apply",
			}}})
		})
	}
}
