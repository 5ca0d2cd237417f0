package kpl_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch/kpl"
	"github.com/matryer/is"
	"pgregory.net/rapid"
)

// golden was written by hand from the description of the format. The md5sum command computed its checksum.
const golden = `
	f3899ac2
	0a 03 616461           partition key 0: ada
	0a 04 616c616e         partition key 1: alan
	12 02 3432             hash key 0: 42
	1a 07                  user record 0
	   08 01               its partition key: alan
	   1a 03 6f6e65        its data: one
	1a 12                  user record 1
	   08 00               its partition key: ada
	   10 00               its hash key: 42
	   1a 03 74776f        its data: two
	   22 07               a tag
	      0a 01 6b         its key: k
	      12 02 7676       its value: vv
	324a360ecf4085c9b533122bef319379`

func goldenBytes(t *testing.T) []byte {
	t.Helper()
	var digits strings.Builder
	for line := range strings.Lines(strings.TrimSpace(golden)) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "   ")
		digits.WriteString(strings.ReplaceAll(line, " ", ""))
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnAggregateWrittenByHandHasItsUserRecords(t *testing.T) {
	is := is.New(t)
	got, aggregated, err := kpl.UserRecords(goldenBytes(t))
	is.NoErr(err)
	is.True(aggregated)
	is.Equal(got, []kpl.UserRecord{
		{PartitionKey: "alan", Data: []byte("one")},
		{PartitionKey: "ada", ExplicitHashKey: "42", Data: []byte("two")},
	})
}

func TestEachUserRecordIsItsKinesisRecordWithAnotherKeyAndOtherData(t *testing.T) {
	is := is.New(t)
	r := record("1", goldenBytes(t))
	got, err := kpl.Deaggregate(t.Context(), r)
	is.NoErr(err)

	want := []events.KinesisEventRecord{r, r}
	want[0].Kinesis.PartitionKey, want[0].Kinesis.Data = "alan", []byte("one")
	want[1].Kinesis.PartitionKey, want[1].Kinesis.Data = "ada", []byte("two")
	is.Equal(got, want)
}

func TestPackedUserRecordsAreUnpackedUnchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := users.Draw(t, "users")
		data := drawn(t, want)

		got, aggregated, err := kpl.UserRecords(data)
		if err != nil || !aggregated || len(got) != len(want) {
			t.Fatalf("%d of %d user records, %v, %v", len(got), len(want), aggregated, err)
		}
		records, err := kpl.Deaggregate(t.Context(), record("1", data))
		if err != nil || len(records) != len(want) {
			t.Fatalf("%d of %d records, %v", len(records), len(want), err)
		}
		for i, w := range want {
			if !same(got[i], w) {
				t.Fatalf("user record %d is %+v, not %+v", i, got[i], w)
			}
			if k := records[i].Kinesis; k.PartitionKey != w.PartitionKey || !bytes.Equal(k.Data, w.Data) {
				t.Fatalf("record %d is %+v, not %+v", i, k, w)
			}
		}
	})
}

func same(a, b kpl.UserRecord) bool {
	return a.PartitionKey == b.PartitionKey && a.ExplicitHashKey == b.ExplicitHashKey && bytes.Equal(a.Data, b.Data)
}

func TestARecordThatIsNotAggregatedPassesUnchanged(t *testing.T) {
	for name, data := range map[string][]byte{
		"nothing":                    nil,
		"empty":                      {},
		"JSON":                       []byte(`{"id":"o-1"}`),
		"part of the magic number":   []byte(magic[:3]),
		"the magic number elsewhere": []byte("." + magic),
	} {
		t.Run(name, func(t *testing.T) {
			is := is.New(t)
			records, err := kpl.Deaggregate(t.Context(), record("1", data))
			is.NoErr(err)
			is.Equal(records, []events.KinesisEventRecord{record("1", data)})

			users, aggregated, err := kpl.UserRecords(data)
			is.NoErr(err)
			is.True(!aggregated)
			is.Equal(users, []kpl.UserRecord{{Data: data}})
		})
	}
}

func TestAnAppendToDataLeavesTheNextUserRecordAlone(t *testing.T) {
	is := is.New(t)
	data := goldenBytes(t)
	got, err := kpl.Deaggregate(t.Context(), record("1", data))
	is.NoErr(err)
	for _, r := range got {
		_ = append(r.Kinesis.Data, "overwritten"...)
	}
	is.Equal(data, goldenBytes(t))
	is.Equal(string(got[1].Kinesis.Data), "two")
}

func TestTheLastOfARepeatedFieldCounts(t *testing.T) {
	is := is.New(t)
	r := bytesField(varint(bytesField(varint(nil, 1, 7), 3, []byte("first")), 1, 0), 3, []byte("last"))
	got, _, err := kpl.UserRecords(sealed(bytesField(bytesField(nil, 1, []byte("ada")), 3, r)))
	is.NoErr(err)
	is.Equal(got, []kpl.UserRecord{{PartitionKey: "ada", Data: []byte("last")}})
}

func TestDeaggregateIsAPlainFunction(t *testing.T) {
	var _ func(context.Context, events.KinesisEventRecord) ([]events.KinesisEventRecord, error) = kpl.Deaggregate
	f := kpl.Deaggregate
	if reflect.TypeOf(f).NumIn() != 2 {
		t.Fatal("another function")
	}
}

// User records without data grow most.
func TestMemoryIsBoundedByTheBytesOfAnAggregate(t *testing.T) {
	empty := aggregate(make([]kpl.UserRecord, 100_000)...)
	const unfinished = "\x1a\x00"
	broken := sealed([]byte(strings.Repeat(unfinished, 100_000)))
	for name, c := range map[string]struct {
		data []byte
		most float64
	}{"empty user records": {empty, 38}, "no user records": {broken, 1}} {
		t.Run(name, func(t *testing.T) {
			r := record("1", c.data)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _ = kpl.Deaggregate(t.Context(), r)
			runtime.ReadMemStats(&after)
			taken := after.TotalAlloc - before.TotalAlloc
			if factor := float64(taken) / float64(len(c.data)); factor > c.most {
				t.Fatalf("%d bytes take %d: %.1f times as much", len(c.data), taken, factor)
			}
		})
	}
}

func TestAnAggregateTakesThreeAllocations(t *testing.T) {
	users := realistic(1000)
	users[7].ExplicitHashKey = "42"
	r := record("1", aggregate(users...))
	if n := testing.AllocsPerRun(10, func() { _, _ = kpl.Deaggregate(t.Context(), r) }); n > 3 {
		t.Fatalf("%v allocations", n)
	}
}

// The checksum is not cryptography, so a program in FIPS 140-3 only mode may compute it.
func TestAggregatesAreReadWhereMD5IsForbidden(t *testing.T) {
	program := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEachUserRecordIsItsKinesisRecord")
	program.Env = append(os.Environ(), "GODEBUG=fips140=only")
	if out, err := program.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
