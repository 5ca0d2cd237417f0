package batchtest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// Source is the kind of a shard.
type Source int

const (
	Kinesis  Source = iota // a shard of a Kinesis data stream
	DynamoDB               // a shard of a DynamoDB stream
)

// ShardConfig is a shard with its event source mapping and the function behind
// it. The zero value is a Kinesis shard with the service's defaults, except
// that a retry comes at once.
type ShardConfig struct {
	Source Source

	// BatchSize is the most records that one event has: 100 unless set, at most
	// 10,000. An event stays within 6 MB.
	BatchSize int

	// MaxRetries is MaximumRetryAttempts, counted beside the first delivery; 0
	// and -1 set no limit, and NoRetries is the service's 0. When the retries
	// of a batch have run out, all that is left of it is given up, records
	// after the failed one that were never tried included. The count starts
	// afresh when the checkpoint moves.
	MaxRetries int
	NoRetries  bool

	// Bisect is BisectBatchOnFunctionError: a batch whose invocation failed
	// is redelivered in two halves, which costs no retry. A partial answer splits
	// the batch at the lowest listed record, with Bisect or without.
	Bisect bool

	// MaxRecordAge is MaximumRecordAgeInSeconds: older records are given up at
	// the front of their batch. 0 sets no limit.
	MaxRecordAge time.Duration

	// RetryDelay is waited before a batch, or what is left of it, is redelivered.
	RetryDelay time.Duration

	// Parallelization is the ParallelizationFactor, from 1 to 10: so many
	// lanes, each with a checkpoint, retries and order of its own. The records
	// of one key share a lane.
	Parallelization int

	// Window is TumblingWindowInSeconds. A window ends with an invocation that
	// has no records, once its time is over and its records are finished; it is
	// repeated until it succeeds. The state of a partial answer is kept.
	// Answers without a state (null is none) fail, and one over 1 MB ends the
	// window early, with that state, and lets it go on with an empty one.
	Window time.Duration

	// Timeout is the function's: the context of an invocation ends after it.
	// Three seconds unless set.
	Timeout time.Duration

	// IgnoreResponse leaves ReportBatchItemFailures off: without an error the
	// whole batch is finished, whatever the answer lists.
	IgnoreResponse bool
}

func (c ShardConfig) checked() ShardConfig {
	inRange("Source", int(c.Source), int(Kinesis), int(DynamoDB))
	c.BatchSize = streamBatchSize(c.BatchSize)
	c.MaxRetries = retryLimit(c.MaxRetries, c.NoRetries)
	notNegative("MaxRecordAge", c.MaxRecordAge)
	notNegative("RetryDelay", c.RetryDelay)
	c.Parallelization = cmp.Or(c.Parallelization, 1)
	inRange("Parallelization", c.Parallelization, 1, 10)
	notNegative("Window", c.Window)
	if c.Window > 0 && c.Parallelization > 1 {
		panic("batchtest: Window: a window's state belongs to the shard, so Parallelization must be 1")
	}
	c.Timeout = functionTimeout(c.Timeout)
	return c
}

func streamBatchSize(n int) int {
	n = cmp.Or(n, 100)
	inRange("BatchSize", n, 1, 10_000)
	return n
}

// retryLimit returns -1 where there is none.
func retryLimit(n int, none bool) int {
	inRange("MaxRetries", n, -1, 10_000)
	switch {
	case none && n > 0:
		panic("batchtest: NoRetries: MaxRetries is set too")
	case none:
		return 0
	}
	return cmp.Or(n, -1)
}

// Record is what is put into a shard.
type Record struct {
	// ID is the sequence number, the record's identifier in answers; numbered
	// if empty, in the length that the service uses.
	ID string

	// Key is the partition key, or the value of the DynamoDB item's key
	// attribute, "id". A record without one has a key of its own.
	Key string

	// Data is the payload. For DynamoDB it is the binary attribute "data" of
	// the inserted item, unless Old or New is set.
	Data []byte

	// Keys, Old and New are a DynamoDB item's key, if it is another than "id"
	// with Key, and its images: without Old the record is an INSERT, without
	// New a REMOVE, and otherwise a MODIFY.
	Keys, Old, New map[string]events.DynamoDBAttributeValue

	// Arrived is when the record came to the shard: now unless set, and not
	// before the one put in last. It is not delivered before.
	Arrived time.Time
}

// Shard is a shard of a stream, in memory. Its methods may be called at any
// time, from a handler too, except that one Drain runs at a time.
type Shard struct {
	config   ShardConfig
	draining atomic.Bool
	lanes    []*stream

	mu   sync.Mutex
	puts int
	last time.Time
}

// NewShard makes an empty shard. It panics on a setting that the service refuses.
func NewShard(config ShardConfig) *Shard {
	config = config.checked()
	shard := &Shard{config: config}
	common := settings{
		batchSize:  config.BatchSize,
		maxRetries: config.MaxRetries,
		bisect:     config.Bisect,
		maxAge:     config.MaxRecordAge,
		retryDelay: config.RetryDelay,
		window:     config.Window,
		shardID:    config.Source.shardID(),
		sourceARN:  config.Source.arn(),
		identify:   textIdentifier,
		arrange:    func([]*entry) {},
		event:      shardEvent,
		rest:       fromLowest,
	}
	for range config.Parallelization {
		shard.lanes = append(shard.lanes, &stream{settings: common})
	}
	return shard
}

// Put adds records to the shard and returns their IDs.
func (s *Shard) Put(records ...Record) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, r := range records {
		s.puts++
		r.ID = cmp.Or(r.ID, s.config.Source.sequenceNumber(s.puts))
		r.Key = cmp.Or(r.Key, fmt.Sprintf("key-%d", s.puts))
		if r.Arrived.IsZero() {
			r.Arrived = time.Now()
		}
		if r.Arrived.Before(s.last) {
			r.Arrived = s.last
		}
		s.last = r.Arrived
		s.lanes[s.lane(r)].put(&entry{id: r.ID, arrived: r.Arrived, record: s.config.Source.record(r)})
		ids = append(ids, r.ID)
	}
	return ids
}

func (s *Shard) lane(r Record) int {
	key := []byte(r.Key)
	if r.Keys != nil {
		key = marshal(r.Keys)
	}
	hash := fnv.New32a()
	hash.Write(key)
	return int(hash.Sum32() % uint32(len(s.lanes)))
}

// Drain delivers the shard's records to the handler until all are finished or
// given up, or ctx ends. The lanes of a parallelized shard take turns. It
// returns when every handler it called has returned, also those that outlived
// their deadline, or when ctx has ended.
func (s *Shard) Drain(ctx context.Context, handler lambda.Handler) *Run {
	d := newDrain(ctx, handler, s.config.Timeout, s.config.IgnoreResponse, s.config.MaxRetries >= 0)
	if !s.draining.CompareAndSwap(false, true) {
		return &Run{Err: errDraining}
	}
	defer s.draining.Store(false)
	return drainStreams(d, s.lanes)
}

type recordsEvent struct {
	Records []json.RawMessage `json:"Records"`
	*windowEvent
}

func shardEvent(batch []*entry, w *windowEvent) any {
	records := make([]json.RawMessage, len(batch))
	for i, e := range batch {
		records[i] = e.record
	}
	return recordsEvent{Records: records, windowEvent: w}
}

// fromLowest is the rest of a batch from the lowest listed record on: what was
// listed, and what comes after it.
func fromLowest(batch []*entry, listed map[string]bool) []*entry {
	for i, e := range batch {
		if listed[e.id] {
			return batch[i:]
		}
	}
	return nil
}
