package wire

import (
	"math"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Unread is a metadata field that could not be read. It did not make its record Bad.
type Unread struct {
	Field string // path within the record
	Got   string // the value that came first
}

// A service that changes a field changes it in every record. So each field is noted once, and at most maxUnread
// fields are.
const (
	maxUnread = 8
	maxGot    = 40
)

// unread notes a field whose value began at a position and was skipped.
func (r *reader) unread(at int, field string) {
	if r.broken || len(r.unreadFields) > maxUnread {
		return
	}
	field = clip(field, maxPath)
	for _, u := range r.unreadFields {
		if u.Field == field {
			return
		}
	}
	if len(r.unreadFields) == maxUnread {
		r.unreadFields = append(r.unreadFields, Unread{Field: "…", Got: "more"})
		return
	}
	r.unreadFields = append(r.unreadFields, Unread{field, shown(r.data[at:r.pos])})
}

// shown shortens a value to fit into a log line.
func shown(value []byte) string {
	if c := value[0]; c == '{' || c == '[' {
		return kind(c)
	}
	return clip(string(value[:min(len(value), maxGot+1)]), maxGot)
}

// The following methods read metadata into a field. null leaves the field as it is unless stated otherwise. So does a
// value that cannot be read, which is noted under the path of the field.

func (r *reader) metaString(to *string, field string) {
	if text, ok := r.anyText(field); ok {
		*to = r.copyText(text)
	}
}

func (r *reader) metaShared(to *string, field string) {
	if text, ok := r.anyText(field); ok {
		*to = r.share(text)
	}
}

// anyText reads the text of a string, or the literal text of a number or boolean. The text is valid until the next
// string is read.
func (r *reader) anyText(field string) (text []byte, ok bool) {
	switch c := r.peek(); c {
	case '"':
		text = r.text()
		return text, !r.broken
	case '{', '[':
		r.skipUnread(field)
		return nil, false
	case 't', 'f':
		at := r.pos
		r.skip()
		return r.data[at:r.pos], !r.broken
	}
	return r.numberText()
}

// skipUnread skips a value that does not fit the field, and notes that.
func (r *reader) skipUnread(field string) {
	at := r.pos
	r.skip()
	r.unread(at, field)
}

// metaObject reports whether an object follows. It skips any other value.
func (r *reader) metaObject(field string) bool {
	switch r.peek() {
	case '{':
		return true
	case 'n':
		r.literal("null")
	default:
		r.skipUnread(field)
	}
	return false
}

// metaInteger reads an integer in any notation, even in a string.
func (r *reader) metaInteger(to *int64, field string) {
	r.peek()
	at := r.pos
	text, _ := r.anyText(field)
	if len(text) == 0 {
		return
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		f, isNumber := float(text)
		if n = int64(f); !isNumber || math.Abs(f) >= 1<<53 || float64(n) != f {
			r.unread(at, field)
			return
		}
	}
	*to = n
}

// float parses a JSON number. [strconv.ParseFloat] alone would also accept names and other bases.
func float(text []byte) (f float64, ok bool) {
	for _, c := range text {
		if c > '9' && c|0x20 != 'e' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(string(text), 64)
	return f, err == nil
}

// A time is a number since the epoch, even in a string, or a string in RFC 3339. An empty string leaves the field as
// it is. null is the epoch, as in the types of events.

func (r *reader) metaSeconds(to *events.SecondsEpochTime, field string) {
	null := r.peek() == 'n'
	at := r.pos
	text, _ := r.anyText(field)
	switch {
	case null:
		to.Time = time.Unix(0, 0)
	case len(text) > 0:
		if seconds, ok := float(text); ok {
			whole := int64(seconds)
			to.Time = time.Unix(whole, int64((seconds-float64(whole))*1e9))
			return
		}
		r.writtenTime(&to.Time, text, at, field)
	}
}

func (r *reader) metaMillis(to *events.MilliSecondsEpochTime, field string) {
	null := r.peek() == 'n'
	at := r.pos
	text, _ := r.anyText(field)
	switch {
	case null:
		to.Time = time.Unix(0, 0)
	case len(text) > 0:
		if ms, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			to.Time = time.Unix(ms/1000, ms%1000*1e6)
			return
		}
		if ms, ok := float(text); ok && math.Abs(ms) < 1<<63 {
			whole := int64(ms)
			to.Time = time.Unix(whole/1000, whole%1000*1e6+int64((ms-float64(whole))*1e6))
			return
		}
		r.writtenTime(&to.Time, text, at, field)
	}
}

// writtenTime parses a time in RFC 3339, and converts it to the local zone like the other times.
func (r *reader) writtenTime(to *time.Time, text []byte, at int, field string) {
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		r.unread(at, field)
		return
	}
	*to = t.Local()
}
