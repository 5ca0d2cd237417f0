package envelope

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lambdabatch/batch"
)

// The values of ContentError.Want.
const (
	snsNotification  = "an SNS notification"
	eventBridgeEvent = "an EventBridge event"
	s3Notification   = "an S3 notification"
	logsMessage      = "a CloudWatch Logs message"
)

// A ContentError is the cause in a [batch.DecodeError]. It says that a record does not carry the
// expected content.
type ContentError struct {
	ID   string // of the SQS message or SNS notification, or the sequence number of the Kinesis record
	Want string // the expected content, such as "an SNS notification"
	Got  string // the actual content, such as "data that is not JSON"
	Err  error  // why the content does not decode; nil if it decodes but is something else
}

func (e *ContentError) Error() string {
	switch {
	case e.Got != e.Want:
		return fmt.Sprintf("%s, not %s", e.Got, e.Want)
	case e.Err != nil:
		return fmt.Sprintf("%s that does not decode: %v", e.Got, e.Err)
	default:
		return fmt.Sprintf("%s with a duplicate member", e.Got)
	}
}

func (e *ContentError) Unwrap() error { return e.Err }

// A location is the field that holds the content: of the record itself, or of a message inside it.
type location struct{ record, message, field string }

// locate names the record after ctx. Outside a pipeline, the message is the record.
func locate(ctx context.Context, message, field string) location {
	if r, ok := batch.RecordFrom(ctx); ok {
		return location{r.ID, message, field}
	}
	return location{message, message, field}
}

func (l location) contentError(want string, content []byte, err error) error {
	return l.decodeError(&ContentError{ID: l.message, Want: want, Got: describe(content), Err: err})
}

func (l location) decodeError(err error) error {
	return &batch.DecodeError{ID: l.record, Field: l.field, Err: err}
}

// maxDescribed is the size of the largest object whose members are decoded to describe it. In memory,
// short members take many times the size of their text.
const maxDescribed = 1 << 20

func describe(content []byte) string {
	content = bytes.TrimSpace(content)
	switch {
	case len(content) == 0:
		return "nothing"
	case !json.Valid(content):
		return "data that is not JSON"
	case content[0] == '{':
		return describeObject(content)
	case content[0] == '[':
		return "a JSON array"
	case content[0] == '"':
		return "a JSON string"
	default:
		return "the JSON value " + shortened(string(content))
	}
}

// describeObject decodes each member on its own, because any of them may have a type that the
// service would not send.
func describeObject(object []byte) string {
	if len(object) > maxDescribed {
		return fmt.Sprintf("a JSON object of %d bytes", len(object))
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return "a JSON object that does not decode"
	}
	text := func(name string) (s string) {
		_ = json.Unmarshal(members[name], &s)
		return s
	}
	switch {
	case text("Type") == "Notification":
		return snsNotification
	case text("Type") != "" && text("TopicArn") != "":
		return "an SNS " + shortened(text("Type"))
	case text("detail-type") != "" && text("source") != "":
		return eventBridgeEvent
	case text("Event") == s3TestEvent:
		return "an S3 test event"
	case text("messageType") != "":
		return logsMessage
	}
	switch source := eventSource(members["Records"]); source {
	case "":
		return "a JSON object with " + list(slices.Sorted(maps.Keys(members)))
	case "aws:s3":
		return s3Notification
	default:
		return "Records of " + shortened(source)
	}
}

// eventSource returns the eventSource of the first record, "" if it has none.
func eventSource(records json.RawMessage) string {
	d := json.NewDecoder(bytes.NewReader(records))
	if start, err := d.Token(); err != nil || start != json.Delim('[') || !d.More() {
		return ""
	}
	var first struct{ EventSource string }
	_ = d.Decode(&first)
	return first.EventSource
}

func list(names []string) string {
	const most = 8
	if len(names) == 0 {
		return "no members"
	}
	shown := make([]string, 0, most)
	for _, name := range names[:min(len(names), most)] {
		shown = append(shown, shortened(name))
	}
	out := strings.Join(shown, ", ")
	if more := len(names) - most; more > 0 {
		out += fmt.Sprintf(" and %d more", more)
	}
	return out
}

// shortened quotes text of the sender, which may be long and contain any character.
func shortened(s string) string { return fmt.Sprintf("%.40q", s) }
