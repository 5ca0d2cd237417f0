package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Window is what the payload of a tumbling window says beside its records.
type Window struct {
	Start, End              time.Time
	State                   json.RawMessage // a copy; nil if there is none, or null
	ShardID, EventSourceARN string
	Final, Terminated       bool
}

// KinesisWindow reads an event of a tumbling window over a Kinesis stream, which may have no records.
func KinesisWindow(payload []byte) (Batch[events.KinesisEventRecord], Window, error) {
	return readWindow(payload, kinesis)
}

// DynamoDBWindow reads an event of a tumbling window over a DynamoDB stream, which may have no
// records.
func DynamoDBWindow(payload []byte) (Batch[events.DynamoDBEventRecord], Window, error) {
	return readWindow(payload, dynamodb)
}

func readWindow[R any](payload []byte, src source[R]) (Batch[R], Window, error) {
	src.event += " of a tumbling window"
	var w windowReader
	b, err := read(payload, src, &w)
	if err == nil && !w.found {
		err = explain(src.event, payload, errRecords)
	}
	if err != nil {
		return Batch[R]{}, Window{}, err
	}
	return b, w.Window, nil
}

type windowReader struct {
	Window
	found bool
}

var windowNames = []string{
	"window", "state", "shardId", "eventSourceARN", "isFinalInvokeForWindow", "isWindowTerminatedEarly",
}

func (w *windowReader) member(r *reader, name []byte) error {
	f := field(windowNames, name, 0)
	switch f {
	case 0:
		w.bounds(r)
	case 1:
		null := r.peek() == 'n'
		start := r.pos
		r.skip()
		w.State = bytes.Clone(r.data[start:r.pos])
		if null {
			w.State = nil
		}
	case 2:
		r.readString(&w.ShardID)
	case 3:
		r.readString(&w.EventSourceARN)
	case 4:
		r.readBool(&w.Final)
	case 5:
		r.readBool(&w.Terminated)
	default:
		r.skip()
	}
	if r.fault != nil {
		return fmt.Errorf("a bad %q: %w", windowNames[f], r.fault)
	}
	return nil
}

var boundNames = []string{"start", "end"}

func (w *windowReader) bounds(r *reader) {
	if !r.open('{') {
		return
	}
	w.found = true
	for first := true; ; first = false {
		name, ok := r.member(first)
		if !ok {
			return
		}
		switch field(boundNames, name, 0) {
		case 0:
			r.readTime(&w.Start)
		case 1:
			r.readTime(&w.End)
		default:
			r.skip()
		}
	}
}

var errTime = errors.New("string is no time of RFC 3339")

func (r *reader) readTime(to *time.Time) {
	if r.peek() != '"' {
		r.mismatch("a string")
		return
	}
	at := r.pos
	t, err := time.Parse(time.RFC3339, string(r.text()))
	if err != nil {
		r.bad(at, errTime)
		return
	}
	*to = t
}

func (r *reader) readBool(to *bool) {
	switch r.peek() {
	case 't':
		r.literal("true")
		*to = true
	case 'f':
		r.literal("false")
		*to = false
	case 'n':
		r.literal("null")
	default:
		r.mismatch("a boolean")
	}
}
