package once

import (
	"bytes"
	"cmp"
	"crypto/fips140"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"
)

// A dialect is the form of JSON over which one language's Powertools computes checksums. Languages differ in
// all these details, so functions that share keys must use the same dialect.
type dialect struct {
	comma, colon   string
	formatNumber   func(jsontext.Value) []byte
	quote          func(string) []byte
	compareNames   func(a, b string) int // the order of an object's members
	encodeChecksum func([]byte) string
}

var typeScript = dialect{
	comma: ",", colon: ":",
	formatNumber:   javaScriptNumber,
	quote:          func(s string) []byte { b, _ := jsontext.AppendQuote(nil, s); return b },
	compareNames:   compareAsJavaScript,
	encodeChecksum: base64.StdEncoding.EncodeToString,
}

var python = dialect{
	comma: ", ", colon: ": ",
	formatNumber:   func(v jsontext.Value) []byte { return v },
	quote:          quoteAsPython,
	compareNames:   strings.Compare,
	encodeChecksum: hex.EncodeToString,
}

// digest only tells texts apart and keeps no secret. So it is allowed even where FIPS 140 forbids MD5.
func (d dialect) digest(text []byte) (sum string) {
	fips140.WithoutEnforcement(func() {
		md5 := md5.Sum(text)
		sum = d.encodeChecksum(md5[:])
	})
	return sum
}

// checksum is the same for the same JSON, however its white space and strings are written and its members are ordered
// (except that the order of names that differ only in case counts in TypeScript). Different values have different
// checksums. Invalid JSON is only equal to itself.
func (d dialect) checksum(value []byte) string {
	if !jsontext.Value(value).IsValid() {
		return d.digest(value)
	}
	return d.digest(d.appendValue(nil, jsontext.NewDecoder(bytes.NewReader(value))))
}

// appendValue appends the next value of valid JSON.
func (d dialect) appendValue(b []byte, from *jsontext.Decoder) []byte {
	switch from.PeekKind() {
	case '{':
		return d.appendObject(b, from)
	case '[':
		return d.appendArray(b, from)
	case '"':
		text, _ := from.ReadToken()
		return append(b, d.quote(text.String())...)
	case '0':
		number, _ := from.ReadValue()
		return append(b, d.formatNumber(number)...)
	default:
		word, _ := from.ReadValue() // true, false or null
		return append(b, word...)
	}
}

func (d dialect) appendArray(b []byte, from *jsontext.Decoder) []byte {
	_, _ = from.ReadToken()
	b = append(b, '[')
	for i := 0; from.PeekKind() != ']'; i++ {
		if i > 0 {
			b = append(b, d.comma...)
		}
		b = d.appendValue(b, from)
	}
	_, _ = from.ReadToken()
	return append(b, ']')
}

func (d dialect) appendObject(b []byte, from *jsontext.Decoder) []byte {
	type member struct {
		name  string
		value []byte
	}
	var members []member
	_, _ = from.ReadToken()
	for from.PeekKind() != '}' {
		name, _ := from.ReadToken()
		members = append(members, member{name.String(), nil})
		members[len(members)-1].value = d.appendValue(nil, from)
	}
	_, _ = from.ReadToken()
	slices.SortStableFunc(members, func(x, y member) int { return d.compareNames(x.name, y.name) })
	b = append(b, '{')
	for i, m := range members {
		if i > 0 {
			b = append(b, d.comma...)
		}
		b = append(b, d.quote(m.name)...)
		b = append(b, d.colon...)
		b = append(b, m.value...)
	}
	return append(b, '}')
}

// compareAsJavaScript orders an object's members as Powertools for TypeScript does. Names that are array
// indices come first, as always in JavaScript. The others are sorted by their lower-case form.
func compareAsJavaScript(a, b string) int {
	i, aIsIndex := arrayIndex(a)
	j, bIsIndex := arrayIndex(b)
	switch {
	case aIsIndex && bIsIndex:
		return cmp.Compare(i, j)
	case aIsIndex:
		return -1
	case bIsIndex:
		return 1
	}
	return slices.Compare(lowerUTF16(a), lowerUTF16(b))
}

// lowerUTF16 returns the name's lower-case form in UTF-16, because JavaScript compares UTF-16 code units.
func lowerUTF16(name string) []uint16 { return utf16.Encode([]rune(strings.ToLower(name))) }

func arrayIndex(name string) (uint64, bool) {
	i, err := strconv.ParseUint(name, 10, 32)
	return i, err == nil && i < 1<<32-1 && strconv.FormatUint(i, 10) == name
}

// quoteAsPython quotes a string as Python does, and escapes everything except printable ASCII.
func quoteAsPython(s string) []byte {
	b := []byte{'"'}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case ' ' <= r && r <= '~':
			b = append(b, byte(r))
		case strings.ContainsRune("\b\f\n\r\t", r):
			b = append(b, '\\', "btn_fr"[r-'\b'])
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				b = fmt.Appendf(b, `\u%04x`, unit)
			}
		}
	}
	return append(b, '"')
}
