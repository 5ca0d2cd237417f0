package wire

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// A payload consists mostly of strings, so they are scanned eight bytes at a time. Strings with a \u escape or
// invalid UTF-8 are rare and left to jsontext.

const ones = 0x01_01_01_01_01_01_01_01

// special finds the first byte of x that is not ASCII or that a JSON string cannot contain literally. It sets the top
// bit of that byte, and maybe of bytes after it. The first byte of x is the lowest.
func special(x uint64) uint64 {
	quote, slash := x^ones*'"', x^ones*'\\'
	return (x | (x - ones*' ') | (quote - ones) | (slash - ones)) & (ones << 7)
}

// text reads the string that begins at pos. The text is valid until the next call.
func (r *reader) text() []byte {
	data, start := r.data, r.pos+1
	i := start
	for len(data)-i >= 8 {
		m := special(binary.LittleEndian.Uint64(data[i:]))
		if m == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(m) / 8
		if data[i] != '"' {
			break
		}
		r.pos = i + 1
		return data[start:i]
	}
	return r.escaped(start, i)
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escaped reads the string that begins at start and needs no unescaping before i.
func (r *reader) escaped(start, i int) []byte {
	if r.scratch == nil {
		r.scratch = r.scratchRoom[:0]
	}
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
		case c < utf8.RuneSelf:
			out = append(out, c)
			i++
		default:
			from := i
			for i < len(data) && data[i] >= utf8.RuneSelf {
				i++
			}
			out = append(out, data[from:i]...)
			ascii = false
		}
		for len(data)-i >= 8 {
			x := binary.LittleEndian.Uint64(data[i:])
			out = binary.LittleEndian.AppendUint64(out, x)
			if m := special(x); m != 0 {
				n := bits.TrailingZeros64(m) / 8
				out = out[:len(out)-8+n]
				i += n
				break
			}
			i += 8
		}
	}
	r.stop()
	return nil
}

// plainNumber reads the number that begins at pos. It returns nil if the number has an exponent or is invalid.
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

// digits returns the end of the digits that begin at i.
func digits(data []byte, i int) int {
	for i < len(data) && '0' <= data[i] && data[i] <= '9' {
		i++
	}
	return i
}
