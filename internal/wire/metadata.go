package wire

import (
	"math"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Unread is metadata that could not be read. The records were read without it.
type Unread struct {
	Field string // path within the record
	Got   string // what came the first time
}

// A service that changes a field changes it in every record, so each field is noted once, and no more
// than maxUnread of them.
const (
	maxUnread = 8
	maxGot    = 40
)

// unread notes the field whose value begins at a position and has been passed.
func (r *reader) unread(at int, field string) {
	if r.broken || len(r.lost) > maxUnread {
		return
	}
	field = clip(field, maxPath)
	for _, u := range r.lost {
		if u.Field == field {
			return
		}
	}
	if len(r.lost) == maxUnread {
		r.lost = append(r.lost, Unread{Field: "…", Got: "more"})
		return
	}
	r.lost = append(r.lost, Unread{field, shown(r.data[at:r.pos])})
}

// shown is a value as a line of a log has room for it.
func shown(value []byte) string {
	if c := value[0]; c == '{' || c == '[' {
		return kind(c)
	}
	return clip(string(value[:min(len(value), maxGot+1)]), maxGot)
}

// What follows reads metadata into a field. Null leaves the field as it is unless it says otherwise, and so
// does what cannot be read, which is noted under the field's path.

func (r *reader) metaString(to *string, field string) {
	if text, ok := r.anyText(field); ok {
		*to = r.keep(text)
	}
}

func (r *reader) metaShared(to *string, field string) {
	if text, ok := r.anyText(field); ok {
		*to = r.share(text)
	}
}

// anyText reads a string's text; that of a number or boolean is what the payload has. The text is valid
// until the next string is read.
func (r *reader) anyText(field string) (text []byte, ok bool) {
	switch c := r.peek(); c {
	case '"':
		text = r.text()
		return text, !r.broken
	case 'n':
		r.literal("null")
		return nil, false
	case '{', '[':
		r.pass(field)
		return nil, false
	case 't', 'f':
		at := r.pos
		r.skip()
		return r.data[at:r.pos], !r.broken
	}
	if text, ok = r.numberText(); !ok {
		return nil, false
	}
	return text, true
}

// pass skips the value, which is nothing that the field can be.
func (r *reader) pass(field string) {
	at := r.pos
	r.skip()
	r.unread(at, field)
}

// metaObject reports whether an object follows. What else follows is passed.
func (r *reader) metaObject(field string) bool {
	switch r.peek() {
	case '{':
		return true
	case 'n':
		r.literal("null")
	default:
		r.pass(field)
	}
	return false
}

// metaInteger reads an integer in any notation, also in a string.
func (r *reader) metaInteger(to *int64, field string) {
	r.peek()
	at := r.pos
	text, ok := r.anyText(field)
	if !ok || len(text) == 0 {
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

// float reads a number of JSON. [strconv.ParseFloat] would take names and other bases, too.
func float(text []byte) (f float64, ok bool) {
	for _, c := range text {
		if (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c|0x20 != 'e' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(string(text), 64)
	return f, err == nil
}

// A time is a number since the epoch, also in a string, or a text in RFC 3339. An empty string is no time;
// one that is null is the epoch, as events' types have it.

func (r *reader) metaSeconds(to *events.SecondsEpochTime, field string) {
	null := r.peek() == 'n'
	at := r.pos
	text, ok := r.anyText(field)
	switch {
	case null:
		to.Time = time.Unix(0, 0)
	case ok && len(text) > 0:
		if seconds, ok := float(text); ok {
			whole := int64(seconds)
			to.Time = time.Unix(whole, int64((seconds-float64(whole))*1e9))
			return
		}
		r.written(&to.Time, text, at, field)
	}
}

func (r *reader) metaMillis(to *events.MilliSecondsEpochTime, field string) {
	null := r.peek() == 'n'
	at := r.pos
	text, ok := r.anyText(field)
	switch {
	case null:
		to.Time = time.Unix(0, 0)
	case ok && len(text) > 0:
		if ms, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			to.Time = time.Unix(ms/1000, ms%1000*1e6)
			return
		}
		if ms, ok := float(text); ok && math.Abs(ms) < 1<<63 {
			whole := int64(ms)
			to.Time = time.Unix(whole/1000, whole%1000*1e6+int64((ms-float64(whole))*1e6))
			return
		}
		r.written(&to.Time, text, at, field)
	}
}

// written takes a time that is written out, in the zone of the others.
func (r *reader) written(to *time.Time, text []byte, at int, field string) {
	t, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		r.unread(at, field)
		return
	}
	*to = t.Local()
}
