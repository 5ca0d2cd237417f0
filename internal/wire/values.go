package wire

import (
	"encoding/base64"
	"errors"
	"strconv"
)

// Results are copied out of the payload into pieces of this size, which hold many of them. A value larger than half a
// piece is copied separately.
const pieceSize = 8 << 10

// copyText copies text into a piece.
func (r *reader) copyText(text []byte) string {
	if len(text) > pieceSize/2 {
		return string(text)
	}
	n := r.texts.Len()
	if r.texts.Cap()-n < len(text) {
		r.texts.Reset()
		r.texts.Grow(r.pieceSizeFor(len(text)))
		n = 0
	}
	r.texts.Write(text)
	return r.texts.String()[n:]
}

// pieceSizeFor returns the size of a piece that begins with n bytes. It is no larger than what the rest of the
// payload can fill.
func (r *reader) pieceSizeFor(n int) int { return max(n, min(pieceSize, len(r.data)-r.pos+n)) }

// share copies text that is likely to recur. When it does, share usually returns the same copy.
func (r *reader) share(text []byte) string {
	n := len(text)
	if n == 0 {
		return ""
	}
	slot := &r.sharedTexts[(n^int(text[0])*5^int(text[n/2])*3^int(text[n-1]))%len(r.sharedTexts)]
	if *slot != string(text) {
		*slot = r.copyText(text)
	}
	return *slot
}

// The following methods read a value into a field. null leaves the field as it is unless stated otherwise.

func (r *reader) string(to *string) {
	if text, ok := r.stringText(); ok {
		*to = r.copyText(text)
	}
}

func (r *reader) shared(to *string) {
	if text, ok := r.stringText(); ok {
		*to = r.share(text)
	}
}

// source reads a record's eventSource.
func (r *reader) source(to *string) {
	r.shared(to)
	r.eventSource = *to
}

// base64 reads data in base64. null makes the field nil.
func (r *reader) base64(to *[]byte) {
	if r.peek() == 'n' {
		*to = nil
	}
	at := r.pos
	if text, ok := r.stringText(); ok {
		data, err := r.decode(text)
		if err != nil {
			r.bad(at, err)
			return
		}
		*to = data
	}
}

func (r *reader) decode(text []byte) ([]byte, error) {
	data := r.carve(base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(data, text)
	if err != nil {
		return nil, err
	}
	return data[:n], nil
}

// carve returns n bytes of a piece for data.
func (r *reader) carve(n int) []byte {
	if n > pieceSize/2 {
		return make([]byte, n)
	}
	if r.binary == nil || len(r.binary) < n {
		r.binary = make([]byte, r.pieceSizeFor(n))
	}
	data := r.binary[:n:n]
	r.binary = r.binary[n:]
	return data
}

var (
	errInteger = errors.New("number is no integer of 64 bits")
	errList    = errors.New("list is given twice")
)

func (r *reader) integer(to *int64) bool {
	at := r.pos
	text, ok := r.numberText()
	if !ok {
		return false
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		r.bad(at, errInteger)
		return false
	}
	*to = n
	return true
}
