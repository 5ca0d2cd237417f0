package batch

// Sources make a Stream from an event; options and policies say how.

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/lambdabatch/batch/internal/order"
	"github.com/lambdabatch/batch/internal/wire"
)

// A Policy says what happens to the records behind one that failed.
type Policy int

const (
	// Continue processes every record. On a FIFO queue or a stream that gives up the
	// order: what stands behind a failure takes effect before it.
	Continue Policy = iota
	// StopGroup holds back the later records of the same group. A record without
	// a group has none behind it.
	StopGroup
	// StopBatch holds back every later record of the batch.
	StopBatch
)

func (p Policy) String() string {
	switch p {
	case Continue:
		return "Continue"
	case StopGroup:
		return "StopGroup"
	case StopBatch:
		return "StopBatch"
	}
	return "Policy(" + strconv.Itoa(int(p)) + ")"
}

// An Option changes what a source or handler does by default.
type Option func(*settings)

type settings struct {
	policy      Policy        // unset: the source's
	reserve     time.Duration // unset: the default
	maxReceives int           // 0: unknown
	logger      *slog.Logger
	logGiven    bool
	report      func(context.Context, Report)
	allFailedOK bool
}

const unset = -1

func settingsOf(opts []Option) settings {
	s := settings{policy: unset, reserve: unset}
	if len(opts) > 0 {
		s = s.with(opts) // a copy of its own, so that s stays on the stack
	}
	return s
}

func (s settings) with(opts []Option) settings {
	for _, option := range opts {
		require(option != nil, "Option", "it is nil")
		option(&s)
	}
	return s
}

// WithPolicy sets the policy.
func WithPolicy(p Policy) Option {
	require(p >= Continue && p <= StopBatch, "WithPolicy", "p is no policy")
	return func(s *settings) { s.policy = p }
}

// WithReserve sets how long before the invocation's deadline the records'
// contexts end, so that the answer leaves in time. The default is 5 % of the time
// that remains, at least 500 ms and at most 2 s. It is never more than half of
// what remains, and without a deadline there is none.
func WithReserve(d time.Duration) Option {
	require(d >= 0, "WithReserve", "d is negative")
	return func(s *settings) { s.reserve = d }
}

// WithMaxReceives tells the maxReceiveCount of the queue's redrive policy, which
// is not in the event. A message that fails on receive n or later is about to be
// dead-lettered, so it holds nobody back.
//
// Without it, a message that never succeeds at the head of a FIFO group takes the
// messages behind it along into the dead-letter queue: they use up receives, too,
// and are never tried. With it, receives are still used up by what was not started
// in time, and by a chunk that failed as a whole.
func WithMaxReceives(n int) Option {
	require(n >= 1, "WithMaxReceives", "n is less than 1")
	return func(s *settings) { s.maxReceives = n }
}

// WithLogger sets where failures are logged: a line for each record that itself
// failed, with the record's context, when it reaches the collector, and one at
// the end that counts what was not processed. Handlers log to [slog.Default],
// sources do not log. Nil is silence.
func WithLogger(l *slog.Logger) Option {
	return func(s *settings) { s.logger, s.logGiven = l, true }
}

// WithReport has f called once for each answer, before it leaves: for metrics. [Run]
// does not call it for an event without records, from which it learns nothing.
// The context is the invocation's.
func WithReport(f func(context.Context, Report)) Option {
	require(f != nil, "WithReport", "f is nil")
	return func(s *settings) { s.report = f }
}

// WithoutAllFailedError answers with the full response and no error if all
// records failed. For SQS only the function's Errors metric differs, and that the
// service polls more slowly after errors. On streams
// it defeats BisectBatchOnFunctionError: the checkpoint of the full list is the
// first record, which leaves nothing to split.
func WithoutAllFailedError() Option {
	return func(s *settings) { s.allFailedOK = true }
}

// SQS is the stream of the messages of a queue. The policy is [Continue], and
// [StopGroup] for a FIFO queue, whose ARN ends in ".fifo". Identifier: messageId;
// group: MessageGroupId.
func SQS(ctx context.Context, event events.SQSEvent, opts ...Option) Stream[events.SQSMessage] {
	return sqsOrigin(ctx, event.Records, settingsOf(opts)).stream()
}

// Kinesis is the stream of a slice of a shard. The policy is [StopBatch].
// Identifier: kinesis.sequenceNumber; group: the partition key.
//
// The service delivers again everything from the lowest reported sequence number
// on. With BisectBatchOnFunctionError on the event source mapping it isolates a
// poison record by halving the batch, which uses up no retries. Without it, what
// stands behind that record is discarded untried when the retries end: turn it
// on, or settle poison records with [Catch].
func Kinesis(ctx context.Context, event events.KinesisEvent, opts ...Option) Stream[events.KinesisEventRecord] {
	return kinesisOrigin(ctx, event.Records, settingsOf(opts)).stream()
}

// DynamoDB is the stream of a slice of a table's stream. The policy is
// [StopBatch], for the reasons given at [Kinesis]. Identifier:
// dynamodb.SequenceNumber; group: the item's key.
func DynamoDB(ctx context.Context, event events.DynamoDBEvent, opts ...Option) Stream[events.DynamoDBEventRecord] {
	return dynamoDBOrigin(ctx, event.Records, settingsOf(opts)).stream()
}

// Kafka is the stream of the records of several topic-partitions, which follow
// each other in the order of their names. The policy is [StopGroup]. Group: the
// topic-partition, "<topic>-<n>"; identifier: the object of topic-partition and
// offset, which [Record] shows as "<topic>-<n>/<offset>".
func Kafka(ctx context.Context, event events.KafkaEvent, opts ...Option) Stream[events.KafkaRecord] {
	var rs kafkaRecords
	for _, partition := range slices.Sorted(maps.Keys(event.Records)) {
		for _, record := range event.Records[partition] {
			rs.add(record, partition, true)
		}
	}
	return kafkaOrigin(ctx, rs, settingsOf(opts)).stream()
}

// Firehose is the stream of the records of a transformation. The policy is
// [Continue]; records have no groups. Identifier: recordId. [CollectFirehose]
// answers it.
func Firehose(ctx context.Context, event events.KinesisFirehoseEvent, opts ...Option) Stream[events.KinesisFirehoseEventRecord] {
	return firehoseOrigin(ctx, event.Records, settingsOf(opts)).stream()
}

// From is the stream of records of any kind. describe tells ID, Group and Attempt
// of a record; it must be pure, and is called as often as somebody asks. The
// policy is [Continue].
func From[R any](ctx context.Context, records []R, describe func(R) Record, opts ...Option) Stream[R] {
	require(describe != nil, "From", "describe is nil")
	return newOrigin(ctx, records, settingsOf(opts), Continue).by(described[R]{records, describe}).stream()
}

// Of is the stream of the values, with the identifiers "0", "1", and so on: for
// trying and testing stages.
func Of[T any](values ...T) Stream[T] {
	o := newOrigin(context.Background(), values, settingsOf(nil), Continue)
	return o.by((*numbered[T])(&o.records)).stream()
}

// records are the entries of an event, as its source describes them.
type records interface {
	id(i int) string
	group(i int) string
	about(i int) Record // ID, Group and Attempt
	original(i int) any
}

// A batch is what one source knows of its records. It does not change.
type batch struct {
	settings
	parent context.Context
	length int
	records
	kafka bool       // identifiers go out as objects
	bad   []wire.Bad // the records that could not be decoded

	grouping sync.Once
	group    []int32 // number of each record's group, 0 for none
}

// An origin is a batch together with its records.
type origin[R any] struct {
	batch    batch
	records  []R
	prepared atomic.Pointer[run] // for the first iteration, where a handler made it
}

func newOrigin[R any](ctx context.Context, rs []R, s settings, policy Policy) *origin[R] {
	require(ctx != nil, "source", "ctx is nil")
	if s.policy == unset {
		s.policy = policy
	}
	return &origin[R]{records: rs, batch: batch{settings: s, parent: ctx, length: len(rs)}}
}

// by says who describes the records. Where that is a pointer to them, it costs no
// allocation.
func (o *origin[R]) by(described records) *origin[R] {
	o.batch.records = described
	return o
}

type sqsMessages []events.SQSMessage

func (m *sqsMessages) id(i int) string    { return (*m)[i].MessageId }
func (m *sqsMessages) group(i int) string { return (*m)[i].Attributes["MessageGroupId"] }
func (m *sqsMessages) original(i int) any { return &(*m)[i] }
func (m *sqsMessages) about(i int) Record {
	attempt, _ := strconv.Atoi((*m)[i].Attributes["ApproximateReceiveCount"])
	return Record{ID: m.id(i), Group: m.group(i), Attempt: attempt}
}

func sqsOrigin(ctx context.Context, messages []events.SQSMessage, s settings) *origin[events.SQSMessage] {
	policy := Continue
	for i := range messages {
		if strings.HasSuffix(messages[i].EventSourceARN, ".fifo") {
			policy = StopGroup
			break
		}
	}
	o := newOrigin(ctx, messages, s, policy)
	return o.by((*sqsMessages)(&o.records))
}

type kinesisRecords []events.KinesisEventRecord

func (r *kinesisRecords) id(i int) string    { return (*r)[i].Kinesis.SequenceNumber }
func (r *kinesisRecords) group(i int) string { return (*r)[i].Kinesis.PartitionKey }
func (r *kinesisRecords) about(i int) Record { return Record{ID: r.id(i), Group: r.group(i)} }
func (r *kinesisRecords) original(i int) any { return &(*r)[i] }

func kinesisOrigin(ctx context.Context, rs []events.KinesisEventRecord, s settings) *origin[events.KinesisEventRecord] {
	o := newOrigin(ctx, rs, s, StopBatch)
	return o.by((*kinesisRecords)(&o.records))
}

type dynamoDBRecords []events.DynamoDBEventRecord

func (r *dynamoDBRecords) id(i int) string    { return (*r)[i].Change.SequenceNumber }
func (r *dynamoDBRecords) group(i int) string { return itemKey((*r)[i].Change.Keys) }
func (r *dynamoDBRecords) about(i int) Record { return Record{ID: r.id(i), Group: r.group(i)} }
func (r *dynamoDBRecords) original(i int) any { return &(*r)[i] }

func dynamoDBOrigin(ctx context.Context, rs []events.DynamoDBEventRecord, s settings) *origin[events.DynamoDBEventRecord] {
	o := newOrigin(ctx, rs, s, StopBatch)
	return o.by((*dynamoDBRecords)(&o.records))
}

// itemKey writes the key of an item so that different keys differ: DynamoDB keys
// are strings, numbers and bytes, and a string may look like anything.
func itemKey(keys map[string]events.DynamoDBAttributeValue) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		value, err := keys[name].MarshalJSON()
		if err != nil {
			continue // no attribute value of any type that a key can have
		}
		text.WriteString(strconv.Quote(name))
		text.Write(value)
	}
	return text.String()
}

type kafkaRecords struct {
	all    []events.KafkaRecord
	places []place
}

// place is where a Kafka record stands.
type place struct {
	partition string // "<topic>-<n>"
	located   bool   // its offset is known
}

func (r *kafkaRecords) add(record events.KafkaRecord, partition string, located bool) {
	r.all, r.places = append(r.all, record), append(r.places, place{partition, located})
}

func (r kafkaRecords) id(i int) string {
	if !r.places[i].located {
		return ""
	}
	return r.places[i].partition + "/" + strconv.FormatInt(r.all[i].Offset, 10)
}
func (r kafkaRecords) group(i int) string { return r.places[i].partition }
func (r kafkaRecords) about(i int) Record { return Record{ID: r.id(i), Group: r.group(i)} }
func (r kafkaRecords) original(i int) any { return &r.all[i] }

func kafkaOrigin(ctx context.Context, rs kafkaRecords, s settings) *origin[events.KafkaRecord] {
	o := newOrigin(ctx, rs.all, s, StopGroup)
	o.batch.kafka = true
	return o.by(rs)
}

type firehoseRecords []events.KinesisFirehoseEventRecord

func (r *firehoseRecords) id(i int) string    { return (*r)[i].RecordID }
func (r *firehoseRecords) group(int) string   { return "" }
func (r *firehoseRecords) original(i int) any { return &(*r)[i] }
func (r *firehoseRecords) about(i int) Record { return Record{ID: r.id(i)} }

// firehoseOrigin has no all-failed error: the answer says so for each record.
func firehoseOrigin(ctx context.Context, rs []events.KinesisFirehoseEventRecord, s settings) *origin[events.KinesisFirehoseEventRecord] {
	s.allFailedOK = true
	o := newOrigin(ctx, rs, s, Continue)
	return o.by((*firehoseRecords)(&o.records))
}

// described are the records of From.
type described[R any] struct {
	all      []R
	describe func(R) Record
}

func (d described[R]) id(i int) string    { return d.about(i).ID }
func (d described[R]) group(i int) string { return d.about(i).Group }
func (d described[R]) original(i int) any { return &d.all[i] }

// about survives a describe that panics. Its record has no identifier, which the
// collector answers with an error if it is to be reported.
func (d described[R]) about(i int) (r Record) {
	defer func() { _ = recover() }()
	return d.describe(d.all[i])
}

// numbered are the values of Of.
type numbered[T any] []T

func (n *numbered[T]) id(i int) string    { return strconv.Itoa(i) }
func (n *numbered[T]) group(int) string   { return "" }
func (n *numbered[T]) original(i int) any { return &(*n)[i] }
func (n *numbered[T]) about(i int) Record { return Record{ID: n.id(i)} }

func (b *batch) describe(i int) Record {
	r := b.about(i)
	r.Index, r.Source = i, b.source(i)
	return r
}

func (b *batch) source(i int) any {
	if bad, ok := b.badAt(i); ok {
		return &bad.Raw
	}
	return b.original(i)
}

// lastReceive reports whether the record will be dead-lettered if it fails.
func (b *batch) lastReceive(i int) bool {
	return b.maxReceives > 0 && b.about(i).Attempt >= b.maxReceives
}

func (b *batch) badAt(i int) (*wire.Bad, bool) {
	if len(b.bad) == 0 {
		return nil, false
	}
	at, ok := slices.BinarySearchFunc(b.bad, i, func(bad wire.Bad, i int) int { return bad.Index - i })
	if !ok {
		return nil, false
	}
	return &b.bad[at], true
}

// groupOf returns the number of the record's group, 0 if it has none.
func (b *batch) groupOf(i int) int32 {
	b.numberGroups()
	return b.group[i]
}

func (b *batch) numberGroups() {
	b.grouping.Do(func() {
		b.group = make([]int32, b.length)
		numbers := map[string]int32{"": 0}
		for i := range b.group {
			name := b.records.group(i)
			number, ok := numbers[name]
			if !ok {
				number = int32(len(numbers))
				numbers[name] = number
			}
			b.group[i] = number
		}
	})
}

// stream yields the records, each time as a new run.
func (o *origin[R]) stream() Stream[R] {
	return func(yield func(Result[R]) bool) {
		if len(o.records) == 0 {
			return
		}
		r := o.prepared.Swap(nil)
		if r == nil {
			r = newRun(&o.batch)
		}
		for i := range r.entries {
			e := &r.entries[i]
			e.scope, e.index = &r.scope, int32(i)
			result := Result[R]{h: header{entry: e, state: ready}}
			if bad, ok := o.batch.badAt(i); ok {
				result.h.fail(&DecodeError{ID: o.batch.id(i), Field: bad.Field, Err: bad.Err})
			} else {
				result.value = o.records[i]
			}
			if !yield(result) {
				return
			}
		}
	}
}

// A run is one iteration over a source.
type run struct {
	scope   scope
	batch   *batch
	entries []entry
	order   *order.Order // nil under Continue
	started time.Time
	timed   bool // the invocation has a deadline
	reserve time.Duration
	end     context.CancelFunc

	answered atomic.Bool  // no user function starts any more, not even Tap's
	adrift   atomic.Int32 // lanes that were left running

	mu   sync.Mutex
	high map[ticket]struct{} // numbers from 64 on that were split into others
}

// A ticket is one of the Results of one record.
type ticket struct {
	index  int32
	number uint32
}

func newRun(b *batch) *run {
	r := &run{batch: b, entries: make([]entry, b.length), started: time.Now()}
	r.scope.run = r
	switch b.policy {
	case StopBatch:
		r.order = order.Whole()
	case StopGroup:
		b.numberGroups()
		r.order = order.Groups(b.group)
	}
	if deadline, ok := b.parent.Deadline(); ok {
		r.timed = true
		r.reserve = b.reserveOf(deadline.Sub(r.started))
		r.scope.ctx, r.end = context.WithDeadline(b.parent, deadline.Add(-r.reserve))
	} else {
		r.scope.ctx, r.end = context.WithCancel(b.parent)
	}
	return r
}

// close ends the contexts of the records: the batch is answered.
func (r *run) close() {
	r.answered.Store(true)
	r.end()
}

const (
	minReserve = 500 * time.Millisecond
	maxReserve = 2 * time.Second
)

func (s *settings) reserveOf(remaining time.Duration) time.Duration {
	reserve := s.reserve
	if reserve == unset {
		reserve = min(max(remaining/20, minReserve), maxReserve)
	}
	return max(0, min(reserve, remaining/2))
}

// part notes that a number was split into others and is not expected any more.
func (r *run) part(origin *entry, number uint32) {
	if number < 64 {
		origin.parted.Or(1 << number)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.high == nil {
		r.high = make(map[ticket]struct{})
	}
	r.high[ticket{origin.index, number}] = struct{}{}
}

// expects reports whether a Result with this number is to reach the collector.
func (r *run) expects(origin *entry, number uint32) bool {
	if number < 64 {
		return origin.parted.Load()&(1<<number) == 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, parted := r.high[ticket{origin.index, number}]
	return !parted
}
