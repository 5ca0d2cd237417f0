package kpl

// An aggregate is a magic number, a protobuf message and the MD5 checksum of the message. The format is
// described at https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md.

import (
	"bytes"
	"crypto/fips140"
	"crypto/md5" //nolint:gosec // the format's checksum, which protects nothing
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

const magic = "\xF3\x89\x9A\xC2"

// Field numbers: of the message, of a user record in it, and of a tag in a user record.
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

// minUserRecordSize is that of a user record with a partition key index and empty data. Each field takes two
// bytes.
const minUserRecordSize = 4

// An aggregate reads the user records of a message one after the other.
type aggregate struct {
	rest          []byte // the part of the message not yet read
	partitionKeys []string
	hashKeys      []string
	count         int // of user records
}

func isAggregate(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }

// open verifies the checksum, counts the user records and reads the keys, which may come after the user
// records.
func open(data []byte) (aggregate, error) {
	if least := len(magic) + md5.Size; len(data) < least {
		return aggregate{}, broken(wholeAggregate, "%d bytes, fewer than the %d of the shortest one", len(data), least)
	}
	end := len(data) - md5.Size
	message := data[len(magic):end:end]
	if checksum(message) != [md5.Size]byte(data[end:]) {
		return aggregate{}, broken(wholeAggregate, "the checksum does not match")
	}
	found, err := scan(message)
	if err != nil {
		return aggregate{}, err
	}
	if found.userRecords == 0 {
		return aggregate{}, broken(wholeAggregate, "no user records")
	}
	a := aggregate{rest: message[found.firstUserRecord:], count: found.userRecords}
	err = a.readKeys(message, found) // before the return statement, which may copy a before it calls a function
	return a, err
}

func checksum(message []byte) (sum [md5.Size]byte) {
	fips140.WithoutEnforcement(func() { sum = md5.Sum(message) }) //nolint:gosec // as above
	return sum
}

// contents are counted before anything is allocated, so that a message cannot claim more memory than its bytes
// justify.
type contents struct {
	partitionKeys, hashKeys, userRecords int
	endOfKeys                            int // offset after the last key
	firstUserRecord                      int // offset
}

func scan(message []byte) (found contents, err error) {
	var f field
	for end := 0; end < len(message); {
		n := f.read(message[end:])
		if n < 0 {
			return found, malformed(wholeAggregate, n)
		}
		end += n
		switch {
		case f.is(partitionKeys, protowire.BytesType):
			found.partitionKeys++
			found.endOfKeys = end
		case f.is(hashKeys, protowire.BytesType):
			found.hashKeys++
			found.endOfKeys = end
		case f.is(userRecords, protowire.BytesType):
			if len(f.bytes) < minUserRecordSize {
				_, err := readUserRecord(found.userRecords, f.bytes) // fails
				return found, err
			}
			if found.userRecords == 0 {
				found.firstUserRecord = end - n
			}
			found.userRecords++
		}
	}
	return found, nil
}

// readKeys fills the key tables. One string holds everything up to the last key, and each key is a substring of
// it. That saves an allocation per key.
func (a *aggregate) readKeys(message []byte, found contents) error {
	table := make([]string, 0, found.partitionKeys+found.hashKeys)
	a.partitionKeys, a.hashKeys = table[:0:found.partitionKeys], table[found.partitionKeys:found.partitionKeys]
	text, end := string(message[:found.endOfKeys]), 0
	var f field
	for end < len(text) {
		end += f.read(message[end:])
		isPartitionKey, isHashKey := f.is(partitionKeys, protowire.BytesType), f.is(hashKeys, protowire.BytesType)
		if !isPartitionKey && !isHashKey {
			continue
		}
		key := text[end-len(f.bytes) : end]
		if !utf8.ValidString(key) {
			return broken(wholeAggregate, "the key %.40q is not valid UTF-8", key)
		}
		if isPartitionKey {
			a.partitionKeys = append(a.partitionKeys, key)
		} else {
			a.hashKeys = append(a.hashKeys, key)
		}
	}
	return nil
}

// next reads the next user record, whose position is i. It must not be called more than a.count times.
func (a *aggregate) next(i int) (UserRecord, error) {
	var f field
	for !f.is(userRecords, protowire.BytesType) {
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
	if !r.has(hashKeyIndex) {
		return u, nil
	}
	if r.hashKey >= uint64(len(a.hashKeys)) {
		return UserRecord{}, broken(i, "explicit hash key %d of %d", r.hashKey, len(a.hashKeys))
	}
	u.ExplicitHashKey = a.hashKeys[r.hashKey]
	return u, nil
}

// A packedUserRecord has indices into the key tables instead of keys.
type packedUserRecord struct {
	present               uint // one bit per field number
	partitionKey, hashKey uint64
	data                  []byte
}

func (r *packedUserRecord) has(number protowire.Number) bool { return r.present&(1<<number) != 0 }

// readUserRecord reads the user record at position i. If a field occurs twice, the last value counts, as in
// protobuf.
func readUserRecord(i int, message []byte) (r packedUserRecord, err error) {
	var f field
	for len(message) > 0 {
		n := f.read(message)
		if n < 0 {
			return r, malformed(i, n)
		}
		message = message[n:]
		switch {
		case f.is(partitionKeyIndex, protowire.VarintType):
			r.partitionKey = f.varint
		case f.is(hashKeyIndex, protowire.VarintType):
			r.hashKey = f.varint
		case f.is(userData, protowire.BytesType):
			r.data = f.bytes
		case f.is(tags, protowire.BytesType):
			if err := checkTag(i, f.bytes); err != nil {
				return r, err
			}
			continue
		default:
			continue
		}
		r.present |= 1 << f.number
	}
	switch {
	case !r.has(partitionKeyIndex):
		return r, broken(i, "no partition key")
	case !r.has(userData):
		return r, broken(i, "no data")
	}
	return r, nil
}

// checkTag reports malformed tags. Nothing else uses them.
func checkTag(i int, message []byte) error {
	var f field
	keyed := false
	for len(message) > 0 {
		n := f.read(message)
		if n < 0 {
			return malformed(i, n)
		}
		message = message[n:]
		keyed = keyed || f.is(tagKey, protowire.BytesType)
	}
	if !keyed {
		return broken(i, "a tag without a key")
	}
	return nil
}
