package redeliver

import (
	"encoding/json"
	"errors"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch"
)

// A message is a reported record of a queue. If it could not be decoded, its fields are read as far as
// possible.
type message struct {
	failure      batch.Failure
	handle       string // the receipt handle; "" if it is missing or unreadable
	arn          string // of its queue; "" likewise
	group        string // "" if it has none
	groupUnknown bool   // its group is unreadable, so it may be any
	wait         int32  // seconds
}

var errOtherSource = errors.New("the records are not SQS messages")

// readMessages returns an error if none of the records is an SQS message.
func readMessages(failures []batch.Failure) ([]message, error) {
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

// read reports whether the original record is certainly an SQS message.
func (m *message) read(original any) bool {
	switch original := original.(type) {
	case *events.SQSMessage:
		m.handle, m.arn = original.ReceiptHandle, original.EventSourceARN
		return true
	case *json.RawMessage:
		return m.readUndecoded(*original)
	}
	return false
}

// readUndecoded reads as much as it can of a record that could not be decoded. Such a record is usually poison,
// so it must not be redelivered sooner than others.
func (m *message) readUndecoded(raw json.RawMessage) bool {
	var fields *struct{ EventSource, EventSourceARN, ReceiptHandle, Attributes json.RawMessage }
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		m.groupUnknown = true
		return false
	}
	source, _ := stringOf(fields.EventSource)
	m.arn, _ = stringOf(fields.EventSourceARN)
	m.handle, _ = stringOf(fields.ReceiptHandle)
	if m.group == "" {
		var known bool
		m.group, known = groupOf(fields.Attributes)
		m.groupUnknown = !known
	}
	return source == "aws:sqs" || m.handle != ""
}

// groupOf returns a message's group, "" if it has none. known is false if the group is unreadable.
func groupOf(attributes json.RawMessage) (group string, known bool) {
	if attributes == nil {
		return "", true
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(attributes, &values); err != nil || values == nil {
		return "", false
	}
	return stringOf(values["MessageGroupId"])
}

// stringOf reads a JSON string. A missing value and null are the empty string.
func stringOf(value json.RawMessage) (s string, ok bool) {
	if value == nil {
		return "", true
	}
	err := json.Unmarshal(value, &s)
	return s, err == nil
}
