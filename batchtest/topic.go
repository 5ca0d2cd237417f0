package batchtest

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/samber/lo"
)

// Redelivery selects which records of a topic are redelivered after a partial failure. AWS does not
// document it, so test a handler under both values.
type Redelivery int

const (
	FromLowest Redelivery = iota // in each partition, every record from the lowest listed offset on
	OnlyListed                   // only the listed records
)

// TopicConfig describes a Kafka topic, its event source mapping in provisioned mode, and the
// function. The zero value has the service's defaults, except that a failed batch is redelivered
// immediately.
type TopicConfig struct {
	Name string // defaults to "topic"

	// BatchSize is the maximum number of records in an event, over all partitions. It defaults
	// to 100 and is at most 10,000. An event never exceeds 6 MB, unless a single record does.
	BatchSize int

	// Redeliver selects the records that are redelivered after a partial failure.
	Redeliver Redelivery

	// MaxRetries, NoRetries, Bisect, MaxRecordAge and RetryDelay mean what they mean in a
	// ShardConfig.
	MaxRetries   int
	NoRetries    bool
	Bisect       bool
	MaxRecordAge time.Duration
	RetryDelay   time.Duration

	// OnFailure adds an on-failure destination. With one, unlimited retries end after 10.
	OnFailure bool

	// Timeout is the function's: it ends the context of each invocation. It defaults to three
	// seconds.
	Timeout time.Duration

	// IgnoreResponse turns ReportBatchItemFailures off: unless the invocation fails, the whole
	// batch is finished, whatever the response lists.
	IgnoreResponse bool
}

func (c TopicConfig) checked() TopicConfig {
	c.Name = cmp.Or(c.Name, "topic")
	c.BatchSize = streamBatchSize(c.BatchSize)
	inRange("Redeliver", int(c.Redeliver), int(FromLowest), int(OnlyListed))
	c.MaxRetries = retryLimit(c.MaxRetries, c.NoRetries)
	if c.MaxRetries < 0 && c.OnFailure {
		c.MaxRetries = 10
	}
	atMost("MaxRecordAge", c.MaxRecordAge, maxRecordAge)
	notNegative("RetryDelay", c.RetryDelay)
	c.Timeout = functionTimeout(c.Timeout)
	return c
}

// KafkaRecord is a record to put into a topic. A partition exists as soon as a record names it. The
// record has no headers.
type KafkaRecord struct {
	Partition int

	// A nil Key or Value is absent from the event, and an empty one is "". A record whose Value is nil
	// is a tombstone. (In an events.KafkaRecord, both look the same.)
	Key, Value []byte
}

// Topic is a Kafka topic in memory. Its methods may be called concurrently, and by a handler, but
// only one Drain at a time.
type Topic struct {
	config   TopicConfig
	draining draining
	stream   *stream

	mu      sync.Mutex
	offsets map[int]int64
}

// NewTopic makes an empty topic. It panics if a setting is outside the service's limits, but allows
// shorter times than the service, for short tests.
func NewTopic(config TopicConfig) *Topic {
	config = config.checked()
	redeliver := fromLowestOfPartition
	if config.Redeliver == OnlyListed {
		redeliver = onlyListed
	}
	return &Topic{
		config:  config,
		offsets: make(map[int]int64),
		stream: &stream{streamConfig: streamConfig{
			batchSize:  config.BatchSize,
			maxRetries: config.MaxRetries,
			bisect:     config.Bisect,
			maxAge:     config.MaxRecordAge,
			retryDelay: config.RetryDelay,
			shardID:    config.Name,
			identify:   offsetIdentifier,
			sort:       sortByPartition,
			event:      kafkaEvent,
			redeliver:  redeliver,
		}},
	}
}

// Put adds records to the topic and returns their IDs. An ID has the form topic-partition/offset. Put
// panics if a partition is negative.
func (t *Topic) Put(records ...KafkaRecord) []string {
	requireMade(t.config.Timeout, "NewTopic")
	t.mu.Lock()
	defer t.mu.Unlock()
	var ids []string
	for _, r := range records {
		inRange("Partition", r.Partition, 0, 1<<31-1)
		offset := t.offsets[r.Partition]
		t.offsets[r.Partition]++
		partition := fmt.Sprintf("%s-%d", t.config.Name, r.Partition)
		id := recordID(partition, offset)
		now := time.Now()
		t.stream.put(&streamRecord{id: id, partition: partition, arrived: now, json: t.encode(r, offset, now)})
		ids = append(ids, id)
	}
	return ids
}

func (t *Topic) encode(r KafkaRecord, offset int64, now time.Time) json.RawMessage {
	return marshal(kafkaEventRecord{
		KafkaRecord: events.KafkaRecord{
			Topic:         t.config.Name,
			Partition:     int64(r.Partition),
			Offset:        offset,
			Timestamp:     events.MilliSecondsEpochTime{Time: now},
			TimestampType: "CREATE_TIME",
			Headers:       []map[string]events.JSONNumberBytes{},
		},
		Key:   textOf(r.Key),
		Value: textOf(r.Value),
	})
}

// kafkaEventRecord is events.KafkaRecord as the service writes it: what is empty is a text, and what
// is absent is not there.
type kafkaEventRecord struct {
	events.KafkaRecord
	Key   *string `json:"key,omitempty"`
	Value *string `json:"value,omitempty"`
}

// textOf returns nil for nil, and otherwise base64.
func textOf(data []byte) *string {
	if data == nil {
		return nil
	}
	text := base64.StdEncoding.EncodeToString(data)
	return &text
}

// Drain delivers the topic's records to the handler until all are finished or given up, or ctx
// ends. A batch takes records in the order in which they were put in, from any partition.
//
// Drain waits until every call of the handler has returned, even one that outlived its deadline,
// unless ctx ends first. The handler can respond until a second after that.
func (t *Topic) Drain(ctx context.Context, handler lambda.Handler) *Run {
	requireMade(t.config.Timeout, "NewTopic")
	d := newDrain(ctx, handler, t.config.Timeout, t.config.IgnoreResponse, t.stream.bounded())
	if !t.draining.begin(d) {
		return &Run{Err: errDraining}
	}
	defer t.draining.end()
	return drainStreams(d, []*stream{t.stream})
}

func recordID(partition string, offset int64) string { return fmt.Sprintf("%s/%d", partition, offset) }

func sortByPartition(batch []*streamRecord) {
	slices.SortStableFunc(batch, func(a, b *streamRecord) int { return cmp.Compare(a.partition, b.partition) })
}

func kafkaEvent(batch []*streamRecord, _ *windowEvent) any {
	records := lo.GroupByMap(batch, func(r *streamRecord) (string, json.RawMessage) { return r.partition, r.json })
	return struct {
		EventSource      string                       `json:"eventSource"`
		EventSourceARN   string                       `json:"eventSourceArn"`
		BootstrapServers string                       `json:"bootstrapServers"`
		Records          map[string][]json.RawMessage `json:"records"`
	}{
		EventSource:      "aws:kafka",
		EventSourceARN:   "arn:aws:kafka:" + region + ":" + account + ":cluster/cluster/00000000-0000-4000-8000-000000000000-1",
		BootstrapServers: "b-1.cluster.kafka." + region + ".amazonaws.com:9092",
		Records:          records,
	}
}

// offsetIdentifier reads {"partition":"topic-0","offset":1}.
func offsetIdentifier(raw json.RawMessage) (string, error) {
	var fields map[string]json.RawMessage
	var partition string
	var offset int64
	if json.Unmarshal(raw, &fields) != nil ||
		isNull(fields["partition"]) || json.Unmarshal(fields["partition"], &partition) != nil ||
		isNull(fields["offset"]) || json.Unmarshal(fields["offset"], &offset) != nil {
		return "", errors.New("itemIdentifier is not an object with a partition and an offset")
	}
	return recordID(partition, offset), nil
}

func fromLowestOfPartition(batch []*streamRecord, listed map[string]bool) []*streamRecord {
	failed := make(map[string]bool)
	return lo.Filter(batch, func(r *streamRecord, _ int) bool {
		failed[r.partition] = failed[r.partition] || listed[r.id]
		return failed[r.partition]
	})
}

func onlyListed(batch []*streamRecord, listed map[string]bool) []*streamRecord {
	return lo.Filter(batch, func(r *streamRecord, _ int) bool { return listed[r.id] })
}
