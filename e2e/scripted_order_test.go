package e2e_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/samber/lo"
)

// An order is a record for the worker. Its script says what happens to it.
type order struct {
	ID     string   `json:"id"`
	Script []string `json:"script"` // a word per try

	group string
}

// script returns an order with a word per try.
func script(id string, words ...string) order { return order{ID: id, Script: words} }

func (o order) in(group string) order {
	o.group = group
	return o
}

// good reports whether the order is stored in the end.
func (o order) good() bool {
	return o.Script[len(o.Script)-1] == "ok"
}

func (o order) body() []byte {
	body, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return body
}

// sqsEvent returns an event with a message per order. A message has its order's ID, and
// receive as its receive count.
func sqsEvent(queue string, receive int, orders ...order) []byte {
	var event events.SQSEvent
	for i, o := range orders {
		attributes := map[string]string{
			"ApproximateReceiveCount":          strconv.Itoa(receive),
			"SentTimestamp":                    "1730000000000",
			"SenderId":                         "AIDAIENQZJOLO23YVJ4VO",
			"ApproximateFirstReceiveTimestamp": "1730000000001",
		}
		if o.group != "" {
			attributes["MessageGroupId"] = o.group
			attributes["SequenceNumber"] = fmt.Sprintf("%020d", i)
		}
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: o.ID, ReceiptHandle: "receipt-" + o.ID, Body: string(o.body()), Attributes: attributes,
			MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSource:       "aws:sqs", EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:" + queue, AWSRegion: "us-east-1",
		})
	}
	payload, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	return payload
}

// reporting returns the response that lists these identifiers.
func reporting(ids ...string) string {
	items := lo.Map(ids, func(id string, _ int) string { return `{"itemIdentifier":"` + id + `"}` })
	return `{"batchItemFailures":[` + strings.Join(items, ",") + `]}`
}
