package envelope

// The error of a record that carries something else, and how it tells what.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lambdabatch/batch"
)

// What the functions unwrap.
const (
	snsNotification  = "an SNS notification"
	eventBridgeEvent = "an EventBridge event"
	s3Notification   = "an S3 notification"
	logsMessage      = "a CloudWatch Logs message"
)

// A ContentError says, in a [batch.DecodeError], that the content of a record is not what
// was to be unwrapped.
type ContentError struct {
	ID   string // the message ID, or the sequence number of a Kinesis record
	Want string // what was to be unwrapped, such as "an SNS notification"
	Got  string // what came instead, such as "data that is not JSON"
	Err  error  // why it does not decode; nil if it does, as something else
}

func (e *ContentError) Error() string {
	switch {
	case e.Got != e.Want:
		return fmt.Sprintf("%s, not %s", e.Got, e.Want)
	case e.Err != nil:
		return fmt.Sprintf("%s that does not decode: %v", e.Got, e.Err)
	default:
		return fmt.Sprintf("%s with a member given twice", e.Got)
	}
}

func (e *ContentError) Unwrap() error { return e.Err }

func (p place) contentError(want string, content []byte, err error) error {
	return p.decodeError(&ContentError{ID: p.id, Want: want, Got: describe(content), Err: err})
}

// A place is where content was found.
type place struct{ id, field string }

func (p place) decodeError(err error) error {
	return &batch.DecodeError{ID: p.id, Field: p.field, Err: err}
}

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

// describeObject looks at one member after the other, because any of them may
// be of another type than the service would send.
func describeObject(object []byte) string {
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

// eventSource is where the first of the records says that it comes from, "" if
// it does not say.
func eventSource(records json.RawMessage) string {
	var all []json.RawMessage
	if json.Unmarshal(records, &all) != nil || len(all) == 0 {
		return ""
	}
	var first struct{ EventSource string }
	_ = json.Unmarshal(all[0], &first)
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

// shortened quotes what a sender chose, which may be long and anything.
func shortened(s string) string { return fmt.Sprintf("%.40q", s) }
