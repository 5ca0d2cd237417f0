package terraform_test

import (
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

func TestAMappingFindsItsFunction(t *testing.T) {
	const arn = "arn:aws:lambda:eu-west-1:123456789012:function:f"
	deployed := function("f").with("arn", arn)
	live := part{
		address: "aws_lambda_alias.live", values: object{"name": "live"}, unknown: object{"function_name": true},
		written: object{"function_name": refer("aws_lambda_function.f.function_name")},
	}
	loop := part{address: "aws_lambda_alias.loop", written: object{"function_name": refer("aws_lambda_alias.loop.arn")}}
	existing := part{address: "data.aws_lambda_function.f", values: object{"function_name": "f", "timeout": 60}}
	qualified := part{address: existing.address, values: object{"function_name": "f", "arn": arn + ":live"}}
	source := refer("aws_sqs_queue.orders.arn")
	for name, c := range map[string]struct {
		others  []part
		mapping part
		want    string
	}{
		"ARN":                {[]part{function("f")}, mapping(source).withUnknown("function_name", refer("aws_lambda_function.f.qualified_arn")), "aws_lambda_function.f"},
		"alias":              {[]part{function("f"), function("g"), live}, mapping(source).withUnknown("function_name", refer("aws_lambda_alias.live.arn")), "aws_lambda_function.f"},
		"alias by name":      {[]part{function("f"), live.with("function_name", "f")}, mapping(source).withUnknown("function_name", refer("aws_lambda_alias.live.arn")), "aws_lambda_function.f"},
		"function and alias": {[]part{function("f"), live}, mapping(source).withUnknown("function_name", refer("aws_lambda_function.f.arn", "aws_lambda_alias.live.name")), "aws_lambda_function.f"},
		"alias of itself":    {[]part{loop}, mapping(source).withUnknown("function_name", refer("aws_lambda_alias.loop.arn")), "aws_lambda_alias.loop.arn"},
		"one of two":         {[]part{function("f"), function("g")}, mapping(source).withUnknown("function_name", refer("aws_lambda_function.g.arn", "aws_lambda_function.f.arn")), "aws_lambda_function.f or aws_lambda_function.g"},
		"local":              {[]part{function("f")}, mapping(source).withUnknown("function_name", refer("local.f")), "local.f"},
		"computed":           {[]part{function("f")}, mapping(source).withUnknown("function_name", object{}), "function"},
		"data source":        {[]part{existing}, mapping(source).withUnknown("function_name", refer("data.aws_lambda_function.f.arn")), "data.aws_lambda_function.f"},
		"name":               {[]part{function("f")}, mapping(source).with("function_name", "f"), "aws_lambda_function.f"},
		"name and alias":     {[]part{function("f")}, mapping(source).with("function_name", "f:live"), "aws_lambda_function.f"},
		"partial ARN":        {[]part{function("f")}, mapping(source).with("function_name", "123456789012:function:f"), "aws_lambda_function.f"},
		"known ARN":          {[]part{deployed}, mapping(source).with("function_name", arn), "aws_lambda_function.f"},
		"known alias":        {[]part{deployed}, mapping(source).with("function_name", arn+":live"), "aws_lambda_function.f"},
		"known version":      {[]part{deployed}, mapping(source).with("function_name", arn+":3"), "aws_lambda_function.f"},
		"known name of two": {
			[]part{function("f"), function("g")},
			mapping(source).withUnknown("function_name", refer("aws_lambda_function.g.arn", "aws_lambda_function.f.arn")).with("function_name", "g"),
			"aws_lambda_function.g",
		},
		"known ARN of an alias": {
			[]part{qualified}, mapping(source).with("function_name", arn+":live"), "data.aws_lambda_function.f",
		},
		"same name in another account": {
			[]part{deployed}, mapping(source).with("function_name", "arn:aws:lambda:eu-west-1:210987654321:function:f"), "f",
		},
		"reference to another account": {
			[]part{deployed},
			mapping(source).withUnknown("function_name", refer("aws_lambda_function.f.arn")).with("function_name", "arn:aws:lambda:eu-west-1:210987654321:function:f"), "f",
		},
		"elsewhere": {[]part{deployed}, mapping(source).with("function_name", "arn:aws:lambda:eu-west-1:123456789012:function:other:3"), "other"},
	} {
		t.Run(name, func(t *testing.T) {
			f := read(t, plan(t, append(c.others, queue("orders"), c.mapping), nil)).Mappings[0].Function
			is.New(t).Equal(f.Name, c.want)
		})
	}
}

func TestAFunctionThatIsNotFoundSaysWhy(t *testing.T) {
	is := is.New(t)
	functionOf := func(m part) diagnosis.Function {
		return read(t, plan(t, []part{function("f"), function("g"), m}, nil)).Mappings[0].Function
	}
	local := functionOf(mapping(nil).withUnknown("function_name", refer("local.f")))
	is.Equal(reasonOf(local.Timeout), "is unknown, because the name of the function is known only after apply and depends on local.f")
	is.Equal(reasonOf(local.Environment), reasonOf(local.Timeout))
	elsewhere := functionOf(mapping(nil).with("function_name", "h"))
	is.Equal(reasonOf(elsewhere.Timeout), "is unknown, because the file does not contain the function")
	either := functionOf(mapping(nil).withUnknown("function_name", refer("aws_lambda_function.f.arn", "aws_lambda_function.g.arn")))
	is.Equal(reasonOf(either.Timeout), "is unknown, because the function may be aws_lambda_function.f or aws_lambda_function.g")
}

func TestVariablesOfTheEnvironmentHaveNames(t *testing.T) {
	written := list(object{"variables": refer("aws_sqs_queue.orders.id")})
	for name, c := range map[string]struct{ values, unknown, want any }{
		"none":            {list(), list(), "unset"},
		"some":            {list(object{"variables": object{"B": "1", "A": "2"}}), list(object{"variables": object{}}), "A B"},
		"one is unknown":  {list(object{"variables": object{"B": "1"}}), list(object{"variables": object{"A": true}}), "A B"},
		"all are unknown": {list(object{}), list(object{"variables": true}), "is known only after apply and depends on aws_sqs_queue.orders.id"},
		"block unknown":   {nil, true, "is known only after apply"},
	} {
		t.Run(name, func(t *testing.T) {
			f := function("f").with("environment", c.values)
			f.unknown.(object)["environment"] = c.unknown
			f.written = object{"environment": written}
			m := mapping(refer("aws_sqs_queue.orders.arn"))
			got := read(t, plan(t, []part{queue("orders"), f, m}, nil)).Mappings[0].Function.Environment
			names := ""
			variables, known := got.Value()
			for _, v := range variables {
				names += " " + v.Name
			}
			if !known {
				names = " " + show(got)
			}
			is.New(t).Equal(names, " "+c.want.(string))
		})
	}
}
