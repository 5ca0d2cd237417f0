package kpl

// The format: magic number, protobuf message, MD5 of the message.
// See https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md.

import (
	"bytes"
	"crypto/fips140"
	"crypto/md5" //nolint:gosec // the format's checksum, which protects nothing
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

const magic = "\xF3\x89\x9A\xC2"

// Fields of the message, of a user record, and of a tag.
const (
	partitionKeys protowire.Number = 1
	hashKeys      protowire.Number = 2
	userRecords   protowire.Number = 3

	partitionKeyIndex protowire.Number = 1
	hashKeyIndex      protowire.Number = 2
	userData          protowire.Number = 3
	tags              protowire.Number = 4

	tagKey protowire.Number = 1
)

// The shortest user record has an index and no data, in fields of two bytes each.
const leastUserRecord = 4

// An aggregate is a message whose user records are read one after the other.
type aggregate struct {
	rest          []byte // what has not been read
	partitionKeys []string
	hashKeys      []string
	records       int
}

func isAggregate(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }

// open checks what surrounds the user records of an aggregate, and reads the keys, which may come after them.
func open(data []byte) (aggregate, error) {
	if least := len(magic) + md5.Size; len(data) < least {
		return aggregate{}, broken(noUserRecord, "%d bytes, fewer than the %d of the shortest one", len(data), least)
	}
	end := len(data) - md5.Size
	message := data[len(magic):end:end]
	if checksum(message) != [md5.Size]byte(data[end:]) {
		return aggregate{}, broken(noUserRecord, "the checksum does not match")
	}
	sizes, err := measure(message)
	if err != nil {
		return aggregate{}, err
	}
	if sizes.records == 0 {
		return aggregate{}, broken(noUserRecord, "no user records")
	}
	a := aggregate{rest: message[sizes.users:], records: sizes.records}
	err = a.readKeys(message, sizes) // not in the return, which may copy a before
	return a, err
}

func checksum(message []byte) (sum [md5.Size]byte) {
	fips140.WithoutEnforcement(func() { sum = md5.Sum(message) }) //nolint:gosec // as above
	return sum
}

// sizes say what a message holds. They are counted, since nothing that it claims may decide how much memory it gets.
type sizes struct {
	partitionKeys, hashKeys, records int
	keys                             int // where the last key ends,
	users                            int // and the first user record begins
}

func measure(message []byte) (s sizes, err error) {
	var f field
	for end := 0; end < len(message); {
		n := f.read(message[end:])
		if n < 0 {
			return s, malformed(noUserRecord, n)
		}
		end += n
		if f.kind != protowire.BytesType {
			continue
		}
		switch f.number {
		case partitionKeys:
			s.partitionKeys++
			s.keys = end
		case hashKeys:
			s.hashKeys++
			s.keys = end
		case userRecords:
			if len(f.bytes) < leastUserRecord {
				_, err := readUserRecord(s.records, f.bytes)
				return s, err
			}
			if s.records == 0 {
				s.users = end - n
			}
			s.records++
		}
	}
	return s, nil
}

// readKeys fills the tables. The keys are parts of one copy of what they are in, which takes one allocation.
func (a *aggregate) readKeys(message []byte, s sizes) error {
	table := make([]string, 0, s.partitionKeys+s.hashKeys)
	a.partitionKeys, a.hashKeys = table[:0:s.partitionKeys], table[s.partitionKeys:s.partitionKeys]
	text, end := string(message[:s.keys]), 0
	var f field
	for end < len(text) {
		end += f.read(message[end:])
		if !f.isKey() {
			continue
		}
		key := text[end-len(f.bytes) : end]
		if !utf8.ValidString(key) {
			return broken(noUserRecord, "the key %.40q is not valid UTF-8", key)
		}
		if f.number == partitionKeys {
			a.partitionKeys = append(a.partitionKeys, key)
		} else {
			a.hashKeys = append(a.hashKeys, key)
		}
	}
	return nil
}

func (f *field) isKey() bool {
	return f.kind == protowire.BytesType && (f.number == partitionKeys || f.number == hashKeys)
}

// next reads the user record at position i, which must be the next one. There is one: measure has counted.
func (a *aggregate) next(i int) (UserRecord, error) {
	var f field
	for f.number != userRecords || f.kind != protowire.BytesType {
		a.rest = a.rest[f.read(a.rest):]
	}
	r, err := readUserRecord(i, f.bytes)
	if err != nil {
		return UserRecord{}, err
	}
	u := UserRecord{Data: r.data}
	if r.partitionKey >= uint64(len(a.partitionKeys)) {
		return UserRecord{}, broken(i, "partition key %d of %d", r.partitionKey, len(a.partitionKeys))
	}
	u.PartitionKey = a.partitionKeys[r.partitionKey]
	if r.has&(1<<hashKeyIndex) == 0 {
		return u, nil
	}
	if r.hashKey >= uint64(len(a.hashKeys)) {
		return UserRecord{}, broken(i, "explicit hash key %d of %d", r.hashKey, len(a.hashKeys))
	}
	u.ExplicitHashKey = a.hashKeys[r.hashKey]
	return u, nil
}

// A userRecord is one as it is in the message.
type userRecord struct {
	has                   uint // a bit for each field that is there
	partitionKey, hashKey uint64
	data                  []byte
}

// readUserRecord reads the user record at position i. Of a field that is given twice the last one counts, as it does
// for protobuf.
func readUserRecord(i int, message []byte) (r userRecord, err error) {
	var f field
	for len(message) > 0 {
		n := f.read(message)
		if n < 0 {
			return r, malformed(i, n)
		}
		message = message[n:]
		switch {
		case f.number == partitionKeyIndex && f.kind == protowire.VarintType:
			r.partitionKey = f.varint
		case f.number == hashKeyIndex && f.kind == protowire.VarintType:
			r.hashKey = f.varint
		case f.number == userData && f.kind == protowire.BytesType:
			r.data = f.bytes
		case f.number == tags && f.kind == protowire.BytesType:
			if err := checkTag(i, f.bytes); err != nil {
				return r, err
			}
			continue
		default:
			continue
		}
		r.has |= 1 << f.number
	}
	switch {
	case r.has&(1<<partitionKeyIndex) == 0:
		return r, broken(i, "no partition key")
	case r.has&(1<<userData) == 0:
		return r, broken(i, "no data")
	}
	return r, nil
}

// checkTag reads a tag, of which nothing is used.
func checkTag(i int, message []byte) error {
	var f field
	keyed := false
	for len(message) > 0 {
		n := f.read(message)
		if n < 0 {
			return malformed(i, n)
		}
		message = message[n:]
		keyed = keyed || f.number == tagKey && f.kind == protowire.BytesType
	}
	if !keyed {
		return broken(i, "a tag without a key")
	}
	return nil
}
