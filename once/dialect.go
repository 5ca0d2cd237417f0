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

// A dialect is how one language's Powertools writes the texts that it makes checksums of. Languages differ in
// all of it, so functions that are to share keys must agree on one.
type dialect struct {
	comma, colon string
	number       func(jsontext.Value) []byte
	quoted       func(string) []byte
	order        func(a, b string) int // of an object's members
	encoded      func([]byte) string   // a checksum
}

var typeScript = dialect{
	comma: ",", colon: ":",
	number:  canonical,
	quoted:  func(s string) []byte { b, _ := jsontext.AppendQuote(nil, s); return b },
	order:   asJavaScript,
	encoded: base64.StdEncoding.EncodeToString,
}

var python = dialect{
	comma: ", ", colon: ": ",
	number:  func(v jsontext.Value) []byte { return v },
	quoted:  ascii,
	order:   strings.Compare,
	encoded: hex.EncodeToString,
}

// digest tells texts apart, and keeps no secret: it is allowed where MD5 is not as cryptography.
func (d dialect) digest(text []byte) (sum string) {
	fips140.WithoutEnforcement(func() {
		md5 := md5.Sum(text)
		sum = d.encoded(md5[:])
	})
	return sum
}

// checksum is that of JSON, equal for values that are equal. What is no JSON is only equal to itself.
func (d dialect) checksum(value []byte) string {
	if !jsontext.Value(value).IsValid() {
		return d.digest(value)
	}
	return d.digest(d.appended(nil, jsontext.NewDecoder(bytes.NewReader(value))))
}

// appended writes the next value of valid JSON.
func (d dialect) appended(b []byte, from *jsontext.Decoder) []byte {
	switch from.PeekKind() {
	case '{':
		return d.appendedObject(b, from)
	case '[':
		return d.appendedArray(b, from)
	case '"':
		text, _ := from.ReadToken()
		return append(b, d.quoted(text.String())...)
	case '0':
		number, _ := from.ReadValue()
		return append(b, d.number(number)...)
	default:
		word, _ := from.ReadValue() // true, false or null
		return append(b, word...)
	}
}

func (d dialect) appendedArray(b []byte, from *jsontext.Decoder) []byte {
	_, _ = from.ReadToken()
	b = append(b, '[')
	for i := 0; from.PeekKind() != ']'; i++ {
		if i > 0 {
			b = append(b, d.comma...)
		}
		b = d.appended(b, from)
	}
	_, _ = from.ReadToken()
	return append(b, ']')
}

func (d dialect) appendedObject(b []byte, from *jsontext.Decoder) []byte {
	type member struct {
		name  string
		value []byte
	}
	var members []member
	_, _ = from.ReadToken()
	for from.PeekKind() != '}' {
		name, _ := from.ReadToken()
		members = append(members, member{name.String(), nil})
		members[len(members)-1].value = d.appended(nil, from)
	}
	_, _ = from.ReadToken()
	slices.SortStableFunc(members, func(x, y member) int { return d.order(x.name, y.name) })
	b = append(b, '{')
	for i, m := range members {
		if i > 0 {
			b = append(b, d.comma...)
		}
		b = append(b, d.quoted(m.name)...)
		b = append(b, d.colon...)
		b = append(b, m.value...)
	}
	return append(b, '}')
}

// canonical is a number as JavaScript writes it.
func canonical(number jsontext.Value) []byte {
	v := slices.Clone(number)
	_ = v.Canonicalize()
	return v
}

// asJavaScript is the order in which Powertools for TypeScript has the members of an object: by their names in lower
// case, after those that are array indices, which JavaScript puts first.
func asJavaScript(a, b string) int {
	i, aIsIndex := index(a)
	j, bIsIndex := index(b)
	switch {
	case aIsIndex && bIsIndex:
		return cmp.Compare(i, j)
	case aIsIndex:
		return -1
	case bIsIndex:
		return 1
	}
	return slices.Compare(units(a), units(b))
}

// units are what JavaScript compares: those of UTF-16.
func units(name string) []uint16 { return utf16.Encode([]rune(strings.ToLower(name))) }

func index(name string) (uint64, bool) {
	i, err := strconv.ParseUint(name, 10, 32)
	return i, err == nil && i < 1<<32-1 && strconv.FormatUint(i, 10) == name
}

// ascii quotes a string as Python does, with an escape for all but the printable characters of ASCII.
func ascii(s string) []byte {
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
