package redeliver

// What a call needs to know of a reported record.

import (
	"encoding/json"
	"errors"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
)

// A message is a reported record of a queue.
type message struct {
	failure  batch.Failure
	handle   string // "": it has none, or it cannot be read
	arn      string // likewise
	group    string // "": none
	anyGroup bool   // its group cannot be read
	wait     int32  // seconds
}

var errOtherSource = errors.New("the records are not SQS messages")

// messagesOf reads all of them. It is an error if none is an SQS message.
func messagesOf(failures []batch.Failure) ([]message, error) {
	messages := make([]message, len(failures))
	err := errOtherSource
	for i, f := range failures {
		m := &messages[i]
		m.failure, m.group = f, f.Record.Group
		if m.read(f.Record.Source) {
			err = nil
		}
	}
	return messages, err
}

// read reports whether the original is certainly an SQS message.
func (m *message) read(original any) bool {
	switch original := original.(type) {
	case *events.SQSMessage:
		m.handle, m.arn = original.ReceiptHandle, original.EventSourceARN
		return true
	case *json.RawMessage:
		return m.readBroken(*original)
	}
	return false
}

// readBroken reads what there is to read in a record that could not be decoded. It is poison most of the
// time, and must not be redelivered sooner than others because of that.
func (m *message) readBroken(raw json.RawMessage) bool {
	var fields *struct{ EventSource, EventSourceARN, ReceiptHandle, Attributes json.RawMessage }
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		m.anyGroup = true
		return false
	}
	source, _ := textOf(fields.EventSource)
	m.arn, _ = textOf(fields.EventSourceARN)
	m.handle, _ = textOf(fields.ReceiptHandle)
	if m.group == "" {
		var known bool
		m.group, known = groupIn(fields.Attributes)
		m.anyGroup = !known
	}
	return source == "aws:sqs" || m.handle != ""
}

// groupIn reports whether it is known which group a message is in: that may be none.
func groupIn(attributes json.RawMessage) (group string, known bool) {
	if attributes == nil {
		return "", true
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(attributes, &values); err != nil || values == nil {
		return "", false
	}
	return textOf(values["MessageGroupId"])
}

// textOf reads a text. A missing one and null are empty.
func textOf(value json.RawMessage) (text string, ok bool) {
	if value == nil {
		return "", true
	}
	err := json.Unmarshal(value, &text)
	return text, err == nil
}
