package terraform_test

import (
	"fmt"
	"testing"

	"github.com/matryer/is"

	"github.com/lambdabatch/batch/batchdoctor/diagnosis"
)

func TestAPlanOfANewDeploymentIsRead(t *testing.T) {
	is := is.New(t)
	d := read(t, plan(t, []part{queue("orders"), function("f"), mapping(refer("aws_sqs_queue.orders.arn"))}, nil))
	is.Equal(d, diagnosis.Deployment{Mappings: []diagnosis.Mapping{{
		Resource: described("aws_lambda_event_source_mapping.m"),
		Source: diagnosis.Source{
			Resource: described("aws_sqs_queue.orders"),
			Kind:     diagnosis.SQS,
			Queue:    diagnosis.Queue{FIFO: diagnosis.Known(false), VisibilityTimeout: diagnosis.Known(180)},
		},
		Function:      diagnosis.Function{Resource: described("aws_lambda_function.f"), Timeout: diagnosis.Known(30)},
		ResponseTypes: diagnosis.Known([]string{"ReportBatchItemFailures"}),
		BatchSize:     diagnosis.Known(10),
	}}})
}

func TestAMappingFindsItsSource(t *testing.T) {
	others := []part{
		queue("orders"), queue("parcels"), function("f"),
		queue("each").at(`aws_sqs_queue.each["a.b"]`), queue("each").at(`aws_sqs_queue.each["c"]`),
		queue("counted").at("aws_sqs_queue.counted[0]"), queue("counted").at("aws_sqs_queue.counted[1]"),
		queue("orders-priority").at("aws_sqs_queue.priority"), {address: "aws_kinesis_stream.raw", values: object{"name": "raw"}},
		{address: "aws_kinesis_stream.s"}, {address: "aws_kinesis_stream_consumer.s"}, {address: "aws_dynamodb_table.t"},
		{address: "aws_msk_cluster.c"}, {address: "aws_mq_broker.b"}, {address: "aws_sns_topic.t"},
		queue("deployed").with("arn", "arn:aws:sqs:eu-west-1:123456789012:deployed"),
		{address: "data.aws_sqs_queue.elsewhere", values: object{"name": "far.fifo"}},
	}
	const eitherOfEach = `aws_sqs_queue.each["a.b"] or aws_sqs_queue.each["c"]`
	for name, c := range map[string]struct {
		mapping part
		name    string
		kind    diagnosis.Kind
	}{
		"queue":                {mapping(refer("aws_sqs_queue.orders.arn")), "aws_sqs_queue.orders", diagnosis.SQS},
		"stream":               {mapping(refer("aws_kinesis_stream.s.arn")), "aws_kinesis_stream.s", diagnosis.Kinesis},
		"consumer":             {mapping(refer("aws_kinesis_stream_consumer.s.arn")), "aws_kinesis_stream_consumer.s", diagnosis.Kinesis},
		"table":                {mapping(refer("aws_dynamodb_table.t.stream_arn")), "aws_dynamodb_table.t", diagnosis.DynamoDB},
		"cluster":              {mapping(refer("aws_msk_cluster.c.arn")), "aws_msk_cluster.c", diagnosis.Kafka},
		"broker":               {mapping(refer("aws_mq_broker.b.arn")), "aws_mq_broker.b", diagnosis.Other},
		"data source":          {mapping(refer("data.aws_sqs_queue.elsewhere.arn")), "data.aws_sqs_queue.elsewhere", diagnosis.SQS},
		"name inside text":     {mapping(refer("data.aws_region.r.name", "aws_sqs_queue.orders.name")), "aws_sqs_queue.orders", diagnosis.SQS},
		"other references":     {mapping(refer("aws_sns_topic.t.arn", "aws_sqs_queue.orders.arn")), "aws_sqs_queue.orders", diagnosis.SQS},
		"names that are alike": {mapping(object{"references": list("aws_sqs_queue.orders-2", "aws_sqs_queue.orders")}), "aws_sqs_queue.orders", diagnosis.SQS},
		"key in the reference": {mapping(refer(`aws_sqs_queue.each["a.b"].arn`)), `aws_sqs_queue.each["a.b"]`, diagnosis.SQS},
		"index":                {mapping(refer("aws_sqs_queue.counted[1].arn")), "aws_sqs_queue.counted[1]", diagnosis.SQS},
		"own key":              {mapping(refer("aws_sqs_queue.each", "each.key")).at(`aws_lambda_event_source_mapping.m["c"]`), `aws_sqs_queue.each["c"]`, diagnosis.SQS},
		"own index":            {mapping(refer("aws_sqs_queue.counted", "count.index")).at("aws_lambda_event_source_mapping.m[0]"), "aws_sqs_queue.counted[0]", diagnosis.SQS},
		"key by a value":       {mapping(refer("aws_sqs_queue.each", "each.value.queue")).at(`aws_lambda_event_source_mapping.m["c"]`), eitherOfEach, diagnosis.SQS},
		"key by variable":      {mapping(refer("aws_sqs_queue.each", "var.x")).at(`aws_lambda_event_source_mapping.m["c"]`), eitherOfEach, diagnosis.SQS},
		"one of two keys":      {mapping(refer("aws_sqs_queue.each", "each.key", "each.value.queue")).at(`aws_lambda_event_source_mapping.m["c"]`), eitherOfEach, diagnosis.SQS},
		"value and variable": {
			mapping(refer("each.value.arn", "aws_sqs_queue.each", "var.x")).at(`aws_lambda_event_source_mapping.m["c"]`).each(refer("aws_sqs_queue.each")),
			eitherOfEach, diagnosis.SQS,
		},
		"value of for_each": {
			mapping(refer("each.value.arn")).at(`aws_lambda_event_source_mapping.m["c"]`).each(refer("aws_sqs_queue.each")),
			`aws_sqs_queue.each["c"]`, diagnosis.SQS,
		},
		"one of two":             {mapping(refer("var.x", "aws_sqs_queue.orders.arn", "aws_sqs_queue.parcels.arn")), "aws_sqs_queue.orders or aws_sqs_queue.parcels", diagnosis.SQS},
		"one of two kinds":       {mapping(refer("aws_kinesis_stream.s.arn", "aws_dynamodb_table.t.stream_arn")).with("starting_position", "LATEST"), "aws_dynamodb_table.t or aws_kinesis_stream.s", diagnosis.Stream},
		"the stream of two":      {mapping(refer("aws_sqs_queue.orders.arn", "aws_dynamodb_table.t.stream_arn")).with("starting_position", "LATEST"), "aws_dynamodb_table.t", diagnosis.DynamoDB},
		"the queue of two":       {mapping(refer("aws_sqs_queue.orders.arn", "aws_kinesis_stream.s.arn")), "aws_sqs_queue.orders", diagnosis.SQS},
		"none of two":            {mapping(refer("aws_mq_broker.b.arn", "aws_msk_cluster.c.arn")), "aws_mq_broker.b or aws_msk_cluster.c", diagnosis.SQS},
		"local":                  {mapping(refer("local.queue")), "local.queue", diagnosis.SQS},
		"local stream":           {mapping(refer("local.stream")).with("starting_position", "LATEST"), "local.stream", diagnosis.Stream},
		"local topic":            {mapping(refer("local.cluster")).with("topics", list("t")), "local.cluster", diagnosis.Kafka},
		"local broker":           {mapping(refer("local.broker")).with("queues", list("q")), "local.broker", diagnosis.Other},
		"self-managed":           {mapping(nil).with("event_source_arn", nil).with("self_managed_event_source", list(object{})), "aws_lambda_event_source_mapping.m", diagnosis.Kafka},
		"literal of a known one": {mapping(constant("")).with("event_source_arn", "arn:aws:sqs:eu-west-1:123456789012:orders"), "aws_sqs_queue.orders", diagnosis.SQS},
		"literal of another":     {mapping(constant("")).with("event_source_arn", "arn:aws:sqs:eu-west-1:123456789012:bills.fifo"), "bills.fifo", diagnosis.SQS},
		"literal stream":         {mapping(constant("")).with("event_source_arn", "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/s"), "stream/s", diagnosis.Kinesis},
		"literal and reference":  {mapping(refer("var.x", "aws_sqs_queue.orders.arn")).with("event_source_arn", "arn:aws:sqs:eu-west-1:123456789012:bills"), "bills", diagnosis.SQS},
		"longer name":            {mapping(refer("aws_sqs_queue.orders.name")).with("event_source_arn", "arn:aws:sqs:eu-west-1:123456789012:orders-priority"), "aws_sqs_queue.priority", diagnosis.SQS},
		"stream's name":          {mapping(refer("aws_kinesis_stream.raw.name")).with("event_source_arn", "arn:aws:kinesis:eu-west-1:123456789012:stream/raw"), "aws_kinesis_stream.raw", diagnosis.Kinesis},
		"stream's longer name":   {mapping(refer("aws_kinesis_stream.raw.name")).with("event_source_arn", "arn:aws:kinesis:eu-west-1:123456789012:stream/raw-2"), "stream/raw-2", diagnosis.Kinesis},
		"no ARN":                 {mapping(constant("")).with("event_source_arn", "orders"), "orders", diagnosis.SQS},
		"same name, deployed":    {mapping(constant("")).with("event_source_arn", "arn:aws:sqs:eu-west-1:210987654321:deployed"), "deployed", diagnosis.SQS},
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			source := read(t, plan(t, append(others[:len(others):len(others)], c.mapping), nil)).Mappings[0].Source
			is.Equal(source.Name, c.name)
			is.Equal(source.Kind, c.kind)
		})
	}
}

func TestAQueueThatIsNotFoundSaysWhy(t *testing.T) {
	is := is.New(t)
	queueOf := func(m part) diagnosis.Queue {
		return read(t, plan(t, []part{queue("a"), queue("b"), m}, nil)).Mappings[0].Source.Queue
	}
	local := queueOf(mapping(refer("local.queue")))
	is.Equal(reasonOf(local.FIFO), "is unknown, because the queue's ARN is known only after apply and depends on local.queue")
	is.Equal(reasonOf(local.VisibilityTimeout), reasonOf(local.FIFO))
	is.Equal(reasonOf(local.MaxReceiveCount), reasonOf(local.FIFO))

	elsewhere := queueOf(mapping(nil).with("event_source_arn", "arn:aws:sqs:eu-west-1:123456789012:bills.fifo"))
	is.Equal(elsewhere.FIFO, diagnosis.Known(true))
	is.Equal(reasonOf(elsewhere.MaxReceiveCount), "is unknown, because the file does not contain the queue")

	either := queueOf(mapping(refer("aws_sqs_queue.a.arn", "aws_sqs_queue.b.arn")))
	is.Equal(reasonOf(either.VisibilityTimeout), "is unknown, because the queue may be aws_sqs_queue.a or aws_sqs_queue.b")
}

func TestAHugeExpressionIsNotFollowed(t *testing.T) {
	var references []string
	for i := range 2000 {
		references = append(references, fmt.Sprint("local.l", i))
	}
	is := is.New(t)
	source := func(references ...string) string {
		return read(t, plan(t, []part{queue("orders"), mapping(refer(references...))}, nil)).Mappings[0].Source.Address
	}
	is.Equal(source(append([]string{"aws_sqs_queue.orders"}, references[:900]...)...), "aws_sqs_queue.orders")
	is.Equal(source(append([]string{"aws_sqs_queue.orders"}, references...)...), "") // another may follow
}
