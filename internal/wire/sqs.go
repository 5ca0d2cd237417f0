package wire

import "github.com/aws/aws-lambda-go/events"

var sqs = source[events.SQSMessage]{
	event:   "an SQS event",
	named:   []string{"aws:sqs"},
	opening: '[',
	records: inList[events.SQSMessage],
	members: []member[events.SQSMessage]{
		{"messageId", func(r *reader, m *events.SQSMessage) { r.string(&m.MessageId) }},
		{"receiptHandle", func(r *reader, m *events.SQSMessage) { r.string(&m.ReceiptHandle) }},
		{"body", func(r *reader, m *events.SQSMessage) { r.string(&m.Body) }},
		{"attributes", func(r *reader, m *events.SQSMessage) { entries(r, &m.Attributes, &r.sizes.attributes, attribute) }},
		{"messageAttributes", func(r *reader, m *events.SQSMessage) {
			entries(r, &m.MessageAttributes, &r.sizes.messageAttributes, messageAttribute)
		}},
		{"md5OfMessageAttributes", func(r *reader, m *events.SQSMessage) { r.string(&m.Md5OfMessageAttributes) }},
		{"md5OfBody", func(r *reader, m *events.SQSMessage) { r.string(&m.Md5OfBody) }},
		{"eventSource", func(r *reader, m *events.SQSMessage) { r.source(&m.EventSource) }},
		{"eventSourceARN", func(r *reader, m *events.SQSMessage) { r.shared(&m.EventSourceARN) }},
		{"awsRegion", func(r *reader, m *events.SQSMessage) { r.shared(&m.AWSRegion) }},
	},
}

func attribute(r *reader) (s string) {
	r.string(&s)
	return s
}

var messageAttributeMembers = []member[events.SQSMessageAttribute]{
	{"stringValue", func(r *reader, a *events.SQSMessageAttribute) {
		a.StringValue = nil
		if text, ok := r.stringText(); ok {
			s := r.keep(text)
			a.StringValue = &s
		}
	}},
	{"binaryValue", func(r *reader, a *events.SQSMessageAttribute) { r.base64(&a.BinaryValue) }},
	{"stringListValues", func(r *reader, a *events.SQSMessageAttribute) { list(r, &a.StringListValues, (*reader).string) }},
	{"binaryListValues", func(r *reader, a *events.SQSMessageAttribute) { list(r, &a.BinaryListValues, (*reader).base64) }},
	{"dataType", func(r *reader, a *events.SQSMessageAttribute) { r.shared(&a.DataType) }},
}

func messageAttribute(r *reader) events.SQSMessageAttribute {
	r.messageAttribute = events.SQSMessageAttribute{}
	object(r, messageAttributeMembers, &r.messageAttribute)
	return r.messageAttribute
}
