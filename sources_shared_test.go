package batch_test

// Events and payloads of each source, and one interface to Run and the handlers.

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
	"github.com/samber/lo"
)

type fields = map[string]any

const (
	queue     = "arn:aws:sqs:eu-west-1:123456789012:orders"
	fifoQueue = queue + ".fifo"
)

func sqsEvent(arn string, groups ...string) (event events.SQSEvent) {
	for i, group := range groups {
		m := events.SQSMessage{MessageId: fmt.Sprint("m", i), EventSourceARN: arn, Attributes: map[string]string{"ApproximateReceiveCount": "2"}}
		if group != "" {
			m.Attributes["MessageGroupId"] = group
		}
		event.Records = append(event.Records, m)
	}
	return event
}

// kafkaPayload is an event with two partitions. The second record of partition a-0 has this value.
func kafkaPayload(value any) []byte {
	return lo.Must(json.Marshal(fields{"eventSource": "aws:kafka", "records": fields{
		"b-1": []any{fields{"topic": "b", "partition": 1, "offset": 7, "value": "aQ=="}},
		"a-0": []any{
			fields{"topic": "a", "partition": 0, "offset": 3, "value": "aQ=="},
			fields{"topic": "a", "partition": 0, "offset": 4, "value": value},
			fields{"topic": "a", "partition": 0, "offset": 5, "value": "aQ=="},
		},
	}}))
}

func costEvent(n int) events.SQSEvent {
	return events.SQSEvent{Records: lo.Times(n, func(i int) events.SQSMessage {
		return events.SQSMessage{MessageId: "m" + strconv.Itoa(i), Body: "body"}
	})}
}

// A recordSpec says what a record of any source contains.
type recordSpec struct {
	id, body, group string
	receive         int
}

// recordSpecs reads "id:body@group id:body@group". The group may be missing.
func recordSpecs(input string, receive int) []recordSpec {
	return lo.Map(strings.Fields(input), func(text string, _ int) recordSpec {
		id, rest, _ := strings.Cut(text, ":")
		body, group, _ := strings.Cut(rest, "@")
		return recordSpec{id, body, group, receive}
	})
}

// A service is a source of events, with the two ways to process them.
type service struct {
	name    string
	event   func(recordSpec) fields // one record of the event
	run     func(payload []byte, handle func(string) error, opts ...batch.Option) (batch.Response, error)
	handler func(handle func(string) error, opts ...batch.Option) *batch.Handler
}

func serviceOf[E, R any](
	name string,
	event func(recordSpec) fields,
	source func(context.Context, E, ...batch.Option) batch.Stream[R],
	handler func(func(batch.Stream[R]) batch.Stream[R], ...batch.Option) *batch.Handler,
	body func(R) string,
) service {
	stage := func(handle func(string) error) func(batch.Stream[R]) batch.Stream[R] {
		return batch.Each(func(_ context.Context, r R) error { return handle(body(r)) })
	}
	return service{
		name:  name,
		event: event,
		run: func(payload []byte, handle func(string) error, opts ...batch.Option) (batch.Response, error) {
			var event E
			if err := json.Unmarshal(payload, &event); err != nil {
				return batch.Response{}, err
			}
			return batch.Run(source(context.Background(), event, opts...), stage(handle))
		},
		handler: func(handle func(string) error, opts ...batch.Option) *batch.Handler {
			return handler(stage(handle), append(opts, batch.WithLogger(nil))...)
		},
	}
}

func (s service) payload(all []recordSpec) []byte {
	records := lo.Map(all, func(r recordSpec, _ int) fields { return s.event(r) })
	return lo.Must(json.Marshal(fields{"Records": records}))
}

func sqsService(name, arn string) service {
	event := func(e recordSpec) fields {
		attributes := fields{"ApproximateReceiveCount": strconv.Itoa(e.receive)}
		if e.group != "" {
			attributes["MessageGroupId"] = e.group
		}
		return fields{"messageId": e.id, "body": e.body, "attributes": attributes, "eventSource": "aws:sqs", "eventSourceARN": arn}
	}
	return serviceOf(name, event, batch.SQS, batch.SQSHandler[events.SQSMessage], func(m events.SQSMessage) string { return m.Body })
}

var (
	standard = sqsService("SQS", queue)
	fifo     = sqsService("SQS FIFO", fifoQueue)
	kinesis  = serviceOf("Kinesis", func(e recordSpec) fields {
		return fields{"eventSource": "aws:kinesis", "eventID": "not this", "kinesis": fields{
			"sequenceNumber": e.id, "partitionKey": e.group, "data": base64.StdEncoding.EncodeToString([]byte(e.body)),
		}}
	}, batch.Kinesis, batch.KinesisHandler[events.KinesisEventRecord], func(r events.KinesisEventRecord) string { return string(r.Kinesis.Data) })
	dynamoDB = serviceOf("DynamoDB", func(e recordSpec) fields {
		return fields{"eventSource": "aws:dynamodb", "eventID": "not this", "dynamodb": fields{
			"SequenceNumber": e.id, "Keys": fields{"id": fields{"S": e.group}}, "NewImage": fields{"body": fields{"S": e.body}},
		}}
	}, batch.DynamoDB, batch.DynamoDBHandler[events.DynamoDBEventRecord], func(r events.DynamoDBEventRecord) string {
		return r.Change.NewImage["body"].String()
	})
)

// unreadableGroups is an event of n Kinesis records. The partition keys of the second half are not strings.
func unreadableGroups(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"Records":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		key := `"` + strconv.Itoa(i) + `"`
		if i >= n/2 {
			key = "7"
		}
		fmt.Fprintf(&b, `{"eventSource":"aws:kinesis","kinesis":{"sequenceNumber":"%d","partitionKey":%s,"data":"eA=="}}`, i, key)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}
