package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// explain says what was expected and what came instead. It looks at the payload anew, since it is
// only called once.
func explain(event string, payload []byte, err error) error {
	if problem := syntax(payload); problem != "" {
		return fmt.Errorf("expected %s, got %s", event, problem)
	}
	switch err {
	case errRecords, errForeign, errWindow:
		return fmt.Errorf("expected %s, got %s", event, describe(payload))
	}
	return fmt.Errorf("expected %s: %w", event, err)
}

func newDecoder(data []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// syntax says what is wrong with a payload that is not one JSON value.
func syntax(payload []byte) string {
	d := newDecoder(payload)
	err := d.SkipValue()
	if err == nil {
		if _, err = d.ReadToken(); err == io.EOF {
			return ""
		}
		return fmt.Sprintf("JSON with more behind it from byte %d on", d.InputOffset())
	}
	if len(bytes.TrimSpace(payload)) == 0 {
		return "an empty payload"
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Sprintf("JSON cut off at byte %d", len(payload))
	}
	var s *jsontext.SyntacticError
	if errors.As(err, &s) {
		return fmt.Sprintf("no JSON: %v after byte %d", s.Err, s.ByteOffset)
	}
	return "no JSON"
}

// describe says what a payload is that is JSON. It returns a short text.
func describe(payload []byte) string {
	d := newDecoder(payload)
	if k := d.PeekKind(); k != jsontext.KindBeginObject {
		return kind(byte(k))
	}
	d.ReadToken()
	var keys []string
	more := false
	for d.PeekKind() == jsontext.KindString {
		t, _ := d.ReadToken()
		name := t.String()
		at := d.PeekKind()
		value, _ := d.ReadValue()
		switch field(envelopeNames, []byte(name), 0) {
		case fieldRecords:
			if from := eventSource(value); from != "" {
				return "records of " + quote(from)
			}
			if at != jsontext.KindBeginArray {
				return fmt.Sprintf("%s that is %s", quote(name), kind(byte(at)))
			}
		case fieldEventSource:
			if at == jsontext.KindString {
				s, _ := jsontext.AppendUnquote(nil, value)
				return "an event of " + quote(string(s))
			}
		case fieldInvocationID, fieldDeliveryStream:
			return "a Firehose event"
		}
		if len(keys) < 5 {
			keys = append(keys, quote(name))
		} else {
			more = true
		}
	}
	text := strings.Join(keys, ", ")
	switch {
	case len(keys) == 0:
		return "an empty object"
	case more:
		text += ", …"
	}
	return "an object with the keys " + text
}

// eventSource returns the first that a record in an array has.
func eventSource(records []byte) string {
	r := &reader{data: records}
	if r.peek() != '[' {
		return ""
	}
	r.pos++
	for first := true; r.element(first); first = false {
		if r.peek() != '{' {
			r.skip()
			continue
		}
		r.pos++
		for first := true; ; first = false {
			name, ok := r.member(first)
			if !ok {
				break
			}
			if field(envelopeNames, name, 0) != fieldEventSource {
				r.skip()
			} else if from := r.optional(); from != "" {
				return from
			}
		}
	}
	return ""
}

// quote makes text that came with the payload short and harmless.
func quote(text string) string {
	const limit = 40
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return strconv.QuoteToASCII(text)
}

// path names the value that begins at an offset of a record, like "kinesis.data".
func path(record []byte, at int) string {
	d := newDecoder(record)
	for int(d.InputOffset()) <= at {
		if _, err := d.ReadToken(); err != nil {
			return ""
		}
	}
	var names []string
	for name := range d.StackPointer().Tokens() {
		names = append(names, name)
	}
	return strings.Join(names, ".")
}
