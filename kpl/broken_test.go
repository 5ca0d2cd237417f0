package kpl_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/lambdabatch/batch"
	"github.com/lambdabatch/batch/kpl"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

func TestTheErrorOfABrokenAggregateSaysWhatIsWrong(t *testing.T) {
	key := bytesField(nil, 1, []byte("ada"))
	user := func(fields []byte) []byte { return sealed(bytesField(slices.Clone(key), 3, fields)) }
	index, data := varint(nil, 1, 0), bytesField(nil, 3, []byte("x"))
	long := "\xff" + strings.Repeat("\x7f", 1000)
	for _, c := range []struct {
		name string
		data []byte
		text string
	}{
		{"too short", []byte(magic + "0123456789abcde"), "19 bytes, fewer than the 20 of the shortest one"},
		{"checksum", append(aggregate(kpl.UserRecord{}), 0), "the checksum does not match"},
		{"no user records", sealed(nil), "no user records"},
		{"keys only", sealed(key), "no user records"},
		{"a cut message", sealed([]byte("\x0a\x7f")), "not a protobuf message: unexpected EOF"},
		{"a field number of zero", sealed([]byte{0, 0}), "not a protobuf message: invalid field number"},
		{"a field number too large", sealed(varint(nil, 1<<29, 0)), "not a protobuf message: parse error"},
		{"a reserved type", sealed([]byte{0x0e}), "not a protobuf message: cannot parse reserved wire type"},
		{"the end of a group that never began", sealed([]byte{0x0c}), "not a protobuf message: mismatching end group marker"},
		{"a long varint", sealed([]byte("\x48" + strings.Repeat("\xff", 10) + "\x01")),
			"not a protobuf message: variable length integer overflow"},
		{"key not UTF-8", sealed(slices.Concat(bytesField(nil, 1, []byte(long)), bytesField(nil, 3, append(index, data...)))),
			`the key "\xff` + strings.Repeat(`\x7f`, 39) + `" is not valid UTF-8`},
		{"hash key not UTF-8", sealed(slices.Concat(bytesField(nil, 2, []byte("\xff")), key, bytesField(nil, 3, append(index, data...)))),
			`the key "\xff" is not valid UTF-8`},
		{"an empty user record", user(nil), "user record 0: no partition key"},
		{"no index", user(bytesField(nil, 3, []byte("xxxx"))), "user record 0: no partition key"},
		{"no data", user(varint(slices.Clone(index), 9, 0)), "user record 0: no data"},
		{"data of another type", user(varint(slices.Clone(index), 3, 0)), "user record 0: no data"},
		{"an index after the last key", user(append(varint(nil, 1, 1), data...)), "user record 0: partition key 1 of 1"},
		{"a huge index", user(append(varint(nil, 1, 1<<63), data...)), "user record 0: partition key 9223372036854775808 of 1"},
		{"no hash keys", user(slices.Concat(index, varint(nil, 2, 0), data)), "user record 0: explicit hash key 0 of 0"},
		{"a cut user record", user(slices.Concat(index, data, []byte{0x22, 9})), "user record 0: not a protobuf message: unexpected EOF"},
		{"a cut tag", user(slices.Concat(index, data, []byte{0x22, 1, 0x0a})), "user record 0: not a protobuf message: unexpected EOF"},
		{"a tag without a key", user(slices.Concat(index, data, []byte{0x22, 0})), "user record 0: a tag without a key"},
		{"the second one", sealed(slices.Concat(key, bytesField(nil, 3, append(index, data...)), bytesField(nil, 3, index))),
			"user record 1: no data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			is := is.New(t)
			users, aggregated, err := kpl.UserRecords(c.data)
			is.True(aggregated)
			is.Equal(len(users), 0)
			wrong, ok := errors.AsType[*kpl.AggregateError](err)
			is.True(ok)
			is.Equal(err.Error(), "KPL aggregate: "+c.text)
			is.Equal(wrong.UserRecord >= 0, strings.HasPrefix(c.text, "user record"))
			is.Equal(errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(c.text, "EOF"))

			records, err := kpl.Deaggregate(t.Context(), record("4959", c.data))
			is.Equal(len(records), 0)
			poison, ok := errors.AsType[*batch.DecodeError](err)
			is.True(ok)
			is.Equal(*poison, batch.DecodeError{ID: "4959", Field: "kinesis.data", Err: wrong})
			is.Equal(err.Error(), "kinesis.data: KPL aggregate: "+c.text)
		})
	}
}

func TestNoCorruptionMakesOtherUserRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := drawn(t, users.Draw(t, "users"))
		at := rapid.IntRange(0, len(data)-1).Draw(t, "at")
		switch rapid.SampledFrom([]string{"flip", "cut", "insert", "leave out"}).Draw(t, "corruption") {
		case "flip":
			data[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		case "cut":
			data = data[:at]
		case "insert":
			data = slices.Insert(data, at, rapid.Byte().Draw(t, "byte"))
		case "leave out":
			data = slices.Delete(data, at, at+1)
		}
		got, aggregated, err := kpl.UserRecords(data)
		if aggregated != bytes.HasPrefix(data, []byte(magic)) {
			t.Fatalf("aggregated: %v", aggregated)
		}
		if aggregated && (err == nil || got != nil) {
			t.Fatalf("%d user records, %v", len(got), err)
		}
		if !aggregated && (err != nil || len(got) != 1 || !same(got[0], kpl.UserRecord{Data: data})) {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}
