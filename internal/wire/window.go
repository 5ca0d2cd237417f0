package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Window holds what an event of a tumbling window contains in addition to its records.
type Window struct {
	Start, End              time.Time
	State                   json.RawMessage // a copy; nil if missing or null
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
		err = explain(src.event, payload, errWindow)
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

var windowMembers = []member[windowReader]{
	{"window", func(r *reader, w *windowReader) {
		w.found = w.found || r.peek() == '{'
		object(r, boundMembers, &w.Window)
	}},
	{"state", func(r *reader, w *windowReader) {
		null := r.peek() == 'n'
		start := r.pos
		r.skip()
		if w.State = nil; !null {
			w.State = bytes.Clone(r.data[start:r.pos])
		}
	}},
	{"shardId", func(r *reader, w *windowReader) { r.string(&w.ShardID) }},
	{"eventSourceARN", func(r *reader, w *windowReader) { r.metaString(&w.EventSourceARN, "eventSourceARN") }},
	{"isFinalInvokeForWindow", func(r *reader, w *windowReader) { r.boolean(&w.Final) }},
	{"isWindowTerminatedEarly", func(r *reader, w *windowReader) { r.boolean(&w.Terminated) }},
}

var boundMembers = []member[Window]{
	{"start", func(r *reader, w *Window) { r.time(&w.Start) }},
	{"end", func(r *reader, w *Window) { r.time(&w.End) }},
}

func (w *windowReader) member(r *reader, name []byte) error {
	i := find(windowMembers, 0, name)
	if i < 0 {
		r.skip()
		return nil
	}
	windowMembers[i].read(r, w)
	if r.fault != nil {
		return fmt.Errorf("a bad %q: %w", windowMembers[i].name, r.fault)
	}
	return nil
}

var errTime = errors.New("string is no time of RFC 3339")

func (r *reader) time(to *time.Time) {
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

func (r *reader) boolean(to *bool) {
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
