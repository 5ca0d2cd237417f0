// Package printable makes text, and makes it safe to print on one line of a log or in an HTTP header.
package printable

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text escapes control characters. The Lambda runtime copies the text of an error
// into a header, and a DEL character in it would end the process.
func Text(s string) string {
	if !strings.ContainsFunc(s, isControl) {
		return s
	}
	var text strings.Builder
	for _, r := range s {
		if isControl(r) {
			quoted := strconv.QuoteRune(r)
			text.WriteString(quoted[1 : len(quoted)-1])
		} else {
			text.WriteRune(r)
		}
	}
	return text.String()
}

func isControl(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

// Clipped returns Text of at most the first n bytes, with an ellipsis if s is longer.
// It does not cut a character in two.
func Clipped(s string, n int) string {
	if len(s) > n {
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n] + "…"
	}
	return Text(s)
}
