package kpl

import "google.golang.org/protobuf/encoding/protowire"

// A field is a field of a protobuf message.
type field struct {
	number   protowire.Number
	wireType protowire.Type
	varint   uint64 // the value, if wireType is VarintType
	bytes    []byte // the value, if wireType is BytesType; clipped
}

// is reports whether the field has this number and type. As in protobuf, a known number with another type makes
// the field unknown.
func (f *field) is(number protowire.Number, wireType protowire.Type) bool {
	return f.number == number && f.wireType == wireType
}

// numberTooLarge is not one of protowire's error codes, but protowire.ParseError accepts any negative number.
const numberTooLarge = -1000

// read reads the first field of message and returns its length, or a negative error code for
// protowire.ParseError.
func (f *field) read(message []byte) int {
	if n := f.readShort(message); n > 0 {
		return n
	}
	number, wireType, n := protowire.ConsumeTag(message)
	if n < 0 {
		return n
	}
	if number > protowire.MaxValidNumber {
		return numberTooLarge
	}
	f.number, f.wireType = number, wireType
	value := message[n:]
	var m int
	switch wireType {
	case protowire.VarintType:
		f.varint, m = protowire.ConsumeVarint(value)
	case protowire.BytesType:
		f.bytes, m = protowire.ConsumeBytes(value)
		f.bytes = f.bytes[:len(f.bytes):len(f.bytes)]
	default:
		m = protowire.ConsumeFieldValue(number, wireType, value)
	}
	if m < 0 {
		return m
	}
	return n + m
}

// readShort is a fast path. It reads a field whose tag is one byte long and is followed by one byte of value or
// length, as in nearly all fields. For any other field it returns 0.
func (f *field) readShort(message []byte) int {
	if len(message) < 2 || message[0] < 1<<3 || message[0] >= 0x80 || message[1] >= 0x80 {
		return 0
	}
	switch wireType := protowire.Type(message[0] & 7); wireType {
	case protowire.VarintType:
		f.number, f.wireType, f.varint = protowire.Number(message[0]>>3), wireType, uint64(message[1])
		return 2
	case protowire.BytesType:
		end := 2 + int(message[1])
		if end > len(message) {
			return 0
		}
		f.number, f.wireType, f.bytes = protowire.Number(message[0]>>3), wireType, message[2:end:end]
		return end
	}
	return 0
}
