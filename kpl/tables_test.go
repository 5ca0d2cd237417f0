package kpl_test

// Key tables with odd fields between the keys, tables after the user records, and indices outside the tables.

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/lambdabatch/batch/kpl"
	"github.com/matryer/is"
	"google.golang.org/protobuf/encoding/protowire"
)

func TestAKeyOfAnotherTypeIsIgnored(t *testing.T) {
	is := is.New(t)
	other := func(n protowire.Number) []byte {
		return protowire.AppendFixed64(protowire.AppendTag(nil, n, protowire.Fixed64Type), 1)
	}
	want := []kpl.UserRecord{{PartitionKey: "ada", ExplicitHashKey: "42", Data: []byte("x")}}
	got, _, err := kpl.UserRecords(sealed(slices.Concat(bytesField(nil, 9, []byte("no key")), other(1), other(2), message(want...))))
	is.NoErr(err)
	is.Equal(got, want)
}

func TestNoUserRecordOfABrokenAggregateIsReturned(t *testing.T) {
	is := is.New(t)
	user := func(key uint64) []byte { return bytesField(nil, 3, bytesField(varint(nil, 1, key), 3, []byte("x"))) }
	data := sealed(slices.Concat(bytesField(nil, 1, []byte("ada")), user(0), user(1)))
	records, err := kpl.Deaggregate(t.Context(), record("1", data))
	is.True(err != nil)
	is.Equal(len(records), 0)
	users, _, err := kpl.UserRecords(data)
	is.True(err != nil)
	is.Equal(len(users), 0)
}

func TestMemoryIsBoundedWhereTablesComeLast(t *testing.T) {
	user := "\x1a\x04\x08\x00\x1a\x00"
	data := sealed([]byte(strings.Repeat(user, 100_000) + "\x0a\x00"))
	r := record("1", data)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := kpl.Deaggregate(t.Context(), r)
	runtime.ReadMemStats(&after)
	if factor := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(data)); err != nil || factor > 39 {
		t.Fatalf("%.1f times as much, %v", factor, err)
	}
}
