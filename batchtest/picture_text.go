package batchtest

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/samber/lo"
)

// visible makes text fit for XML and for one line by replacing invisible characters.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// clipped cuts out the middle of a text that is wider than most. IDs often differ at their ends.
func clipped(text string, most int) string {
	if widthOf(text) <= most {
		return text
	}
	runes := []rune(text)
	head, tail, room := 0, len(runes), most-1
	for front := true; head < tail; front = !front {
		next := runes[head]
		if !front {
			next = runes[tail-1]
		}
		if room -= runeWidth(next); room < 0 {
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

// widthOf estimates the width of a text in letters of a monospaced font. It is rather too large than
// too small.
func widthOf(text string) int {
	return lo.SumBy([]rune(text), runeWidth)
}

func runeWidth(r rune) int {
	if r >= 0x2e80 { // the East Asian scripts begin here
		return 2
	}
	return 1
}

// rounded returns a duration as text, or nothing if it is less than 10 ms.
func rounded(d time.Duration) string {
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
