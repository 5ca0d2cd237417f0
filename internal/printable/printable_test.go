package printable_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/matryer/is"
	"pgregory.net/rapid"

	"github.com/lambdabatch/batch/internal/printable"
)

func TestControlCharactersAreEscaped(t *testing.T) {
	is := is.New(t)
	is.Equal(printable.Text("a\nb\x00c\x7fd\u0085é"), `a\nb\x00c\x7fd\u0085é`)
	is.Equal(printable.Text("plain é 世"), "plain é 世")
}

func TestOnlyControlCharactersAreEscaped(t *testing.T) {
	is := is.New(t)
	is.Equal(printable.Text("it's \\d \" \x7f\ufeff\u202e"), `it's \d " \x7f`+"\ufeff\u202e")
	for _, c := range []struct {
		r       rune
		control bool
	}{{0, true}, {0x1f, true}, {' ', false}, {'~', false}, {0x7f, true}, {0x9f, true}, {0xa0, false}, {0xa1, false}, {'世', false}} {
		is.Equal(printable.Text("\n"+string(c.r)) == `\n`+string(c.r), !c.control)
	}
	plain := strings.Repeat("plain é 世", 10)
	is.Equal(testing.AllocsPerRun(100, func() { printable.Text(plain) }), 0.0)
}

func TestNoTextHasControlCharactersLeft(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 20).Draw(t, "n")
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		for _, out := range []string{printable.Text(s), printable.Clipped(s, n)} {
			if strings.ContainsFunc(out, unicode.IsControl) {
				t.Fatalf("%q has control characters", out)
			}
		}
		if out := printable.Text(printable.Text(s)); out != printable.Text(s) {
			t.Fatalf("escaping %q twice gives %q", s, out)
		}
	})
}

func TestClippedCutsBetweenCharacters(t *testing.T) {
	is := is.New(t)
	is.Equal(printable.Clipped("ééé", 3), "é…")
	is.Equal(printable.Clipped("short", 10), "short")
	is.Equal(printable.Clipped("short", 5), "short")
	is.Equal(printable.Clipped("é", 1), "…")
	is.Equal(printable.Clipped("éé", 0), "…")
}
