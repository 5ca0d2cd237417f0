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
