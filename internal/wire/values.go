package wire

import (
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Strings and binary data are copied out in pieces of this size; what is larger than half of it has
// a piece of its own.
const piece = 8 << 10

// room is the size of the next piece: no more than the rest of the payload could fill.
func (r *reader) room(n int) int { return max(n, min(piece, len(r.data)-r.pos+n)) }

// keep copies text.
func (r *reader) keep(text []byte) string {
	if len(text) > piece/2 {
		return string(text)
	}
	if r.texts.Cap()-r.texts.Len() < len(text) {
		r.texts.Reset()
		r.texts.Grow(r.room(len(text)))
	}
	n := r.texts.Len()
	r.texts.Write(text)
	return r.texts.String()[n:]
}

// share copies text that is likely to come again, and hands out the same copy then.
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

func (r *reader) readString(to *string) {
	if text, ok := r.string(); ok {
		*to = r.keep(text)
	}
}

func (r *reader) readShared(to *string) {
	if text, ok := r.string(); ok {
		*to = r.share(text)
	}
}

// readBinary reads base64; null is nil.
func (r *reader) readBinary(to *[]byte) {
	if r.peek() == 'n' {
		*to = nil
	}
	at := r.pos
	if text, ok := r.string(); ok {
		data, err := r.decode(text)
		if err != nil {
			r.bad(at, err)
			return
		}
		*to = data
	}
}

func (r *reader) decode(text []byte) ([]byte, error) {
	n := base64.StdEncoding.DecodedLen(len(text))
	if n > piece/2 {
		data := make([]byte, n)
		n, err := base64.StdEncoding.Decode(data, text)
		return data[:n], err
	}
	if r.binary == nil || cap(r.binary)-len(r.binary) < n {
		r.binary = make([]byte, 0, r.room(n))
	}
	start := len(r.binary)
	data := r.binary[start : start+n]
	n, err := base64.StdEncoding.Decode(data, text)
	if err != nil {
		return nil, err
	}
	r.binary = r.binary[:start+n]
	return data[:n:n], nil
}

var (
	errInteger = errors.New("number is no integer of 64 bits")
	errFloat   = errors.New("number is too large")
	errTwiceIn = errors.New("list is given twice")
)

func (r *reader) readInt(to *int64) bool {
	at := r.pos
	text, ok := r.number()
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

// A time that is null is the epoch, as events' types have it.

func (r *reader) readSeconds(to *events.SecondsEpochTime) {
	at, seconds := r.pos, 0.0
	null := r.peek() == 'n'
	text, ok := r.number()
	if !ok && !null {
		return
	}
	if ok {
		var err error
		if seconds, err = strconv.ParseFloat(string(text), 64); err != nil {
			r.bad(at, errFloat)
			return
		}
	}
	whole := int64(seconds)
	to.Time = time.Unix(whole, int64((seconds-float64(whole))*1e9))
}

func (r *reader) readMillis(to *events.MilliSecondsEpochTime) {
	var ms int64
	null := r.peek() == 'n'
	if r.readInt(&ms) || null {
		to.Time = time.Unix(ms/1000, ms%1000*1e6)
	}
}

type pair struct{ name, value string }

// stringMap reads an object of strings into a map of its size, or into the one that is there.
func (r *reader) stringMap(to *map[string]string) {
	if r.peek() == 'n' {
		*to = nil
	}
	if !r.open('{') {
		return
	}
	r.pairs = r.pairs[:0]
	for first := true; ; first = false {
		name, ok := r.member(first)
		if !ok {
			break
		}
		p := pair{name: r.share(name)}
		r.readString(&p.value)
		r.pairs = append(r.pairs, p)
	}
	if *to == nil {
		*to = make(map[string]string, len(r.pairs))
	}
	for _, p := range r.pairs {
		(*to)[p.name] = p.value
	}
}

// list reads an array into a slice; null is nil. A list that is given twice is a fault, since
// encoding/json would let the first show through the second.
func list[E any](r *reader, to *[]E, read func(*E)) {
	at := r.pos
	old := *to
	if r.peek() == 'n' {
		*to = nil
	}
	if !r.open('[') {
		return
	}
	if len(old) > 0 {
		r.bad(at, errTwiceIn)
	}
	s := []E{}
	for first := true; r.element(first); first = false {
		s = append(s, *new(E))
		read(&s[len(s)-1])
	}
	*to = s
}
