package terraform_test

import (
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

func TestADeadLetterQueueIsTheTargetOfARedrivePolicy(t *testing.T) {
	const arn = "arn:aws:sqs:eu-west-1:123456789012:orders"
	policy := func(target string) string { return `{"deadLetterTargetArn": "` + target + `", "maxReceiveCount": 5}` }
	separate := part{address: "aws_sqs_queue_redrive_policy.p", values: object{"redrive_policy": policy(arn)}}
	unknown := part{
		address: separate.address, unknown: true,
		written: object{"queue_url": refer("aws_sqs_queue.bills.id"), "redrive_policy": refer("aws_sqs_queue.orders.arn")},
	}
	orders, bills := queue("orders"), queue("bills")
	for name, c := range map[string]struct {
		parts []part
		want  bool
	}{
		"no policy":            {[]part{orders, bills}, false},
		"ARN":                  {[]part{orders.with("arn", arn), bills.with("redrive_policy", policy(arn))}, true},
		"name":                 {[]part{orders, bills.with("redrive_policy", policy(arn))}, true},
		"ARN of another queue": {[]part{orders.with("arn", arn), bills.with("redrive_policy", policy(arn+"-2"))}, false},
		"ARN elsewhere":        {[]part{orders.with("arn", arn), bills.with("redrive_policy", policy("arn:aws:sqs:eu-west-1:210987654321:orders"))}, false},
		"no JSON":              {[]part{orders, bills.with("redrive_policy", "{")}, false},
		"reference":            {[]part{orders, bills.withUnknown("redrive_policy", refer("aws_sqs_queue.orders.arn", "var.receives"))}, true},
		"another reference":    {[]part{orders, bills.withUnknown("redrive_policy", refer("aws_sqs_queue.bills.arn"))}, false},
		"separate":             {[]part{orders.with("arn", arn), bills, separate}, true},
		"separate and unknown": {[]part{orders, bills, unknown}, true},
		"of a subscription":    {[]part{orders, separate.at("aws_sns_topic_subscription.s")}, true},
	} {
		t.Run(name, func(t *testing.T) { is.New(t).Equal(isDeadLetterQueue(t, c.parts), c.want) })
	}
}

// isDeadLetterQueue reports what a plan of the parts tells of the queue orders.
func isDeadLetterQueue(t *testing.T, parts []part) bool {
	t.Helper()
	parts = append(parts, function("f"), mapping(refer("aws_sqs_queue.orders.arn")))
	mappings := read(t, plan(t, parts, nil)).Mappings
	return mappings[len(mappings)-1].Source.Queue.DeadLetters == diagnosis.Known(true)
}

func TestADeadLetterQueueIsNamedByABlock(t *testing.T) {
	inside := func(target any, path ...string) any {
		for _, name := range path {
			target = list(object{name: target})
		}
		return target
	}
	for _, c := range []struct {
		address string
		path    []string // from the attribute outwards
		block   string
	}{
		{"aws_lambda_function.g", []string{"target_arn"}, "dead_letter_config"},
		{"aws_cloudwatch_event_target.t", []string{"arn"}, "dead_letter_config"},
		{"aws_scheduler_schedule.s", []string{"arn", "dead_letter_config"}, "target"},
		{"aws_lambda_function_event_invoke_config.i", []string{"destination", "on_failure"}, "destination_config"},
		{"aws_lambda_event_source_mapping.n", []string{"destination_arn", "on_failure"}, "destination_config"},
	} {
		t.Run(c.address, func(t *testing.T) {
			is := is.New(t)
			told := func(target, written any) bool {
				values := object{c.block: inside(target, c.path...)}
				if target == nil { // unknown, so left out
					values = object{c.block: inside(list(object{}), c.path[1:]...)}
				}
				return isDeadLetterQueue(t, []part{queue("orders"), {
					address: c.address, values: values, written: object{c.block: inside(written, c.path...)},
				}})
			}
			reference := refer("aws_sqs_queue.orders.arn")
			is.True(told(nil, reference))
			is.True(!told(nil, refer("aws_sqs_queue.bills.arn")))
			is.True(told("arn:aws:sqs:eu-west-1:123456789012:orders", reference))
			is.True(!told("arn:aws:sns:eu-west-1:123456789012:orders", constant("")))
			is.True(!told("arn:aws:sns:eu-west-1:123456789012:orders", reference)) // a condition decides
		})
	}
}
