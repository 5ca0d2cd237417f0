package main

// The events. A record takes about 600 bytes in batches of every size. So 10,000 SQS
// messages, the most that Lambda delivers at once, fit into a payload of 6 MB.

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// An order is the content of a record.
type order struct {
	ID       string `json:"id"`
	Customer string `json:"customer"`
	Total    int64  `json:"total"`
	Lines    []line `json:"lines"`
}

type line struct {
	SKU      string `json:"sku"`
	Quantity int64  `json:"quantity"`
}

// A size is the number of records in an event, and whether the handlers refuse some.
type size struct {
	n           int
	noneRefused bool
}

func (s size) String() string {
	if s.noneRefused {
		return fmt.Sprint(s.n, ", none refused")
	}
	return fmt.Sprint(s.n)
}

// orderAt returns order i of a batch. The handlers refuse one order in a hundred, and
// one in a smaller batch, unless s says that none is refused.
func (s size) orderAt(i int) order {
	o := order{
		ID:       fmt.Sprintf("order-%07d", i),
		Customer: fmt.Sprintf("customer-%04d", i%1000),
		Total:    1250,
		Lines:    []line{{SKU: fmt.Sprintf("sku-%03d", i%300), Quantity: 2}},
	}
	if !s.noneRefused && i%100 == min(s.n, 100)/2 {
		o.Total = -1
	}
	return o
}

func (o order) json() []byte {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return text
}

// eventOf returns the JSON of an event with n records.
func eventOf(n int, appendRecord func(event []byte, i int, random *rand.Rand) []byte) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	event := []byte(`{"Records":[`)
	for i := range n {
		if i > 0 {
			event = append(event, ',')
		}
		event = appendRecord(event, i, random)
	}
	return append(event, `]}`...)
}

func sqsPayload(s size) []byte {
	return eventOf(s.n, func(event []byte, i int, random *rand.Rand) []byte {
		body, _ := json.Marshal(string(s.orderAt(i).json()))
		return fmt.Appendf(event, `{"messageId":"%08x-%04x-4%03x-a%03x-%012x","receiptHandle":"AQEB%032x==",`+
			`"body":%s,"attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1545082%06d",`+
			`"SenderId":"AIDAIENQZJOLO23YVJ4VO","ApproximateFirstReceiveTimestamp":"1545083%06d"},`+
			`"messageAttributes":{},"md5OfBody":"%016x%016x","eventSource":"aws:sqs",`+
			`"eventSourceARN":"arn:aws:sqs:us-east-2:123456789012:orders","awsRegion":"us-east-2"}`,
			random.Uint32(), random.Uint32N(1<<16), random.Uint32N(1<<12), random.Uint32N(1<<12), random.Uint64N(1<<48),
			random.Uint64(), body, i, i, random.Uint64(), random.Uint64())
	})
}

func kinesisPayload(s size) []byte {
	return eventOf(s.n, func(event []byte, i int, random *rand.Rand) []byte {
		number := fmt.Sprintf("49590338271490256608559692538361571095921575989136%06d", i)
		return fmt.Appendf(event, `{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"customer-%04d",`+
			`"sequenceNumber":"%s","data":"%s","approximateArrivalTimestamp":1545084650.%03d},`+
			`"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"shardId-000000000006:%s",`+
			`"eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::123456789012:role/orders",`+
			`"awsRegion":"us-east-2","eventSourceARN":"arn:aws:kinesis:us-east-2:123456789012:stream/orders"}`,
			i%1000, number, base64.StdEncoding.EncodeToString(s.orderAt(i).json()), 1+random.Uint32N(999), number)
	})
}

func dynamoDBPayload(s size) []byte {
	return eventOf(s.n, func(event []byte, i int, random *rand.Rand) []byte {
		o := s.orderAt(i)
		return fmt.Appendf(event, `{"eventID":"%016x%016x","eventName":"INSERT","eventVersion":"1.1",`+
			`"eventSource":"aws:dynamodb","awsRegion":"us-east-2","dynamodb":{"ApproximateCreationDateTime":1545084650,`+
			`"Keys":{"id":{"S":"%s"}},"NewImage":{"id":{"S":"%s"},"customer":{"S":"%s"},"total":{"N":"%d"},`+
			`"lines":{"L":[{"M":{"sku":{"S":"%s"},"quantity":{"N":"%d"}}}]}},"SequenceNumber":"1405400000000002%010d",`+
			`"SizeBytes":154,"StreamViewType":"NEW_IMAGE"},`+
			`"eventSourceARN":"arn:aws:dynamodb:us-east-2:123456789012:table/orders/stream/2018-12-17T00:00:00.000"}`,
			random.Uint64(), random.Uint64(), o.ID, o.ID, o.Customer, o.Total, o.Lines[0].SKU, o.Lines[0].Quantity, i)
	})
}
