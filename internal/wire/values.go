package wire

import (
	"encoding/base64"
	"errors"
	"strconv"
)

// Results are copied out of the payload in pieces of this size, each of which serves many of them;
// what is larger than half of it gets a copy of its own.
const piece = 8 << 10

// keep copies text.
func (r *reader) keep(text []byte) string {
	if len(text) > piece/2 {
		return string(text)
	}
	n := r.texts.Len()
	if r.texts.Cap()-n < len(text) {
		r.texts.Reset()
		r.texts.Grow(r.room(len(text)))
		n = 0
	}
	r.texts.Write(text)
	return r.texts.String()[n:]
}

// room is the size of a piece that begins with n bytes: no more than the rest of the payload can fill.
func (r *reader) room(n int) int { return max(n, min(piece, len(r.data)-r.pos+n)) }

// share copies text that is likely to recur, and hands out the same copy then.
func (r *reader) share(text []byte) string {
	n := len(text)
	if n == 0 {
		return ""
	}
	slot := &r.words[(n^int(text[0])*5^int(text[n/2])*3^int(text[n-1]))%len(r.words)]
	if *slot != string(text) {
		*slot = r.keep(text)
	}
	return *slot
}

// What follows reads a value into a field; null leaves the field as it is unless it says otherwise.

func (r *reader) string(to *string) {
	if text, ok := r.stringText(); ok {
		*to = r.keep(text)
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
	r.from = *to
}

// base64 reads base64; null is nil.
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

// carve returns n bytes to keep data in.
func (r *reader) carve(n int) []byte {
	if n > piece/2 {
		return make([]byte, n)
	}
	if r.binary == nil || len(r.binary) < n {
		r.binary = make([]byte, r.room(n))
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
	r.peek()
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
