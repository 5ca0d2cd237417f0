package kpl

import "google.golang.org/protobuf/encoding/protowire"

// A field is one of a protobuf message. One with a number that we know and another type is unknown, as it is for
// protobuf.
type field struct {
	number protowire.Number
	kind   protowire.Type
	varint uint64 // the value, if kind is VarintType
	bytes  []byte // the value, if kind is BytesType; clipped
}

// impossible is a code that protowire does not use. Its ParseError takes any.
const impossible = -1000

// read reads the first field of message and returns its length, or protowire's negative code.
func (f *field) read(message []byte) int {
	if n := f.readShort(message); n > 0 {
		return n
	}
	number, kind, n := protowire.ConsumeTag(message)
	if n < 0 {
		return n
	}
	if number > protowire.MaxValidNumber {
		return impossible
	}
	f.number, f.kind = number, kind
	value := message[n:]
	var m int
	switch kind {
	case protowire.VarintType:
		f.varint, m = protowire.ConsumeVarint(value)
	case protowire.BytesType:
		f.bytes, m = protowire.ConsumeBytes(value)
		f.bytes = f.bytes[:len(f.bytes):len(f.bytes)]
	default:
		m = protowire.ConsumeFieldValue(number, kind, value)
	}
	if m < 0 {
		return m
	}
	return n + m
}

// readShort reads a field whose tag, and whose number or length, are one byte each, as nearly all of them are. It returns 0
// if the first one is another.
func (f *field) readShort(message []byte) int {
	if len(message) < 2 || message[0] < 1<<3 || message[0] >= 0x80 || message[1] >= 0x80 {
		return 0
	}
	switch kind := protowire.Type(message[0] & 7); kind {
	case protowire.VarintType:
		f.number, f.kind, f.varint = protowire.Number(message[0]>>3), kind, uint64(message[1])
		return 2
	case protowire.BytesType:
		end := 2 + int(message[1])
		if end > len(message) {
			return 0
		}
		f.number, f.kind, f.bytes = protowire.Number(message[0]>>3), kind, message[2:end:end]
		return end
	}
	return 0
}
