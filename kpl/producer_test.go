package kpl_test

// A producer for tests. It makes every aggregate except the golden one.

import (
	"crypto/md5" //nolint:gosec // the format's checksum
	"slices"

	"github.com/aws/aws-lambda-go/events"
	"github.com/lambdabatch/batch/kpl"
	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"
)

const magic = "\xF3\x89\x9A\xC2"

// sealed puts the magic number before a message and the checksum after it.
func sealed(message []byte) []byte {
	sum := md5.Sum(message) //nolint:gosec // the format's checksum
	return slices.Concat([]byte(magic), message, sum[:])
}

// aggregate packs users as the KPL does, with each key only once in its table.
func aggregate(users ...kpl.UserRecord) []byte { return sealed(message(users...)) }

func message(users ...kpl.UserRecord) []byte {
	t := tables{shared: true}
	records := t.records(users, nil)
	return slices.Concat(t.fields(), records)
}

// tables are the key tables of an aggregate. Unless shared, a key is added again each time it is used, which
// the format allows.
type tables struct {
	shared       bool
	keys, hashes []string
}

func (t *tables) index(table *[]string, key string) uint64 {
	if at := slices.Index(*table, key); t.shared && at >= 0 {
		return uint64(at)
	}
	*table = append(*table, key)
	return uint64(len(*table) - 1)
}

func (t *tables) fields() (b []byte) {
	for _, key := range t.keys {
		b = protowire.AppendString(protowire.AppendTag(b, 1, protowire.BytesType), key)
	}
	for _, key := range t.hashes {
		b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), key)
	}
	return b
}

// records encodes the user records. Before and after each field it adds what noise returns, unless noise is
// nil.
func (t *tables) records(users []kpl.UserRecord, noise func() []byte) (b []byte) {
	if noise == nil {
		noise = func() []byte { return nil }
	}
	for _, u := range users {
		r := varint(noise(), 1, t.index(&t.keys, u.PartitionKey))
		if u.ExplicitHashKey != "" {
			r = varint(append(r, noise()...), 2, t.index(&t.hashes, u.ExplicitHashKey))
		}
		r = bytesField(append(r, noise()...), 3, u.Data)
		b = append(bytesField(b, 3, append(r, noise()...)), noise()...)
	}
	return b
}

func varint(b []byte, number protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), v)
}

func bytesField(b []byte, number protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), v)
}

// tag is field 4 of a user record. At the top level of a message, field 4 is unknown.
func tag(key string) []byte { return bytesField(nil, 4, bytesField(nil, 1, []byte(key))) }

// unknown are fields that a reader must skip wherever they occur.
var unknown = [][]byte{
	nil, nil, nil,
	tag("tag"),
	varint(nil, 9, 1<<60),
	bytesField(nil, 10, []byte("unknown")),
	protowire.AppendFixed32(protowire.AppendTag(nil, 11, protowire.Fixed32Type), 1),
	protowire.AppendFixed64(protowire.AppendTag(nil, 12, protowire.Fixed64Type), 1),
	slices.Concat(protowire.AppendTag(nil, 13, protowire.StartGroupType), tag("in a group"),
		protowire.AppendTag(nil, 13, protowire.EndGroupType)),
	protowire.AppendFixed32(protowire.AppendTag(nil, 3, protowire.Fixed32Type), 1), // a known number with another type
}

var (
	keys  = rapid.OneOf(rapid.SampledFrom([]string{"ada", "alan", "grace"}), rapid.StringN(1, 8, 256))
	users = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) kpl.UserRecord {
		return kpl.UserRecord{
			PartitionKey:    keys.Draw(t, "key"),
			ExplicitHashKey: rapid.SampledFrom([]string{"", "", "0", "170141183460469231731687303715884105728"}).Draw(t, "hash"),
			Data:            rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "data"),
		}
	}), 1, 8)
)

// drawn packs users in one of the ways the format allows.
func drawn(t *rapid.T, users []kpl.UserRecord) []byte {
	noise := func() []byte { return slices.Clone(rapid.SampledFrom(unknown).Draw(t, "unknown")) }
	tables := tables{shared: rapid.Bool().Draw(t, "shared")}
	records := tables.records(users, noise)
	if rapid.Bool().Draw(t, "tables last") {
		return sealed(slices.Concat(noise(), records, tables.fields()))
	}
	return sealed(slices.Concat(noise(), tables.fields(), records))
}

// record returns a record as the service delivers it.
func record(sequenceNumber string, data []byte) events.KinesisEventRecord {
	return events.KinesisEventRecord{
		EventID:        "shardId-000000000000:" + sequenceNumber,
		EventSource:    "aws:kinesis",
		EventSourceArn: "arn:aws:kinesis:eu-west-1:123456789012:stream/orders",
		Kinesis:        events.KinesisRecord{SequenceNumber: sequenceNumber, PartitionKey: "a", Data: data},
	}
}
