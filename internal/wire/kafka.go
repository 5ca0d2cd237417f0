package wire

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
)

// KafkaRecord is a record together with the name of its topic-partition in the event, "<topic>-<partition>".
type KafkaRecord struct {
	Partition string
	Located   bool // the offset could be read; without it nothing identifies the record
	events.KafkaRecord
}

var kafka = source[KafkaRecord]{
	event:        "a Kafka event",
	eventSources: []string{"aws:kafka", "SelfManagedKafka", "aws:SelfManagedKafka"},
	opening:      '{',
	records:      readPartitions,
	members: []member[KafkaRecord]{
		{"topic", func(r *reader, k *KafkaRecord) { r.shared(&k.Topic) }},
		{"partition", func(r *reader, k *KafkaRecord) { r.integer(&k.KafkaRecord.Partition) }},
		{"offset", func(r *reader, k *KafkaRecord) { k.Located = r.integer(&k.Offset) }},
		{"timestamp", func(r *reader, k *KafkaRecord) { r.metaMillis(&k.Timestamp, "timestamp") }},
		{"timestampType", func(r *reader, k *KafkaRecord) { r.metaShared(&k.TimestampType, "timestampType") }},
		{"key", func(r *reader, k *KafkaRecord) { r.string(&k.Key) }},
		{"value", func(r *reader, k *KafkaRecord) { r.string(&k.Value) }},
		{"headers", func(r *reader, k *KafkaRecord) { list(r, &k.Headers, header) }},
	},
}

// Kafka reads an event of Amazon MSK or of a self-managed Kafka cluster. The records are sorted by the name of their
// topic-partition.
func Kafka(payload []byte) (Batch[KafkaRecord], error) {
	return read(payload, kafka, nil)
}

// maxPartitionName bounds the name of a topic-partition, because each identifier in the response repeats it. The name
// of a topic has at most 249 characters, and a number follows.
const maxPartitionName = 300

// partition is the range of a batch that belongs to one topic-partition.
type partition struct {
	name           string
	from, to       int
	badFrom, badTo int
}

// readPartitions reads records from one array per topic-partition.
func readPartitions(src source[KafkaRecord], r *reader) (b Batch[KafkaRecord], err error) {
	b.Records = []KafkaRecord{}
	var parts []partition
	seen := map[string]bool{}
	for first := true; ; first = false {
		name, ok := r.member(first)
		if !ok {
			return sortByPartition(b, parts), nil
		}
		p := partition{name: string(name), from: len(b.Records), badFrom: len(b.Bad)}
		if seen[p.name] {
			return b, fmt.Errorf("topic-partition %s twice", quote(p.name))
		}
		if len(p.name) > maxPartitionName {
			return b, fmt.Errorf("topic-partition %s, whose name is too long", quote(p.name))
		}
		seen[p.name] = true
		switch c := r.peek(); c {
		case '[':
			r.pos++
		case 'n':
			r.literal("null")
			continue
		default:
			return b, fmt.Errorf("topic-partition %s that is %s", quote(p.name), kind(c))
		}
		for first := true; r.element(first); first = false {
			if err := src.addRecord(r, &b); err != nil {
				return b, err
			}
			b.Records[len(b.Records)-1].Partition = p.name
		}
		p.to, p.badTo = len(b.Records), len(b.Bad)
		parts = append(parts, p)
	}
}

// sortByPartition sorts the records by the name of their topic-partition.
func sortByPartition(b Batch[KafkaRecord], parts []partition) Batch[KafkaRecord] {
	byName := func(a, b partition) int { return cmp.Compare(a.name, b.name) }
	if slices.IsSortedFunc(parts, byName) {
		return b
	}
	slices.SortFunc(parts, byName)
	sorted := Batch[KafkaRecord]{Records: make([]KafkaRecord, 0, len(b.Records))}
	for _, p := range parts {
		moved := len(sorted.Records) - p.from
		sorted.Records = append(sorted.Records, b.Records[p.from:p.to]...)
		for _, bad := range b.Bad[p.badFrom:p.badTo] {
			bad.Index += moved
			sorted.Bad = append(sorted.Bad, bad)
		}
	}
	return sorted
}

func header(r *reader, to *map[string]events.JSONNumberBytes) {
	entries(r, to, &r.sizes.header, headerBytes)
}

var errByte = errors.New("number is no byte")

// headerBytes reads an array of bytes. The service sends them as numbers from -128 to 127. It did not always send
// negative numbers, and the change broke functions. Numbers from 128 to 255 are unambiguous and accepted, too. null
// instead of the array means no bytes, and null instead of a number means zero.
func headerBytes(r *reader, _ string) (events.JSONNumberBytes, bool) {
	if !r.open('[') {
		return events.JSONNumberBytes{}, true
	}
	r.headerBytes = r.headerBytes[:0]
	for first := true; r.element(first); first = false {
		at := r.pos
		var n int64
		if text, ok := r.numberText(); ok {
			var err error
			if n, err = strconv.ParseInt(string(text), 10, 16); err != nil || n < math.MinInt8 || n > math.MaxUint8 {
				r.bad(at, errByte)
			}
		}
		r.headerBytes = append(r.headerBytes, byte(n))
	}
	data := r.carve(len(r.headerBytes))
	copy(data, r.headerBytes)
	return data, true
}
