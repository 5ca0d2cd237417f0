package wire

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json/jsontext"
)

// reader walks over a payload. Where the payload is no JSON it stops for good: broken is set, and
// nothing more is found. Where a value has the wrong type it notes the record's fault and goes on.
type reader struct {
	data   []byte
	pos    int
	broken bool

	from    string // the eventSource of the current record
	msk     bool   // the current record comes from MSK
	fault   error  // the first in the current record
	faultAt int    // where the value begins that has it
	lost    []Unread

	scratch []byte          // see unquote
	first   [512]byte       // the first scratch, which is mostly enough
	texts   strings.Builder // see keep
	words   [64]string      // see share
	binary  []byte          // see carve
	bytes   []byte          // see headerBytes
	items   []item          // see attributeMap

	messageAttribute events.SQSMessageAttribute                          // see messageAttribute
	sizes            struct{ attributes, messageAttributes, header int } // see entries

	rest bytes.Buffer // see decoder
	json *jsontext.Decoder
}

func (r *reader) stop() {
	r.broken = true
	r.pos = len(r.data)
}

// peek passes white space and returns the first byte of the next token, 0 at the end.
func (r *reader) peek() byte {
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

// end reports whether the payload was JSON and nothing more.
func (r *reader) end() error {
	if r.peek() != 0 || r.pos < len(r.data) {
		r.stop()
	}
	if r.broken {
		return errSyntax
	}
	return nil
}

// member passes to the value of an object's next member. The name is valid until the next string
// is read.
func (r *reader) member(first bool) (name []byte, ok bool) {
	if !r.next(first, '}') {
		return nil, false
	}
	if r.peek() != '"' {
		r.stop()
		return nil, false
	}
	name = r.text()
	if r.peek() != ':' {
		r.stop()
		return nil, false
	}
	r.pos++
	return name, true
}

// element passes to an array's next element.
func (r *reader) element(first bool) bool { return r.next(first, ']') }

func (r *reader) next(first bool, closing byte) bool {
	switch c := r.peek(); {
	case c == closing:
		r.pos++
		return false
	case first && c != 0:
		return true
	case !first && c == ',':
		r.pos++
		return true
	}
	r.stop()
	return false
}

// unquote reads the string that begins at pos with jsontext.
func (r *reader) unquote() []byte {
	quoted := r.value()
	// The string is valid but for its UTF-8, which the error would be about.
	r.scratch, _ = jsontext.AppendUnquote(r.scratch[:0], quoted)
	return r.scratch
}

// value reads any value and returns its JSON.
func (r *reader) value() []byte {
	d := r.decoder(r.data[r.pos:])
	v, err := d.ReadValue()
	if err != nil {
		r.stop()
		return nil
	}
	r.pos += int(d.InputOffset())
	return v
}

// leniency is encoding/json's.
var leniency = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// decoder reads data with jsontext. It is valid until the next call.
func (r *reader) decoder(data []byte) *jsontext.Decoder {
	if r.json == nil {
		r.json = new(jsontext.Decoder)
	}
	r.rest = *bytes.NewBuffer(data)
	r.json.Reset(&r.rest, leniency...)
	return r.json
}

func (r *reader) skip() {
	switch c := r.peek(); {
	case c == '"':
		r.text()
	case c == 'n':
		r.literal("null")
	case c == 't':
		r.literal("true")
	case c == 'f':
		r.literal("false")
	default:
		r.value()
	}
}

func (r *reader) literal(s string) {
	if !bytes.HasPrefix(r.data[r.pos:], []byte(s)) {
		r.stop()
		return
	}
	r.pos += len(s)
}

// bad notes the problem of the value at a position, unless the record has one already.
func (r *reader) bad(at int, err error) {
	if r.fault == nil && !r.broken {
		r.fault, r.faultAt = err, at
	}
}

// kind names what begins with c.
func kind(c byte) string {
	switch c {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	}
	return "a number"
}

// mismatch notes that the next value is not what is wanted, and skips it.
func (r *reader) mismatch(want string) {
	got, at := r.peek(), r.pos
	r.skip()
	r.bad(at, fmt.Errorf("want %s, got %s", want, kind(got)))
}

// open enters the object or array that is wanted; null is no value. The caller goes on to its first
// member or element.
func (r *reader) open(c byte) bool {
	switch r.peek() {
	case c:
		r.pos++
		return true
	case 'n':
		r.literal("null")
	default:
		r.mismatch(kind(c))
	}
	return false
}

// stringText reads a string's text; null is no value. The text is valid until the next string is read.
func (r *reader) stringText() (text []byte, ok bool) {
	switch r.peek() {
	case '"':
		text = r.text()
		return text, !r.broken
	case 'n':
		r.literal("null")
	default:
		r.mismatch("a string")
	}
	return nil, false
}

// numberText reads a number's text; null is no value.
func (r *reader) numberText() (text []byte, ok bool) {
	switch c := r.peek(); {
	case c == '-' || '0' <= c && c <= '9':
		if text = r.plainNumber(); text == nil {
			text = r.value()
		}
		return text, !r.broken
	case c == 'n':
		r.literal("null")
	default:
		r.mismatch("a number")
	}
	return nil, false
}

// optional reads a string where one is expected but nothing depends on it.
func (r *reader) optional() string {
	if r.peek() != '"' {
		r.skip()
		return ""
	}
	return string(r.text())
}
