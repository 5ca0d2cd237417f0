package batchtest

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// visible makes text fit for XML and for one line: what cannot be seen is replaced.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// clipped leaves out the middle of a text that takes more room than so many letters:
// IDs often differ at their ends.
func clipped(text string, most int) string {
	if letters(text) <= most {
		return text
	}
	runes := []rune(text)
	head, tail, room := 0, len(runes), most-1
	for front := true; head < tail; front = !front {
		next := runes[head]
		if !front {
			next = runes[tail-1]
		}
		if room -= breadth(next); room < 0 {
			break
		}
		if front {
			head++
		} else {
			tail--
		}
	}
	return string(runes[:head]) + gap + string(runes[tail:])
}

// letters is how many letters of a font of one width a text takes, or somewhat more.
func letters(text string) int {
	n := 0
	for _, r := range text {
		n += breadth(r)
	}
	return n
}

func breadth(r rune) int {
	if r >= 0x2e80 { // where the scripts of East Asia begin
		return 2
	}
	return 1
}

// lasted is a duration, empty if it is about none.
func lasted(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return ""
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

// withCommas writes 9988 as 9,988.
func withCommas(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
