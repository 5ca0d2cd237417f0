package wire

import "github.com/aws/aws-lambda-go/events"

var sqs = source[events.SQSMessage]{
	event:        "an SQS event",
	eventSources: []string{"aws:sqs"},
	opening:      '[',
	records:      readList[events.SQSMessage],
	members: []member[events.SQSMessage]{
		{"messageId", func(r *reader, m *events.SQSMessage) { r.string(&m.MessageId) }},
		{"receiptHandle", func(r *reader, m *events.SQSMessage) { r.metaString(&m.ReceiptHandle, "receiptHandle") }},
		{"body", func(r *reader, m *events.SQSMessage) { r.string(&m.Body) }},
		{"attributes", func(r *reader, m *events.SQSMessage) {
			r.groupObject()
			entries(r, &m.Attributes, &r.sizes.attributes, attribute)
		}},
		{"messageAttributes", func(r *reader, m *events.SQSMessage) {
			entries(r, &m.MessageAttributes, &r.sizes.messageAttributes, messageAttribute)
		}},
		{"md5OfMessageAttributes", func(r *reader, m *events.SQSMessage) {
			r.metaString(&m.Md5OfMessageAttributes, "md5OfMessageAttributes")
		}},
		{"md5OfBody", func(r *reader, m *events.SQSMessage) { r.metaString(&m.Md5OfBody, "md5OfBody") }},
		{"eventSource", func(r *reader, m *events.SQSMessage) { r.source(&m.EventSource) }},
		{"eventSourceARN", func(r *reader, m *events.SQSMessage) { r.shared(&m.EventSourceARN) }},
		{"awsRegion", func(r *reader, m *events.SQSMessage) { r.metaShared(&m.AWSRegion, "awsRegion") }},
	},
}

// attribute reads one system attribute. MessageGroupId and ApproximateReceiveCount are vital, the others are
// metadata.
func attribute(r *reader, name string) (value string, ok bool) {
	switch r.peek() {
	case '"':
		return r.copyText(r.text()), true
	case 'n':
		r.literal("null")
		return "", true
	}
	if name == "MessageGroupId" || name == "ApproximateReceiveCount" {
		r.groupUnread = r.groupUnread || name == "MessageGroupId"
		r.mismatch("a string")
		return "", true
	}
	text, ok := r.anyText("attributes." + name)
	return r.copyText(text), ok
}

var messageAttributeMembers = []member[events.SQSMessageAttribute]{
	{"stringValue", func(r *reader, a *events.SQSMessageAttribute) {
		a.StringValue = nil
		if text, ok := r.stringText(); ok {
			s := r.copyText(text)
			a.StringValue = &s
		}
	}},
	{"binaryValue", func(r *reader, a *events.SQSMessageAttribute) { r.base64(&a.BinaryValue) }},
	{"stringListValues", func(r *reader, a *events.SQSMessageAttribute) { list(r, &a.StringListValues, (*reader).string) }},
	{"binaryListValues", func(r *reader, a *events.SQSMessageAttribute) { list(r, &a.BinaryListValues, (*reader).base64) }},
	{"dataType", func(r *reader, a *events.SQSMessageAttribute) { r.shared(&a.DataType) }},
}

func messageAttribute(r *reader, _ string) (events.SQSMessageAttribute, bool) {
	r.messageAttribute = events.SQSMessageAttribute{}
	object(r, messageAttributeMembers, &r.messageAttribute)
	return r.messageAttribute, true
}
