package wire

import "github.com/aws/aws-lambda-go/events"

var sqs = source[events.SQSMessage]{
	event:  "an SQS event",
	named:  "aws:sqs",
	record: sqsMessage,
}

// The names of each type stand in the order in which AWS sends them.
var sqsNames = []string{
	"messageId", "receiptHandle", "body", "attributes", "messageAttributes", "md5OfBody",
	"md5OfMessageAttributes", "eventSource", "eventSourceARN", "awsRegion",
}

func sqsMessage(r *reader, m *events.SQSMessage) string {
	if !r.record() {
		return ""
	}
	for first, f := true, -1; ; first = false {
		name, ok := r.member(first)
		if !ok {
			return m.EventSource
		}
		f = field(sqsNames, name, f+1)
		switch f {
		case 0:
			r.readString(&m.MessageId)
		case 1:
			r.readString(&m.ReceiptHandle)
		case 2:
			r.readString(&m.Body)
		case 3:
			r.stringMap(&m.Attributes)
		case 4:
			r.messageAttributes(&m.MessageAttributes)
		case 5:
			r.readString(&m.Md5OfBody)
		case 6:
			r.readString(&m.Md5OfMessageAttributes)
		case 7:
			r.readShared(&m.EventSource)
		case 8:
			r.readShared(&m.EventSourceARN)
		case 9:
			r.readShared(&m.AWSRegion)
		default:
			r.skip()
		}
	}
}

// record enters a record, which null is not.
func (r *reader) record() bool {
	if r.peek() != '{' {
		r.mismatch("an object")
		return false
	}
	r.pos++
	return true
}

func (r *reader) messageAttributes(to *map[string]events.SQSMessageAttribute) {
	if r.peek() == 'n' {
		*to = nil
	}
	if !r.open('{') {
		return
	}
	if *to == nil {
		*to = make(map[string]events.SQSMessageAttribute)
	}
	for first := true; ; first = false {
		name, ok := r.member(first)
		if !ok {
			return
		}
		key := r.share(name)
		(*to)[key] = r.messageAttribute()
	}
}

var messageAttributeNames = []string{
	"stringValue", "binaryValue", "stringListValues", "binaryListValues", "dataType",
}

func (r *reader) messageAttribute() (a events.SQSMessageAttribute) {
	if !r.open('{') {
		return a
	}
	for first, f := true, -1; ; first = false {
		name, ok := r.member(first)
		if !ok {
			return a
		}
		f = field(messageAttributeNames, name, f+1)
		switch f {
		case 0:
			a.StringValue = nil
			if text, ok := r.string(); ok {
				s := r.keep(text)
				a.StringValue = &s
			}
		case 1:
			r.readBinary(&a.BinaryValue)
		case 2:
			list(r, &a.StringListValues, r.readString)
		case 3:
			list(r, &a.BinaryListValues, r.readBinary)
		case 4:
			r.readShared(&a.DataType)
		default:
			r.skip()
		}
	}
}
