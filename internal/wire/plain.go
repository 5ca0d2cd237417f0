package wire

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Strings are most of a payload, so they are read eight bytes at a time here. What is unusual in
// one, a \u escape or invalid UTF-8, sends it to jsontext.

const (
	ones   = 0x01_01_01_01_01_01_01_01
	blanks = 0x20_20_20_20_20_20_20_00 // around a single byte
)

// special returns the number of bytes in front of the first in x that a JSON string cannot hold as it
// is or that is not ASCII; 8 if there is none. The first byte is x's lowest.
func special(x uint64) int {
	quote, slash := x^ones*'"', x^ones*'\\'
	// Subtracting sets the top bit of a byte that is too small, and in the bytes above at most.
	return bits.TrailingZeros64((x|(x-ones*' ')|(quote-ones)|(slash-ones))&(ones<<7)) / 8
}

// run returns the length of the plain text that data begins with.
func run(data []byte) int {
	i := 0
	for ; len(data)-i >= 8; i += 8 {
		if n := special(binary.LittleEndian.Uint64(data[i:])); n < 8 {
			return i + n
		}
	}
	for i < len(data) && special(uint64(data[i])|blanks) > 0 {
		i++
	}
	return i
}

// text reads the string that begins at pos. What it returns is valid until the next call.
func (r *reader) text() []byte {
	start := r.pos + 1
	end := start + run(r.data[start:])
	if end < len(r.data) && r.data[end] == '"' {
		r.pos = end + 1
		return r.data[start:end]
	}
	return r.escaped(start, end)
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escaped reads the string that begins at start and is plain up to i.
func (r *reader) escaped(start, i int) []byte {
	data, out := r.data, append(r.scratch[:0], r.data[start:i]...)
	ascii := true
	for i < len(data) {
		switch c := data[i]; {
		case c == '"':
			r.scratch = out
			if !ascii && !utf8.Valid(out) {
				return r.unquote()
			}
			r.pos = i + 1
			return out
		case c == '\\':
			if i+1 == len(data) || escapes[data[i+1]] == 0 {
				return r.unquote()
			}
			out = append(out, escapes[data[i+1]])
			i += 2
		case c < ' ':
			r.stop()
			return nil
		case c >= utf8.RuneSelf:
			ascii = false
			out = append(out, c)
			i++
		}
		out, i = plain(out, data, i)
	}
	r.stop()
	return nil
}

// plain appends the plain text that stands in data at i, and returns where it ends.
func plain(out, data []byte, i int) ([]byte, int) {
	for len(data)-i >= 8 {
		x := binary.LittleEndian.Uint64(data[i:])
		n := special(x)
		out = binary.LittleEndian.AppendUint64(out, x)
		i += n
		if n < 8 {
			return out[:len(out)-8+n], i
		}
	}
	n := run(data[i:])
	return append(out, data[i:i+n]...), i + n
}

// plainNumber reads the number that begins at pos if it has no exponent.
func (r *reader) plainNumber() []byte {
	start := r.pos
	i := start
	if r.data[i] == '-' {
		i++
	}
	end := digits(r.data, i)
	if end == i || end > i+1 && r.data[i] == '0' {
		return nil
	}
	if end < len(r.data) && r.data[end] == '.' {
		i = end + 1
		if end = digits(r.data, i); end == i {
			return nil
		}
	}
	if end < len(r.data) && r.data[end]|0x20 == 'e' {
		return nil
	}
	r.pos = end
	return r.data[start:end]
}

// digits returns where the digits end that begin at i.
func digits(data []byte, i int) int {
	for i < len(data) && '0' <= data[i] && data[i] <= '9' {
		i++
	}
	return i
}
