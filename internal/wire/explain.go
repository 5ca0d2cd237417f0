package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// What was received instead of the expected event.
var (
	errSyntax   = errors.New("no JSON") // explain adds details
	errRecords  = errors.New("no records")
	errNull     = errors.New("records that are null")
	errWindow   = errors.New("records without a window")
	errFirehose = errors.New("a Firehose event")
	errTwice    = errors.New("two lists of records")
	errTooMany  = errors.New("more records than its size allows for")
)

func foreignError(what, from string) error { return fmt.Errorf("%s of %s", what, quote(from)) }

// notAList returns the error of records that are not in a list.
func (r *reader) notAList() error {
	got := kind(r.peek())
	d := r.decoder(r.data[r.pos:])
	if t, _ := d.ReadToken(); t.Kind() == jsontext.KindBeginArray {
		// The records of another source may name it.
		var record struct{ EventSource string }
		first, _ := d.ReadValue()
		if json.Unmarshal(first, &record) == nil && record.EventSource != "" {
			return foreignError("records", record.EventSource)
		}
	}
	return fmt.Errorf("records that are %s", got)
}

// explain completes the error of a payload that is not the expected event. If the payload is not valid JSON, it
// reports that instead of err.
func explain(event string, payload []byte, err error) error {
	if s := syntax(payload); s != nil {
		err = s
	} else if err == errRecords {
		err = errors.New(describe(payload))
	}
	return fmt.Errorf("expected %s, got %w", event, err)
}

func newDecoder(data []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewBuffer(data), leniency...)
}

// syntax returns what is wrong with a payload that is not exactly one JSON value, otherwise nil.
func syntax(payload []byte) error {
	d := newDecoder(payload)
	err := d.SkipValue()
	if err == nil {
		end := d.InputOffset()
		if _, err = d.ReadToken(); err == io.EOF {
			return nil
		}
		return fmt.Errorf("JSON, but with more text after byte %d", end)
	}
	if err == io.EOF {
		return errors.New("an empty payload")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("JSON that is cut off after byte %d", len(payload))
	}
	var s *jsontext.SyntacticError
	if errors.As(err, &s) {
		return fmt.Errorf("%w: %v after byte %d", errSyntax, s.Err, s.ByteOffset)
	}
	return errSyntax
}

// describe describes a payload that has no records.
func describe(payload []byte) string {
	d := newDecoder(payload)
	if k := d.PeekKind(); k != jsontext.KindBeginObject {
		return kind(byte(k))
	}
	var keys []string
	for _, err := d.ReadToken(); err == nil && d.PeekKind() == jsontext.KindString; err = d.SkipValue() {
		name, _ := d.ReadToken()
		if len(keys) == 5 {
			keys = append(keys, "…")
			break
		}
		keys = append(keys, quote(name.String()))
	}
	if len(keys) == 0 {
		return "an empty object"
	}
	return "an object with the keys " + strings.Join(keys, ", ")
}

// quote makes text from the payload short and safe to print.
func quote(text string) string {
	const limit = 40
	return strconv.Quote(clip(text, limit))
}

// clip shortens text from the payload to most bytes.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// maxPath bounds the length of Bad.Field.
const maxPath = 200

// path returns the path of the value that begins at an offset of a record, such as "kinesis.data".
func (r *reader) path(record []byte, at int) string {
	d := r.decoder(record)
	for int(d.InputOffset()) <= at {
		if _, err := d.ReadToken(); err != nil {
			return ""
		}
	}
	var p []byte
	for name := range d.StackPointer().Tokens() {
		if len(p) > 0 {
			p = append(p, '.')
		}
		p = append(p, name...)
	}
	return clip(string(p), maxPath)
}
