package wire

import (
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// FuzzPlain compares strings and numbers that are read without jsontext with what jsontext makes of them.
func FuzzPlain(f *testing.F) {
	for _, seed := range []string{
		`"" `, `"plain"`, `"more than eight bytes",`, `"\"quoted\", \\and \/more\b\f\n\r\t"`, `"\u00e9\ud83d\ude00"`,
		`"\ud800"`, `"é at 8 日本語"`, "\"\xff\"", "\"\xe3\x81", "\"a\x1f\"", `"open`, `"open\`, `"\x"`,
		`0`, `-0.5`, `12]`, `01`, `1.`, `-`, `1e5`, `1.5E-3,`, `12345678901234567890`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &reader{data: data}
		d := newDecoder(data)
		var got []byte
		switch k := d.PeekKind(); {
		case r.peek() == '"':
			got = r.text()
		case k == jsontext.KindNumber:
			got, _ = r.numberText()
		default:
			return
		}
		want, err := d.ReadValue()
		if r.broken != (err != nil) {
			t.Fatalf("broken is %t, jsontext says: %v", r.broken, err)
		}
		if err != nil {
			return
		}
		if want.Kind() == jsontext.KindString {
			want, _ = jsontext.AppendUnquote(nil, want)
		}
		if string(got) != string(want) || r.pos != int(d.InputOffset()) {
			t.Fatalf("%q up to %d, jsontext has %q up to %d", got, r.pos, want, d.InputOffset())
		}
	})
}
