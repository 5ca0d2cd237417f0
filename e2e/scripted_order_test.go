package e2e_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// An order is a record for the worker, and the group it belongs to.
type order struct {
	ID     string   `json:"id"`
	Script []string `json:"script"` // what happens on its tries

	group string
}

// script makes an order from its ID and the words of its tries.
func script(id string, words ...string) order { return order{ID: id, Script: words} }

func (o order) in(group string) order {
	o.group = group
	return o
}

// good tells whether the order is stored in the end.
func (o order) good() bool {
	last := o.Script[len(o.Script)-1]
	return last == "ok"
}

func (o order) body() []byte {
	body, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return body
}

// sqsEvent is an event in which each message has its order's ID, received for
// the nth time.
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

// reporting is the response that lists these identifiers.
func reporting(ids ...string) string {
	items := make([]string, len(ids))
	for i, id := range ids {
		items[i] = `{"itemIdentifier":"` + id + `"}`
	}
	return `{"batchItemFailures":[` + strings.Join(items, ",") + `]}`
}
