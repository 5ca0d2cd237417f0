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
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// Redelivery says what of a topic is redelivered after a partial answer. Which of
// the two the service does is not known, so a handler should be tested under
// both.
type Redelivery int

const (
	FromLowest Redelivery = iota // of each partition, everything from the lowest listed offset on
	OnlyListed                   // what was listed, and nothing else
)

// TopicConfig is a Kafka topic with its event source mapping, in provisioned
// mode, and the function that it invokes. The zero value has the service's defaults,
// except that a retry comes at once.
type TopicConfig struct {
	Name string // "topic" unless set

	// BatchSize is the most records that one event has, over all partitions:
	// 100 unless set, at most 10,000. An event stays within 6 MB.
	BatchSize int

	// Redeliver is what is redelivered after a partial answer.
	Redeliver Redelivery

	// MaxRetries, NoRetries, Bisect, MaxRecordAge and RetryDelay are those of a
	// [ShardConfig].
	MaxRetries   int
	NoRetries    bool
	Bisect       bool
	MaxRecordAge time.Duration
	RetryDelay   time.Duration

	// OnFailure is whether there is an on-failure destination. With one,
	// unlimited retries end after 10.
	OnFailure bool

	// Timeout is the function's: the context of an invocation ends after it.
	// Three seconds unless set.
	Timeout time.Duration

	// IgnoreResponse leaves ReportBatchItemFailures off: without an error the
	// whole batch is finished, whatever the answer lists.
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
	notNegative("MaxRecordAge", c.MaxRecordAge)
	notNegative("RetryDelay", c.RetryDelay)
	c.Timeout = functionTimeout(c.Timeout)
	return c
}

// KafkaRecord is what is put into a topic. The number of a partition is not
// limited.
type KafkaRecord struct {
	Partition  int
	Key, Value []byte
}

// Topic is a Kafka topic in memory. Its methods may be called at any time, from
// a handler too, except that one Drain runs at a time.
type Topic struct {
	config   TopicConfig
	draining atomic.Bool
	stream   *stream

	mu      sync.Mutex
	offsets map[int]int64
}

// NewTopic makes an empty topic. It panics on a setting that the service refuses.
func NewTopic(config TopicConfig) *Topic {
	config = config.checked()
	rest := fromLowestOfPartition
	if config.Redeliver == OnlyListed {
		rest = onlyListed
	}
	return &Topic{
		config:  config,
		offsets: make(map[int]int64),
		stream: &stream{settings: settings{
			batchSize:  config.BatchSize,
			maxRetries: config.MaxRetries,
			bisect:     config.Bisect,
			maxAge:     config.MaxRecordAge,
			retryDelay: config.RetryDelay,
			shardID:    config.Name,
			identify:   offsetIdentifier,
			arrange:    byPartition,
			event:      kafkaEvent,
			rest:       rest,
		}},
	}
}

// Put adds records to the topic and returns their IDs, which have the form
// topic-partition/offset.
func (t *Topic) Put(records ...KafkaRecord) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ids []string
	for _, r := range records {
		inRange("Partition", r.Partition, 0, 1<<31-1)
		offset := t.offsets[r.Partition]
		t.offsets[r.Partition]++
		partition := fmt.Sprintf("%s-%d", t.config.Name, r.Partition)
		id := recordID(partition, offset)
		t.stream.put(&entry{id: id, partition: partition, arrived: time.Now(), record: marshal(events.KafkaRecord{
			Topic:         t.config.Name,
			Partition:     int64(r.Partition),
			Offset:        offset,
			Timestamp:     events.MilliSecondsEpochTime{Time: time.Now()},
			TimestampType: "CREATE_TIME",
			Key:           base64.StdEncoding.EncodeToString(r.Key),
			Value:         base64.StdEncoding.EncodeToString(r.Value),
			Headers:       []map[string]events.JSONNumberBytes{},
		})})
		ids = append(ids, id)
	}
	return ids
}

// Drain delivers the topic's records to the handler until all are finished or
// given up, or ctx ends. A batch holds the records that were put in next,
// whatever their partition. It returns when every handler it called has
// returned, also those that outlived their deadline, or when ctx has ended.
func (t *Topic) Drain(ctx context.Context, handler lambda.Handler) *Run {
	d := newDrain(ctx, handler, t.config.Timeout, t.config.IgnoreResponse, t.config.MaxRetries >= 0)
	if !t.draining.CompareAndSwap(false, true) {
		return &Run{Err: errDraining}
	}
	defer t.draining.Store(false)
	return drainStreams(d, []*stream{t.stream})
}

func recordID(partition string, offset int64) string { return fmt.Sprintf("%s/%d", partition, offset) }

func byPartition(batch []*entry) {
	slices.SortStableFunc(batch, func(a, b *entry) int { return cmp.Compare(a.partition, b.partition) })
}

func kafkaEvent(batch []*entry, _ *windowEvent) any {
	records := make(map[string][]json.RawMessage)
	for _, e := range batch {
		records[e.partition] = append(records[e.partition], e.record)
	}
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
		return "", errors.New("itemIdentifier is no object with a partition and an offset")
	}
	return recordID(partition, offset), nil
}

func fromLowestOfPartition(batch []*entry, listed map[string]bool) []*entry {
	failed := make(map[string]bool)
	var rest []*entry
	for _, e := range batch {
		if listed[e.id] {
			failed[e.partition] = true
		}
		if failed[e.partition] {
			rest = append(rest, e)
		}
	}
	return rest
}

func onlyListed(batch []*entry, listed map[string]bool) []*entry {
	var rest []*entry
	for _, e := range batch {
		if listed[e.id] {
			rest = append(rest, e)
		}
	}
	return rest
}
