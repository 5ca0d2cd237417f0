package terraform_test

import (
	"testing"

	"github.com/matryer/is"
)

func TestTheRedrivePolicyOfAQueueIsFound(t *testing.T) {
	const url = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
	orders := queue("orders")
	separate := part{
		address: "aws_sqs_queue_redrive_policy.p", unknown: true, // no value at all is known
		written: object{"queue_url": refer("aws_sqs_queue.orders.id"), "redrive_policy": refer("aws_sqs_queue.dead.arn")},
	}
	known := part{address: separate.address, values: object{"queue_url": url, "redrive_policy": `{"maxReceiveCount": "7"}`}}
	for name, c := range map[string]struct {
		parts []part
		want  string
	}{
		"none":                        {[]part{orders}, "unset"},
		"empty":                       {[]part{orders.with("redrive_policy", "")}, "unset"},
		"number":                      {[]part{orders.with("redrive_policy", `{"maxReceiveCount": 3}`)}, "3"},
		"text":                        {[]part{orders.with("redrive_policy", `{"maxReceiveCount": "3"}`)}, "3"},
		"default of SQS":              {[]part{orders.with("redrive_policy", `{}`)}, "10"},
		"no count":                    {[]part{orders.with("redrive_policy", `{"maxReceiveCount": "three"}`)}, "is not a whole number"},
		"no JSON":                     {[]part{orders.with("redrive_policy", `{`)}, "is in a redrive policy that is not a JSON object"},
		"no text":                     {[]part{orders.with("redrive_policy", 3)}, "is in a redrive policy that is not a JSON object"},
		"unknown":                     {[]part{orders.withUnknown("redrive_policy", refer("aws_sqs_queue.dead.arn"))}, "is in a redrive policy that is known only after apply and depends on aws_sqs_queue.dead.arn"},
		"separate":                    {[]part{orders, separate}, "is in a redrive policy that is known only after apply and depends on aws_sqs_queue.dead.arn"},
		"separate, by ID":             {[]part{orders.with("id", url), known}, "7"},
		"separate, by URL":            {[]part{orders.with("url", url).with("redrive_policy", ""), known}, "7"},
		"both":                        {[]part{orders.with("url", url).with("redrive_policy", `{"maxReceiveCount": 3}`), known}, "3"},
		"of another queue":            {[]part{orders, queue("parcels").with("url", url), known}, "unset"},
		"of a queue that is not here": {[]part{orders, known}, "unset"},
		"of an unknown queue": {
			[]part{orders, separate.withWritten("queue_url", refer("local.url"))},
			"may be in aws_sqs_queue_redrive_policy.p, whose queue_url is known only after apply",
		},
		"of one of two queues": {
			[]part{orders, queue("parcels"), separate.withWritten("queue_url", refer("aws_sqs_queue.parcels.id", "aws_sqs_queue.orders.id"))},
			"may be in aws_sqs_queue_redrive_policy.p, whose queue_url is known only after apply",
		},
	} {
		t.Run(name, func(t *testing.T) {
			parts := append(c.parts, function("f"), mapping(refer("aws_sqs_queue.orders.arn")))
			is.New(t).Equal(show(read(t, plan(t, parts, nil)).Mappings[0].Source.Queue.MaxReceiveCount), c.want)
		})
	}
}

// withWritten returns a copy of p with another expression.
func (p part) withWritten(name string, written object) part {
	p.written = object{"redrive_policy": p.written["redrive_policy"], name: written}
	return p
}

func TestAQueueIsFIFOByItsArgumentOrItsName(t *testing.T) {
	for name, c := range map[string]struct {
		queue part
		want  string
	}{
		"neither":      {queue("orders"), "false"},
		"argument":     {queue("orders").withUnknown("name", refer("local.n")).with("fifo_queue", true), "true"},
		"name":         {queue("orders").with("name", "orders.fifo"), "true"},
		"unset":        {queue("orders").with("fifo_queue", nil), "unset"},
		"not readable": {queue("orders").withUnknown("fifo_queue", refer("local.f")), "is known only after apply and depends on local.f"},
	} {
		t.Run(name, func(t *testing.T) {
			d := read(t, plan(t, []part{c.queue, mapping(refer("aws_sqs_queue.orders.arn"))}, nil))
			is.New(t).Equal(show(d.Mappings[0].Source.Queue.FIFO), c.want)
		})
	}
}
