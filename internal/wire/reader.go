package wire

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json/jsontext"
)

// A reader walks over a payload. If the payload is not JSON, the reader stops for good: it sets broken and finds
// nothing more. If a value has the wrong type, the reader notes that as the fault of the record and goes on.
type reader struct {
	data   []byte
	pos    int
	broken bool

	eventSource  string // of the current record
	msk          bool   // the current record comes from MSK
	fault        error  // the first problem of the current record
	faultAt      int    // where the faulty value begins, or white space before it
	groupUnread  bool   // what says which group the current record belongs to could not be read
	unreadFields []Unread

	scratch     []byte           // see unquote
	scratchRoom [512]byte        // the initial scratch, which is usually enough
	texts       strings.Builder  // see copyText
	sharedTexts [64]string       // see share
	binary      []byte           // see carve
	headerBytes []byte           // see headerBytes
	attributes  []namedAttribute // see attributeMap

	messageAttribute events.SQSMessageAttribute                          // see messageAttribute
	sizes            struct{ attributes, messageAttributes, header int } // see entries

	jsonInput   bytes.Buffer // see decoder
	jsonDecoder *jsontext.Decoder
}

func (r *reader) stop() {
	r.broken = true
	r.pos = len(r.data)
}

// peek skips white space and returns the first byte of the next token, or 0 at the end.
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

// end checks that the payload was one JSON value and nothing follows.
func (r *reader) end() error {
	if r.peek() != 0 || r.pos < len(r.data) {
		r.stop()
	}
	if r.broken {
		return errSyntax
	}
	return nil
}

// member advances to the value of an object's next member. The name is valid until the next string is read.
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

// element advances to an array's next element.
func (r *reader) element(first bool) bool { return r.next(first, ']') }

func (r *reader) next(first bool, closing byte) bool {
	switch c := r.peek(); {
	case c == closing:
		r.pos++
		return false
	case first:
		return true
	case c == ',':
		r.pos++
		return true
	}
	r.stop()
	return false
}

// unquote reads the string that begins at pos with jsontext.
func (r *reader) unquote() []byte {
	quoted := r.value()
	// The error can only be about invalid UTF-8, which is replaced.
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

// leniency makes jsontext as lenient as encoding/json.
var leniency = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// decoder returns a jsontext decoder of data. It is valid until the next call.
func (r *reader) decoder(data []byte) *jsontext.Decoder {
	if r.jsonDecoder == nil {
		r.jsonDecoder = new(jsontext.Decoder)
	}
	r.jsonInput = *bytes.NewBuffer(data)
	r.jsonDecoder.Reset(&r.jsonInput, leniency...)
	return r.jsonDecoder
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

// skipNull skips a null, and reports whether there was one.
func (r *reader) skipNull() bool {
	if r.peek() != 'n' {
		return false
	}
	r.literal("null")
	return true
}

func (r *reader) literal(s string) {
	if !bytes.HasPrefix(r.data[r.pos:], []byte(s)) {
		r.stop()
		return
	}
	r.pos += len(s)
}

// bad notes the problem of the value at a position, unless the record already has one.
func (r *reader) bad(at int, err error) {
	if r.fault == nil {
		r.fault, r.faultAt = err, at
	}
}

// groupObject notes that the group of the record cannot be read if the next value, which contains it, is no object.
func (r *reader) groupObject() {
	r.groupUnread = r.groupUnread || r.peek() != '{'
}

// groupText reads a string that is the group of the record.
func (r *reader) groupText(to *string) {
	if c := r.peek(); c != '"' && c != 'n' {
		r.groupUnread = true
	}
	r.string(to)
}

// kind names the kind of value that begins with c.
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

// mismatch skips the next value and notes that it has the wrong type.
func (r *reader) mismatch(want string) {
	got, at := r.peek(), r.pos
	r.skip()
	r.bad(at, fmt.Errorf("want %s, got %s", want, kind(got)))
}

// open enters an object or array, which begins with c. The caller continues with the first member or element. open
// reports false for null, and for other types, which it notes.
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

// stringText reads the text of a string. ok is false for null, and for other types, which it notes. The text is valid
// until the next string is read.
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

// numberText reads the text of a number. ok is false for null, and for other types, which it notes.
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

// optionalString reads a string, or returns "" for any other type.
func (r *reader) optionalString() string {
	if r.peek() != '"' {
		r.skip()
		return ""
	}
	return string(r.text())
}
