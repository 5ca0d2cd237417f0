package terraform_test

import (
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

func mappingOf(t *testing.T, m part) diagnosis.Mapping {
	t.Helper()
	return read(t, plan(t, []part{queue("orders"), function("f"), m}, nil)).Mappings[0]
}

func TestOnlyTheConfigurationTellsUnsetFromUnknown(t *testing.T) {
	stream := mapping(refer("aws_kinesis_stream.s.arn"))
	forEach := refer("local.limits")
	for name, c := range map[string]struct {
		mapping part
		want    string
	}{
		"no configuration":   {part{address: "aws_lambda_event_source_mapping.m", unknown: true, hidden: true}, "is known only after apply"},
		"not configured":     {stream, "unset"},
		"known":              {stream.with("maximum_retry_attempts", 3), "3"},
		"null":               {stream.with("maximum_retry_attempts", nil), "unset"},
		"reference":          {stream.withUnknown("maximum_retry_attempts", refer("local.n")), "is known only after apply and depends on local.n"},
		"two references":     {stream.withUnknown("maximum_retry_attempts", refer("local.n", "local.m")), "is known only after apply and depends on local.n and local.m"},
		"repeated reference": {stream.withUnknown("maximum_retry_attempts", refer("local.n", "local.m", "local.n")), "is known only after apply and depends on local.n and local.m"},
		"many references":    {stream.withUnknown("maximum_retry_attempts", refer("local.a", "local.b", "local.c", "local.d")), "is known only after apply and depends on local.a, local.b and others"},
		"null of a variable": {stream.withUnknown("maximum_retry_attempts", refer("var.n", "path.module", "count.index")), "unset"},
		"null of a constant": {stream.withUnknown("maximum_retry_attempts", object{}), "unset"},
		"value of for_each":  {stream.withUnknown("maximum_retry_attempts", refer("each.value.n")).each(forEach), "is known only after apply and depends on each.value.n"},
		"key of for_each":    {stream.withUnknown("maximum_retry_attempts", refer("each.key")).each(forEach), "unset"},
		"for_each of itself": {stream.withUnknown("maximum_retry_attempts", refer("each.value.n")).each(refer("each.value")), "unset"},
		"number as text":     {stream.with("maximum_retry_attempts", " 3 "), "3"},
		"no number":          {stream.with("maximum_retry_attempts", "three"), "is not a whole number"},
		"a part of a number": {stream.with("maximum_retry_attempts", 3.5), "is not a whole number"},
		"unthinkably large":  {stream.with("maximum_retry_attempts", 1e300), "is not a whole number"},
		"list":               {stream.with("maximum_retry_attempts", list(3)), "is not a whole number"},
		"nothing is known":   {part{address: stream.address, unknown: true, written: object{"maximum_retry_attempts": refer("local.n")}}, "is known only after apply and depends on local.n"},
		"nothing is unknown": {part{address: stream.address}, "unset"},
		"not unknown":        {part{address: stream.address, unknown: object{"maximum_retry_attempts": list()}, written: object{"maximum_retry_attempts": refer("local.n")}}, "unset"},
	} {
		t.Run(name, func(t *testing.T) {
			is.New(t).Equal(show(mappingOf(t, c.mapping).RetryAttempts), c.want)
		})
	}
}

func TestResponseTypesAreKnownIfEachIs(t *testing.T) {
	m := mapping(refer("aws_sqs_queue.orders.arn"))
	is := is.New(t)
	is.Equal(show(mappingOf(t, m).ResponseTypes), "[ReportBatchItemFailures]")
	is.Equal(show(mappingOf(t, m.with("function_response_types", nil)).ResponseTypes), "unset")
	is.Equal(show(mappingOf(t, m.with("function_response_types", list())).ResponseTypes), "[]")
	is.Equal(show(mappingOf(t, m.with("function_response_types", list(nil))).ResponseTypes), "is not a list of known texts")
	is.Equal(show(mappingOf(t, m.with("function_response_types", "x")).ResponseTypes), "is not a list of known texts")
}

func TestABlockIsASetting(t *testing.T) {
	m := mapping(refer("aws_msk_cluster.c.arn"))
	is := is.New(t)
	is.Equal(show(mappingOf(t, m.with("provisioned_poller_config", list())).ProvisionedPoller), "unset")
	is.Equal(show(mappingOf(t, m.with("provisioned_poller_config", list(object{}))).ProvisionedPoller), "true")
	is.Equal(show(mappingOf(t, m.withUnknown("provisioned_poller_config", nil)).ProvisionedPoller), "is known only after apply")
	is.Equal(show(mappingOf(t, m.with("bisect_batch_on_function_error", true)).BisectOnError), "true")
	is.Equal(show(mappingOf(t, m.with("bisect_batch_on_function_error", "on")).BisectOnError), "is not true or false")
}

func TestADestinationCountsBeforeItsARNIsKnown(t *testing.T) {
	m := mapping(refer("aws_kinesis_stream.s.arn"))
	for name, c := range map[string]struct{ config, want any }{
		"none":         {list(), "unset"},
		"no failure":   {list(object{"on_failure": list()}), "unset"},
		"unknown ARN":  {list(object{"on_failure": list(object{})}), "a resource that is not deployed yet"},
		"known ARN":    {list(object{"on_failure": list(object{"destination_arn": "arn:aws:sqs:a"})}), "arn:aws:sqs:a"},
		"empty ARN":    {list(object{"on_failure": list(object{"destination_arn": ""})}), "unset"},
		"no ARN":       {list(object{"on_failure": list(object{"destination_arn": nil})}), "unset"},
		"another type": {"x", "unset"},
	} {
		t.Run(name, func(t *testing.T) {
			is.New(t).Equal(show(mappingOf(t, m.with("destination_config", c.config)).OnFailure), c.want)
		})
	}
	is.New(t).Equal(show(mappingOf(t, m.withUnknown("destination_config", nil)).OnFailure), "is known only after apply")
}
