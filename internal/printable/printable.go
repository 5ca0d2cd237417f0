// Package printable makes text safe to print in a line or a header.
package printable

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Text escapes control characters. The Lambda runtime copies the text of an error
// into a header, and a DEL in it would end the process.
func Text(s string) string {
	if !strings.ContainsFunc(s, control) {
		return s
	}
	var text strings.Builder
	for _, r := range s {
		if control(r) {
			quoted := strconv.QuoteRune(r)
			text.WriteString(quoted[1 : len(quoted)-1])
		} else {
			text.WriteRune(r)
		}
	}
	return text.String()
}

func control(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }

// Clipped is Text of the first n bytes or so.
func Clipped(s string, n int) string {
	if len(s) > n {
		for n > 0 && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n] + "…"
	}
	return Text(s)
}
