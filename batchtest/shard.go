package batchtest

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/samber/lo"
)

// Source is the kind of a shard.
type Source int

const (
	Kinesis  Source = iota // a shard of a Kinesis data stream
	DynamoDB               // a shard of a DynamoDB stream
)

// ShardConfig describes a shard, its event source mapping and the function. The zero value is a
// Kinesis shard with the service's defaults, except that a failed batch is redelivered immediately.
type ShardConfig struct {
	Source Source

	// BatchSize is the maximum number of records in an event. It defaults to 100 and is at most
	// 10,000. An event never exceeds 6 MB, unless a single record does. If the state of a window
	// grows, a batch may be redelivered in parts.
	BatchSize int

	// MaxRetries is MaximumRetryAttempts. It does not count the first delivery. 0 and -1 set no
	// limit; NoRetries is the service's 0. When a batch has no retries left, all that remains
	// of it is given up, including records after the failed one that were never tried. The
	// retries start again when the checkpoint moves.
	MaxRetries int
	NoRetries  bool

	// Bisect is BisectBatchOnFunctionError: a batch whose invocation failed is redelivered in two
	// halves, which costs no retry. A partial failure splits the batch at the lowest listed
	// record, with or without Bisect.
	Bisect bool

	// MaxRecordAge is MaximumRecordAgeInSeconds: older records at the front of a batch are given
	// up. It is at most seven days; 0 sets no limit. Without MaxRetries, it needs a RetryDelay to
	// end the retries: in a bubble of testing/synctest no time passes otherwise, and the Drain ends
	// with ErrEndless. With one, the Drain lasts as long as MaxRecordAge, with an invocation per
	// RetryDelay.
	MaxRecordAge time.Duration

	// RetryDelay is the time before a batch, or the rest of one, is redelivered.
	RetryDelay time.Duration

	// Parallelization is the ParallelizationFactor, from 1 to 10: how many batches of the shard are
	// processed at once. Each of these sequences has its own checkpoint, retries and order, and
	// records with the same key share one.
	Parallelization int

	// Window is TumblingWindowInSeconds, at most 15 minutes. When the time of a
	// window is over and its records are finished, an invocation without records ends it. That
	// invocation is repeated until it succeeds. Every response must have a state, and null is none:
	// otherwise the invocation fails. The state of a partial failure is kept. A state of more than
	// 1 MB ends the window early, even if it comes with a partial failure: the next invocation has
	// no records and receives that state, and the window continues with an empty one.
	Window time.Duration

	// Timeout is the function's: it ends the context of each invocation. It defaults to three
	// seconds.
	Timeout time.Duration

	// IgnoreResponse turns ReportBatchItemFailures off: unless the invocation fails, the whole
	// batch is finished, whatever the response lists.
	IgnoreResponse bool
}

func (c ShardConfig) checked() ShardConfig {
	inRange("Source", int(c.Source), int(Kinesis), int(DynamoDB))
	c.BatchSize = streamBatchSize(c.BatchSize)
	c.MaxRetries = retryLimit(c.MaxRetries, c.NoRetries)
	atMost("MaxRecordAge", c.MaxRecordAge, maxRecordAge)
	notNegative("RetryDelay", c.RetryDelay)
	c.Parallelization = cmp.Or(c.Parallelization, 1)
	inRange("Parallelization", c.Parallelization, 1, 10)
	atMost("Window", c.Window, maxWindow)
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

// retryLimit returns -1 if there is no limit.
func retryLimit(n int, none bool) int {
	inRange("MaxRetries", n, -1, 10_000)
	switch {
	case none && n > 0:
		panic("batchtest: NoRetries: MaxRetries is also set")
	case none:
		return 0
	}
	return cmp.Or(n, -1)
}

// Record is a record to put into a shard.
type Record struct {
	// ID is the sequence number, which identifies the record in responses. If empty, one of the
	// service's length is assigned.
	ID string

	// Key is the partition key. For DynamoDB, it is the value of the item's key attribute "id".
	// If empty, a key is assigned that no other record has.
	Key string

	// Data is the payload. For DynamoDB, it is the binary attribute "data" of the inserted item,
	// unless Old or New is set.
	Data []byte

	// Keys, if set, is the key of a DynamoDB item. It replaces "id" and Key. Old and New are the
	// item's images. A record without Old is an INSERT, one without New a REMOVE, and one with both
	// a MODIFY. An image cannot contain an empty set or the zero value of an attribute.
	Keys, Old, New map[string]events.DynamoDBAttributeValue

	// Arrived is the time at which the record arrives in the shard. It is not delivered earlier. It
	// defaults to now, and is never before the arrival of the previous record.
	Arrived time.Time
}

// Shard is a shard of a stream, in memory. Its methods may be called concurrently, and by a handler,
// but only one Drain at a time.
type Shard struct {
	config   ShardConfig
	draining draining
	lanes    []*stream

	mu   sync.Mutex
	puts int
	last time.Time
}

// NewShard makes an empty shard. It panics if a setting is outside the service's limits, but allows
// shorter times than the service, for short tests.
func NewShard(config ShardConfig) *Shard {
	config = config.checked()
	common := streamConfig{
		batchSize:  config.BatchSize,
		maxRetries: config.MaxRetries,
		bisect:     config.Bisect,
		maxAge:     config.MaxRecordAge,
		retryDelay: config.RetryDelay,
		window:     config.Window,
		shardID:    config.Source.shardID(),
		sourceARN:  config.Source.arn(),
		identify:   textIdentifier,
		sort:       func([]*streamRecord) {},
		event:      shardEvent,
		redeliver:  fromLowest,
	}
	lanes := lo.Times(config.Parallelization, func(int) *stream { return &stream{streamConfig: common} })
	return &Shard{config: config, lanes: lanes}
}

// Put adds records to the shard and returns their IDs. It panics if an image contains what
// DynamoDB does not store.
func (s *Shard) Put(records ...Record) []string {
	requireMade(s.config.Timeout, "NewShard")
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
		record := &streamRecord{id: r.ID, arrived: r.Arrived, json: s.config.Source.encode(r)}
		s.laneOf(r).put(record)
		ids = append(ids, r.ID)
	}
	s.draining.changed()
	return ids
}

func (s *Shard) laneOf(r Record) *stream {
	hash := fnv.New32a()
	hash.Write(s.config.Source.orderingKey(r))
	return s.lanes[hash.Sum32()%uint32(len(s.lanes))]
}

// Drain delivers the shard's records to the handler until all are finished or given up, or ctx
// ends. The lanes of a shard take turns.
//
// Drain waits until every call of the handler has returned, even one that outlived its deadline,
// unless ctx ends first. The handler can respond until a second after that.
func (s *Shard) Drain(ctx context.Context, handler lambda.Handler) *Run {
	requireMade(s.config.Timeout, "NewShard")
	d := newDrain(ctx, handler, s.config.Timeout, s.config.IgnoreResponse, s.lanes[0].bounded())
	if !s.draining.begin(d) {
		return &Run{Err: errDraining}
	}
	defer s.draining.end()
	return drainStreams(d, s.lanes)
}

// fromLowest returns the batch from the lowest listed record on, nil if none is listed.
func fromLowest(batch []*streamRecord, listed map[string]bool) []*streamRecord {
	lowest := slices.IndexFunc(batch, func(r *streamRecord) bool { return listed[r.id] })
	if lowest < 0 {
		return nil
	}
	return batch[lowest:]
}
